/**
 * Small models of known architectures, static and dynamic (two sizes each), for the oldest, the default and the newest
 * opset.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { runCase } from '../../bench/run-case.ts';
import { DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET } from '../../shared/onnx/opset.ts';

const corpus = openCorpus(join(import.meta.dirname, 'zoo'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-zoo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the corpus is whole', () => expect(corpus.cases.length).toBe(8));

describe.each([OLDEST_OPSET, 18, DEFAULT_OPSET, NEWEST_OPSET])('opset %i', (opset) => {
  test.each(corpus.cases.map((c) => [c.name, c] as const))('%s', async (_, row) => {
    expect(await runCase(corpus, row, { folder, opset })).toEqual({ name: row.name, verdict: 'right', reason: '' });
  });
});
