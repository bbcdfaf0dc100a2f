/**
 * What runs in the browser. Each function is sent as its own text, so it names nothing but browser and its neighbours
 * here; markup comes from the server, escaped there. Its tsconfig.json knows the browser's names, and no other file
 * may.
 */

const byId = function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
};

const say = function say(text: string): void {
  byId('says').textContent = text;
};

/** Change markup, and leave focus and choices where they were. */
const replacing = function replacing(change: () => void): void {
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

const show = function show(run: { id: string; html: string; says: string }): void {
  replacing(() => {
    const old = document.getElementById(`run-${run.id}`);
    document.getElementById('none')?.remove();
    if (old) old.outerHTML = run.html;
    else byId('runs').insertAdjacentHTML('afterbegin', run.html);
  });
  say(run.says);
};

const ask = async function ask(method: string, path: string, body: BodyInit | null): Promise<unknown> {
  const answer = await fetch(path, { method, body });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  throw new Error(`${error.code}: ${error.message}`);
};

/** Files one after another: the disk is one, and the order of what is said stays that of the list. */
const take = async function take(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  byId('problem').textContent = '';
  const begun: string[] = [];
  try {
    const names = JSON.stringify({ names: files.map((file) => file.name) });
    const runs = (await ask('POST', '/runs', names)) as { id: string; inputs: string[] }[];
    begun.push(...runs.map(({ id }) => id));
    for (const { id, inputs } of runs) {
      for (const name of inputs) {
        say(`sending ${name}`);
        const file = files.find((each) => each.name === name)!;
        await ask('PUT', `/runs/${id}/input/${encodeURIComponent(name)}`, file);
      }
      await ask('POST', `/runs/${id}/start`, null);
      begun.shift();
    }
  } catch (error) {
    byId('problem').textContent = error instanceof Error ? error.message : String(error);
    for (const id of begun) await ask('POST', `/runs/${id}/stop`, null).catch(() => null);
  }
};

const begin = function begin(): void {
  const input = byId('files') as HTMLInputElement;
  const drop = byId('drop');
  input.addEventListener('change', () => {
    void take([...(input.files ?? [])]).then(() => (input.value = ''));
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
    void take([...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener('click', (event) => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('[data-stop]')?.dataset['stop'];
    if (id !== undefined) void ask('POST', `/runs/${id}/stop`, null);
  });
  const source = new EventSource('/events');
  const data = (event: Event): never => JSON.parse((event as MessageEvent<string>).data) as never;
  source.addEventListener('run', (event) => show(data(event)));
  source.addEventListener('runs', (event) => {
    const { html } = data(event) as { html: string };
    replacing(() => (byId('runs').innerHTML = html));
    byId('offline').hidden = true;
  });
  source.addEventListener('error', () => (byId('offline').hidden = false));
};

/** The script of the page. */
export const CLIENT = `'use strict';${Object.entries({ byId, say, replacing, show, ask, take, begin })
  .map(([name, part]) => `const ${name}=${part.toString()};`)
  .join('\n')}
begin();`;
