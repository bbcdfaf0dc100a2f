/** The figures of an event: those of the chosen variant, as the report has them, in what JSON can write. */
import { expect, test } from 'vitest';
import { figuresOf } from '../../shared/pipeline/report/figures.ts';
import type { OutputComparison, Validation, Variant } from '../../shared/report/report.ts';

const output = (measured: Partial<OutputComparison>): OutputComparison => ({
  output: 'y',
  dtype: 'float32',
  elements: 40,
  maxAbsDiff: 0.5,
  meanAbsDiff: 0.1,
  cosine: 1,
  sqnr: 30,
  top1Agreement: 0.99,
  withinTolerance: null,
  ...measured,
});
const validation = (outputs: readonly OutputComparison[], correct: number): Validation => ({
  checks: [],
  data: 'file',
  samples: 200,
  comparisons: [{ against: 'fp32', samples: 200, rtol: 0, atol: 0, outputs }],
  accuracy: { top1: correct / 200, correct, samples: 200 },
  latency: { medianMs: 2, runs: 9, batch: 1, fp32MedianMs: 8, ratioToFp32: 0.25 },
  runtime: { name: 'onnxruntime-node', version: '1' },
});
const variant = (name: string, more: Partial<Variant>): Variant => ({
  name,
  dtype: name === 'fp32' ? 'fp32' : 'int8',
  files: [],
  bytes: 1,
  sizeRatio: name === 'fp32' ? null : 0.3,
  operators: [],
  quantization: null,
  validation: null,
  failure: null,
  ...more,
});
const fp32 = variant('fp32', { validation: { ...validation([], 190), comparisons: [], latency: null } });

test('are of the chosen variant, from the output that is furthest off', () => {
  const outputs = [output({}), output({ output: 'z', sqnr: 12, maxAbsDiff: 3, top1Agreement: null })];
  const variants = [fp32, variant('int8', { validation: validation(outputs, 187) }), variant('int4', {})];
  expect(figuresOf({ variants, chosen: 'int8' })).toEqual({
    accuracy: { against: 'fp32', sqnr: 12, maxAbsDiff: 3, top1Agreement: 0.99, top1: 0.935, top1Drop: 1.5 },
    sizeRatio: 0.3,
    latencyRatio: 0.25,
  });
});

test('of FP32 have no ratios', () => {
  expect(figuresOf({ variants: [fp32], chosen: 'fp32' })).toEqual({
    accuracy: { against: null, sqnr: null, maxAbsDiff: null, top1Agreement: null, top1: 0.95, top1Drop: null },
    sizeRatio: null,
    latencyRatio: null,
  });
});

test.each([
  ['equal outputs', { sqnr: null, maxAbsDiff: 0 }, { sqnr: null, maxAbsDiff: 0 }],
  ['outputs that are no numbers', { sqnr: null, maxAbsDiff: NaN }, { sqnr: null, maxAbsDiff: null }],
])('say of %s what JSON can', (_, measured, expected) => {
  const variants = [fp32, variant('int8', { validation: validation([output(measured)], 187) })];
  expect(figuresOf({ variants, chosen: 'int8' }).accuracy).toMatchObject(expected);
});

test.each([[null], ['int4']])('are none where %s was chosen or nothing measured', (chosen) => {
  const sizeRatio = chosen === null ? null : 0.3;
  const found = figuresOf({ variants: [fp32, variant('int4', {})], chosen });
  expect(found).toEqual({ accuracy: null, sizeRatio, latencyRatio: null });
});
