/**
 * Layers and searches on integers, which PyTorch computes exactly, bytes that it resizes in fixed point, and sizes that
 * are rounded up at run time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';

const corpus = openCorpus(join(import.meta.dirname, 'integers'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-integers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What has to be known when the model is converted. */
const REFUSED: Readonly<Record<string, string>> = {
  bilinear_dyn: 'UnsupportedArgument',
};

test('the corpus is whole', () => {
  expect(corpus.cases.length).toBe(70);
  expect(Object.keys(REFUSED).filter((name) => !corpus.cases.some((c) => c.name === name))).toEqual([]);
});

test.each(corpus.cases.map((c) => [c.name, c] as const))('%s', async (name, row) => {
  const { verdict, reason } = await runCase(corpus, row, { folder });
  expect(verdict === 'refused' ? reason.split(':')[0] : `${verdict} ${reason}`.trim()).toBe(REFUSED[name] ?? 'right');
});
