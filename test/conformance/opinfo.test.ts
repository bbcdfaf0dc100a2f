/**
 * PyTorch's operator test database: every entry converts and computes what PyTorch computed, or stands in `gaps.json`
 * with its reason.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';

const corpus = openCorpus(join(import.meta.dirname, 'opinfo'))!;
/**
 * Case to what becomes of it: a failure code, or why onnxruntime cannot run it. A case that starts to pass must leave
 * this list.
 */
const gaps = JSON.parse(readFileSync(join(import.meta.dirname, 'gaps.json'), 'utf8')) as Readonly<Record<string, string>>;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-conformance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the corpus is whole', () => {
  expect(corpus.cases.length).toBe(720);
  expect(Object.keys(gaps).filter((name) => !corpus.cases.some((c) => c.name === name))).toEqual([]);
});

describe('opinfo', () => {
  test.each(corpus.cases.filter((c) => c.file !== null).map((c) => [c.name, c] as const))('%s', async (name, row) => {
    const { verdict, reason } = await runCase(corpus, row, { folder });
    const gap = gaps[name];
    const outcome = verdict === 'right' ? 'right' : verdict === 'refused' ? reason.split(':')[0]! : `${verdict}: ${reason}`;
    if (gap?.startsWith('broken:')) expect(verdict).toBe('broken');
    else expect(outcome).toBe(gap ?? 'right');
  });
});
