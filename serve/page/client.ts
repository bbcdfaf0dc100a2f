/**
 * What runs in the browser of the page with a server. It is sent as its own text, so it names nothing but the browser
 * and what it is given; markup comes from the server, escaped there. Its tsconfig.json knows the browser's names, and
 * no other file may.
 */
import * as widgets from './widgets.ts';

const client = function client({ attend, byId, replacing, say, show }: typeof widgets): void {
  async function ask(method: string, path: string, body: BodyInit | null): Promise<unknown> {
    const answer = await fetch(path, { method, body });
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    throw new Error(`${error.code}: ${error.message}`);
  }

  /** Files one after another: the disk is one, and the order of what is said stays that of the list. */
  async function take(files: readonly File[]): Promise<void> {
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
  }

  function watch(): void {
    const source = new EventSource('/events');
    const data = (event: Event): never => JSON.parse((event as MessageEvent<string>).data) as never;
    source.addEventListener('run', (event) => show(data(event)));
    source.addEventListener('runs', (event) => {
      const { html } = data(event) as { html: string };
      replacing(() => (byId('runs').innerHTML = html));
      byId('offline').hidden = true;
    });
    source.addEventListener('error', () => (byId('offline').hidden = false));
  }

  attend({ take, stop: (id) => void ask('POST', `/runs/${id}/stop`, null) });
  watch();
};

/** The script of the page. */
export const CLIENT = `'use strict';${Object.entries(widgets)
  .map(([name, part]) => `const ${name}=${part.toString()};`)
  .join('\n')}
(${client.toString()})({ ${Object.keys(widgets).join(', ')} });`;
