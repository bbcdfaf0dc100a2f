/** The server behind the page: what it takes, tells, gives and refuses. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Run } from '../../serve/run.ts';
import { fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';
import { startServer, type TestServer } from './server.ts';

let server: TestServer;
afterEach(() => server.end());

const send = (method: string, path: string, body: RequestInit['body'] | null = null): Promise<Response> =>
  fetch(new URL(path, server.url), { method, body, headers: { origin: new URL(server.url).origin } });
const create = async (...names: string[]): Promise<Run[]> =>
  (await (await send('POST', '/runs', JSON.stringify({ names }))).json()) as Run[];

async function begin(): Promise<string> {
  const [run] = await create('net.pt2');
  expect((await send('PUT', `/runs/${run!.id}/input/net.pt2`, PROGRAM)).status).toBe(204);
  expect((await send('POST', `/runs/${run!.id}/start`)).status).toBe(200);
  return run!.id;
}

/** Reads the stream until `enough` says so; returns its text. */
async function readEvents(enough: (text: string) => boolean): Promise<string> {
  const stop = new AbortController();
  const answer = await fetch(new URL('/events', server.url), { signal: stop.signal });
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (enough(text)) break;
  }
  stop.abort();
  return text;
}

const status = (word: string) => (text: string) => text.includes(`"status":"${word}"`);
const errorOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { error: { code: string } }).error.code;

test('two pages see the stages, and the results are there', async () => {
  server = await startServer({ stages: fakeStages() });
  const both = Promise.all([readEvents(status('done')), readEvents(status('done'))]);
  const id = await begin();
  for (const text of await both) {
    const said = [...text.matchAll(/"says":"([^"]*)"/g)].map((m) => m[1]);
    expect(said).toContain('net.pt2: converting, under way');
    expect(said.at(-1)).toMatch(/^net\.pt2: done\. /);
  }
  const report = await send('GET', `/runs/${id}/results/report.html`);
  expect(report.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
  expect(await report.text()).toContain('net.pt2');
  expect(await (await send('GET', `/runs/${id}/results/model.onnx`)).text()).toBe('float '.repeat(100));
  const compared = await (await send('GET', `/compare?run=${id}`)).text();
  expect(compared.match(/scope="row"/g)).toHaveLength(2);
});

test('a second run says what changed since the first', async () => {
  server = await startServer({ stages: fakeStages() });
  const changes = async (id: string): Promise<unknown> => {
    await readEvents((text) => text.includes(id) && status('done')(text.slice(text.lastIndexOf(id))));
    const report = await (await send('GET', `/runs/${id}/results/report.json`)).json();
    return (report as { changes?: unknown }).changes;
  };
  expect(await changes(await begin())).toBeUndefined();
  expect(await changes(await begin())).toMatchObject({ verdict: { before: 'pass', after: 'pass' } });
});

test('a page that comes in the middle sees what is under way', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const before = (stage: string): Promise<void> | void => (stage === 'quantize' ? held : undefined);
  server = await startServer({ stages: fakeStages(before) });
  const id = await begin();
  await readEvents((text) => text.includes('quantizing'));
  const text = await readEvents(() => true);
  expect(text).toMatch(/^event: runs/);
  expect(await (await send('GET', '/')).text()).toContain(`run-${id}`);
  release();
  await readEvents((t) => /"says":"[^"]*done\. /.test(t) || t.includes('badge done'));
});

test('a failure is told with its code and has a report', async () => {
  server = await startServer({ stages: fakeStages((stage) => (stage === 'convert' ? unsupported() : undefined)) });
  const done = readEvents(status('failed'));
  const id = await begin();
  expect(await done).toContain('UnsupportedOperator');
  expect(await (await send('GET', `/runs/${id}/results/report.html`)).text()).toContain('aten::mystery');
});

test('runs of an earlier server are there, and those that it left are stopped', async () => {
  const root = await mkdtemp(join(tmpdir(), 'serve-twice-'));
  server = await startServer({ root, stages: fakeStages() });
  const done = readEvents(status('done'));
  const id = await begin();
  await done;
  const [left] = await create('other.pt2');
  await server.end();
  server = await startServer({ root });
  const text = await (await send('GET', '/')).text();
  expect(text).toContain(`/runs/${id}/results/report.html`);
  expect(text).toMatch(new RegExp(`id="name-${left!.id}">other.pt2 <span class="badge stopped">`));
  await server.end();
  server = await startServer();
  await rm(root, { recursive: true });
});

test('other hosts and other pages are refused', async () => {
  server = await startServer();
  const { port } = new URL(server.url);
  const ask = (method: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path: '/runs', method, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
      sent.on('error', reject).end(method === 'GET' ? undefined : '{"names":["a.pt2"]}');
    });
  const host = `127.0.0.1:${port}`;
  expect(await ask('GET', { host: `evil.example:${port}` })).toBe(403);
  expect(await ask('POST', { host: `evil.example:${port}`, origin: `http://evil.example:${port}` })).toBe(403);
  expect(await ask('POST', { host, origin: 'https://evil.example' })).toBe(403);
  expect(await ask('POST', { host, origin: 'null' })).toBe(403);
  expect(await ask('POST', { host })).toBe(403);
  expect(await ask('POST', { host, origin: `http://${host}` })).toBe(201);
});

test('what is too large is refused, announced or not, and nothing of it stays', async () => {
  server = await startServer({ limits: { fileBytes: 1000, files: 2 } });
  const [run] = await create('net.pt2');
  const path = `/runs/${run!.id}/input/net.pt2`;
  const announced = await send('PUT', path, Buffer.alloc(1001));
  expect([announced.status, await errorOf(announced)]).toEqual([413, 'UploadTooLarge']);
  const chunks = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(600)),
  });
  const headers = { origin: new URL(server.url).origin };
  const streamed = { method: 'PUT', body: chunks, headers, duplex: 'half' };
  const endless = await fetch(new URL(path, server.url), streamed as RequestInit).catch(() => null);
  if (endless) expect(endless.status).toBe(413);
  expect(await readdir(join(server.root, run!.id, 'input'))).toEqual([]);
  expect(await errorOf(await send('POST', `/runs/${run!.id}/start`))).toBe('BadUpload');
  expect(await errorOf(await send('POST', '/runs', JSON.stringify({ names: ['a.pt2', 'b.pt2', 'c.pt2'] })))).toBe(
    'WrongUsage',
  );
});

test.each(['../net.pt2', 'a/net.pt2', 'a\\net.pt2', '.net.pt2', 'net\n.pt2', ''])(
  'the name %j is refused',
  async (name) => {
    server = await startServer();
    expect(await errorOf(await send('POST', '/runs', JSON.stringify({ names: [name] })))).toBe('BadUpload');
    const [run] = await create('net.pt2');
    const encoded = encodeURIComponent(name || ' ');
    expect(await errorOf(await send('PUT', `/runs/${run!.id}/input/${encoded}`, 'x'))).toBe('BadUpload');
    expect((await send('GET', `/runs/${run!.id}/results/${encodeURIComponent('../run.json')}`)).status).toBe(404);
  },
);
