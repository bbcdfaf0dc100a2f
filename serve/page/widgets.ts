/**
 * What a page with runs does in the browser, with a server or without. The page with a server is sent each function as
 * its own text, so they name nothing but the browser and their neighbours here.
 */

export const byId = function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
};

export const say = function say(text: string): void {
  byId('says').textContent = text;
};

/** Change markup, and leave focus and choices where they were. */
export const replacing = function replacing(change: () => void): void {
  const focused = document.activeElement?.id ?? '';
  const chosen = [...document.querySelectorAll<HTMLInputElement>('input[name=run]:checked')].map((box) => box.id);
  change();
  for (const id of chosen) {
    const box = document.getElementById(id) as HTMLInputElement | null;
    if (box) box.checked = true;
  }
  const again = focused.replace(/^stop-/, 'report-');
  if (focused && document.activeElement?.id !== focused) {
    (document.getElementById(focused) ?? document.getElementById(again))?.focus();
  }
};

export const show = function show(run: { id: string; html: string; says: string }): void {
  replacing(() => {
    const old = document.getElementById(`run-${run.id}`);
    document.getElementById('none')?.remove();
    if (old) old.outerHTML = run.html;
    else byId('runs').insertAdjacentHTML('afterbegin', run.html);
  });
  say(run.says);
};

/** Files that are chosen or dropped, and runs that are stopped. */
export const attend = function attend(does: {
  take(files: readonly File[]): Promise<void>;
  stop(id: string): void;
}): void {
  const input = byId('files') as HTMLInputElement;
  const drop = byId('drop');
  input.addEventListener('change', () => {
    void does.take([...(input.files ?? [])]).then(() => (input.value = ''));
  });
  // Anywhere on the page: a file that misses the box would replace the page.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', () => drop.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    void does.take([...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener('click', (event) => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('[data-stop]')?.dataset['stop'];
    if (id !== undefined) does.stop(id);
  });
};
