/**
 * Uses that once converted wrongly or to a model that did not run: each is right now, or refused with the code named
 * here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';

const corpus = openCorpus(join(import.meta.dirname, 'found'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-found-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Volumes have no cubic sampling; memory out of order cannot be addressed.
 */
const REFUSED: Readonly<Record<string, string>> = {
  'nn.functional.grid_sample@30.float32': 'UnsupportedArgument',
  'as_strided@2.float32.noncontig': 'UnsupportedArgument',
  'resize_@0.float32.noncontig': 'UnsupportedArgument',
};

test('the corpus is whole, and nothing is excused by randomness', () => {
  expect(corpus.cases.length).toBe(49);
  expect(corpus.cases.filter((c) => c.deterministic === false || c.file === null)).toEqual([]);
  expect(Object.keys(REFUSED).filter((name) => !corpus.cases.some((c) => c.name === name))).toEqual([]);
});

const named = corpus.cases.map((c) => [c.name, c] as const);

describe('found', () => {
  test.each(named)('%s', async (name, row) => {
    const { verdict, reason } = await runCase(corpus, row, { folder });
    expect(verdict === 'refused' ? reason.split(':')[0] : `${verdict} ${reason}`.trim()).toBe(REFUSED[name] ?? 'right');
  });
});

describe('bytes before opset 14, which has no arithmetic for them', () => {
  test.each(named.filter(([name]) => name.endsWith('.uint8') && !(name in REFUSED)))('%s', async (_name, row) => {
    const { verdict, reason } = await runCase(corpus, row, { folder, opset: 13 });
    expect(`${verdict} ${reason}`.trim()).toBe('right');
  });
});
