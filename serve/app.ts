/** The routes: the page, its events, uploads, results. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { type Context, Hono } from 'hono';
import { asFailure, fail, type FailureCode, isFailure } from '../shared/errors.ts';
import { NOTHING_LOADS } from '../shared/report/page.ts';
import { compare } from './compare.ts';
import { events } from './events.ts';
import { guard } from './guard.ts';
import { mainPage, PAGE_POLICY } from './page/main-page.ts';
import { resultFolder } from './kept-run.ts';
import type { Runs } from './runs.ts';

const STATUS: Partial<Readonly<Record<FailureCode, 403 | 404 | 413>>> = {
  RequestRefused: 403,
  FileNotFound: 404,
  UploadTooLarge: 413,
};

export function makeApp(runs: Runs): Hono {
  const app = new Hono();
  app.use('*', guard);
  app.onError((error, c) => refuse(error, c));
  app.notFound(() => fail('FileNotFound', { file: 'page' }));
  app.get('/', (c) => {
    c.header('Content-Security-Policy', PAGE_POLICY);
    return c.html(mainPage(runs.all()));
  });
  app.get('/compare', async (c) => {
    c.header('Content-Security-Policy', NOTHING_LOADS);
    return c.html(await compare(runs, c.req.queries('run') ?? []));
  });
  app.get('/events', (c) => events(c, runs));
  app.post('/runs', async (c) => c.json(await runs.create(namesIn(await c.req.json().catch(() => null))), 201));
  app.put('/runs/:id/input/:name', async (c) => {
    const announced = c.req.header('content-length');
    const length = announced === undefined ? null : Number(announced);
    const body = c.req.raw.body as ReadableStream<Uint8Array> | null;
    await runs.upload(c.req.param('id'), c.req.param('name'), { body, length });
    return c.body(null, 204);
  });
  app.post('/runs/:id/start', async (c) => c.json(await runs.start(c.req.param('id'))));
  app.post('/runs/:id/stop', async (c) => c.json(await runs.stop(c.req.param('id'))));
  app.get('/runs/:id/results/:name', (c) => result(c, runs));
  return app;
}

/** A file that the run says it has: no other name leads anywhere. */
async function result(c: Context, runs: Runs): Promise<Response> {
  const { id, name } = c.req.param() as { id: string; name: string };
  const run = runs.get(id);
  if (!run.files.includes(name)) fail('FileNotFound', { file: name });
  const path = join(resultFolder(runs.folder(id)), name);
  const size = (await stat(path).catch(() => fail('FileNotFound', { file: name }))).size;
  const isPage = name.endsWith('.html');
  c.header('Content-Security-Policy', isPage ? NOTHING_LOADS : "default-src 'none'");
  c.header('Content-Type', isPage ? 'text/html; charset=utf-8' : 'application/octet-stream');
  c.header('Content-Length', `${size}`);
  if (!isPage) c.header('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
  return c.body(Readable.toWeb(createReadStream(path)) as globalThis.ReadableStream);
}

function namesIn(body: unknown): readonly string[] {
  const names = (body as { names?: unknown } | null)?.names;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  return fail('RequestRefused', { problem: 'it has no list of names', hint: 'use the page of this server' });
}

function refuse(error: unknown, c: Context): Response {
  const failure = asFailure(error);
  if (!isFailure(failure)) {
    const message = failure instanceof Error ? failure.message : String(failure);
    return c.json({ error: { code: 'Error', message } }, 500);
  }
  const { code, message } = failure;
  return c.json({ error: { code, message } }, STATUS[code] ?? 400);
}
