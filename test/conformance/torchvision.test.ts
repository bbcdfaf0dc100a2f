/**
 * Operators of torchvision 0.28 on boxes that are equal, empty, turned over or no number, of equal scores and at the
 * very threshold; on regions without size, outside of the image, and none at all; on offsets beyond the image.
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

/** onnxruntime pools regions in float32; places of maxima are for training. */
const REFUSED: Readonly<Record<string, string>> = {
  roi_align_f64_1: 'UnsupportedType',
  roi_pool_f64: 'UnsupportedType',
  'roi_pool_arg_0.5': 'UnsupportedArgument',
};

test('the corpus is whole', () => {
  expect(corpus.cases.length).toBe(53);
  expect(Object.keys(REFUSED).filter((name) => !corpus.cases.some((c) => c.name === name))).toEqual([]);
});

test.each(corpus.cases.map((c) => [c.name, c] as const))('%s', async (name, row) => {
  const { verdict, reason } = await runCase(corpus, row, { folder });
  expect(verdict === 'refused' ? reason.split(':')[0] : `${verdict} ${reason}`.trim()).toBe(REFUSED[name] ?? 'right');
});

test.each([
  ['roi_align_1_2_0.5', 14],
  ['roi_align_0_2_0.5', 22],
  ['roi_pool_0.5', 22],
  ['deform_plain', 15],
  ['deform_f64', 16],
] as const)('%s at opset %i, which cannot express it or does not run', async (name, opset) => {
  const { verdict, reason } = await runCase(corpus, corpus.cases.find((c) => c.name === name)!, { folder, opset });
  expect(`${verdict} ${reason.split(':')[0]}`).toBe('refused UnsupportedOpset');
});
