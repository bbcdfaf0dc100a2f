/** A folder or a manifest of models on this machine. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runLocalBatch } from '../../local/many.ts';
import { PROGRAM, fakeStages, unsupported } from './fake-stages.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'many-'));
  await mkdir(join(root, 'models', 'deep'), { recursive: true });
  for (const name of ['a.pt2', 'deep/b.pt2']) await writeFile(join(root, 'models', name), PROGRAM);
  await writeFile(join(root, 'models', 'bad.pt2'), 'no model');
});
afterEach(() => rm(root, { recursive: true }));

it('converts a folder', async () => {
  const batch = await runLocalBatch({ models: join(root, 'models'), outDir: join(root, 'out'), stages: fakeStages() });
  expect(batch).toMatchObject({ counts: { models: 3, pass: 2, warn: 0, fail: 1 }, failure: null });
  expect(await readFile(batch.report, 'utf8')).toMatch(/bad\.pt2/);
  expect(JSON.parse(await readFile(batch.failedManifest, 'utf8'))).toEqual({ bucket: 'input', key: 'bad.pt2' });
  expect((await readdir(join(root, 'out'))).sort()).toEqual(['a', 'bad', 'batch', 'deep', 'index.html', 'index.json']);
});

it('converts a manifest, and its failed rows again', async () => {
  await writeFile(join(root, 'models', 'list.jsonl'), '"a.pt2"\n{"key": "bad.pt2", "options": {"dtype": "fp32"}}\n');
  const first = await runLocalBatch({
    models: join(root, 'models', 'list.jsonl'),
    outDir: join(root, 'out'),
    stages: fakeStages(),
  });
  expect(first.counts).toEqual({ models: 2, pass: 1, warn: 0, fail: 1 });
  await writeFile(join(root, 'models', 'bad.pt2'), PROGRAM);
  await writeFile(join(root, 'models', 'again.jsonl'), await readFile(first.failedManifest));
  const second = await runLocalBatch({
    models: join(root, 'models', 'again.jsonl'),
    outDir: join(root, 'out'),
    stages: fakeStages(),
  });
  expect(second.counts).toEqual({ models: 1, pass: 1, warn: 0, fail: 0 });
});

it('says when too many failed', async () => {
  const batch = await runLocalBatch({
    models: join(root, 'models'),
    outDir: join(root, 'out'),
    toleratedFailurePercentage: 0,
    stages: fakeStages((stage) => void (stage === 'convert' && unsupported())),
  });
  expect(batch.failure).toMatchObject({ code: 'States.ExceedToleratedFailureThreshold' });
  expect(batch.counts.models).toBe(3);
});

it.each([
  ['in the folder of models', 'models', 'models/out', 'WrongUsage'],
  ['the folder of models', 'models', 'models', 'WrongUsage'],
  ['anywhere, of nothing', 'none', 'out', 'FileNotFound'],
])('refuses results %s', async (_name, models, outDir, code) => {
  await expect(
    runLocalBatch({ models: join(root, models), outDir: join(root, outDir), stages: fakeStages() }),
  ).rejects.toMatchObject({ name: code });
});

it('an abort stops it and leaves nothing half done', async () => {
  const stop = new AbortController();
  const stages = fakeStages(() => stop.abort(new Error('stop')));
  await expect(
    runLocalBatch({ models: join(root, 'models'), outDir: join(root, 'out'), stages, signal: stop.signal }),
  ).rejects.toThrow('stop');
  expect((await readdir(join(root, 'out'))).filter((name) => name.startsWith('.'))).toEqual([]);
});
