/** Programs whose sizes PyTorch writes in its own way, or leaves to the run: converted, and right at every size given. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';

const corpus = openCorpus(join(import.meta.dirname, 'sizes'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-sizes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the corpus is whole', () => expect(corpus.cases.length).toBe(56));

test.each(corpus.cases.map((c) => [c.name, c] as const))('%s', async (_name, row) => {
  const { verdict, reason } = await runCase(corpus, row, { folder });
  expect(`${verdict} ${reason}`.trim()).toBe('right');
});
