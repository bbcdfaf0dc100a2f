/** The report of a large batch: little memory, lookups side by side, items in their order. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ObjectStore } from '../../shared/pipeline/workspace/store.ts';
import { run } from '../../shared/pipeline/stages/batch-report.ts';
import { memoryStore } from './memory-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batch-report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('of 60,000 models is written with a heap that could not hold them', () => {
  const script = join(import.meta.dirname, 'report-large-batch.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=64', script, folder, '60000'], {
    encoding: 'utf8',
    maxBuffer: 1 << 20,
  });
  expect(stderr).not.toMatch(/heap/);
  expect(status).toBe(0);
  const { output } = JSON.parse(stdout) as { output: unknown };
  expect(output).toMatchObject({ models: 60_000, pass: 60_000, fail: 0 });
  const { items } = JSON.parse(readFileSync(join(folder, 'output/list/big/batch-report.json'), 'utf8')) as {
    items: { key: string }[];
  };
  expect(items.map(({ key }) => key)).toEqual(Array.from({ length: 60_000 }, (_, i) => `models/${i}.pt2`));
  expect(readFileSync(join(folder, 'output/list/big/batch-report.html'), 'utf8')).toMatch(
    /and 59,\d{3} more, see batch-report\.json/,
  );
});

it('looks failed items up side by side, and keeps their order', async () => {
  const memory = memoryStore();
  const line = (i: number): string =>
    JSON.stringify({
      Input: JSON.stringify({ item: { line: i, row: { key: `${i}.pt2` } } }),
      Error: 'UnsupportedOperator',
      Cause: `failure ${i}`,
    });
  const put = (key: string, text: string) =>
    memory.putBytes({ bucket: 'work', key, bytes: Buffer.from(text), contentType: '' });
  await put('batches/b/run/FAILED_0.jsonl', Array.from({ length: 200 }, (_, i) => line(i)).join('\n'));
  await put('batches/b/run/manifest.json', '{"ResultFiles":{"FAILED":[{"Key":"batches/b/run/FAILED_0.jsonl"}]}}');
  let [now, most] = [0, 0];
  const store: ObjectStore = {
    ...memory,
    async head(bucket, key, version) {
      most = Math.max(most, ++now);
      // Later ones answer sooner.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 20 - Number(/\d+/.exec(key)?.[0] ?? 0))));
      now--;
      return memory.head(bucket, key, version);
    },
  };
  await run(
    {
      batch: { id: 'b', bucket: 'input', manifest: 'list.jsonl', prefix: null, options: null },
      buckets: { output: 'output', work: 'work' },
    },
    { store, temporaryFolder: folder, now: () => 0, log: () => {} },
  );
  const read = async (name: string): Promise<string> =>
    Buffer.from((await memory.read('output', `list/b/${name}`))!).toString();
  const { items } = JSON.parse(await read('batch-report.json')) as { items: { key: string; sentence: string }[] };
  expect(items.map(({ key }) => key)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}.pt2`));
  expect(items[7]!.sentence).toMatch(/^failure 7 \(no report was found/);
  expect((await read('failed.jsonl')).trim().split('\n')).toHaveLength(200);
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(32);
});
