/**
 * Operators of torchvision 0.28 on boxes that are equal, empty, turned over or no number, of equal scores and at the
 * very threshold.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';

const corpus = openCorpus(join(import.meta.dirname, 'torchvision'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-torchvision-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the corpus is whole', () => expect(corpus.cases.length).toBe(13));

test.each(corpus.cases.map((c) => [c.name, c] as const))('%s', async (_name, row) => {
  const { verdict, reason } = await runCase(corpus, row, { folder });
  expect(`${verdict} ${reason}`.trim()).toBe('right');
});
