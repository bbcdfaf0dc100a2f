/** Distances by hand: differences, cosine, decibels, agreement of the largest entries, tolerance. */
import { describe, expect, test } from 'vitest';
import { compareOutput, DEFAULT_TOLERANCE } from '../../shared/runtime/compare.ts';
import { inMemory, type MemoryTensor } from '../../shared/runtime/session.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';

const tensor = (dtype: Dtype, shape: readonly number[], values: readonly (number | bigint)[]): MemoryTensor =>
  inMemory(dtype, shape, encodeNumbers(dtype, values));
const floats = (shape: readonly number[], values: readonly number[]): MemoryTensor => tensor('float32', shape, values);

function compare(actual: MemoryTensor, reference: MemoryTensor, tolerance = DEFAULT_TOLERANCE) {
  const comparer = compareOutput('y', reference.dtype, tolerance);
  comparer.add(actual, reference);
  return comparer.result();
}

test('differences, cosine and decibels', () => {
  const result = compare(floats([2], [3, 5]), floats([2], [3, 4]));
  expect(result).toMatchObject({
    output: 'y',
    dtype: 'float32',
    elements: 2,
    maxAbsDiff: 1,
    meanAbsDiff: 0.5,
    withinTolerance: false,
    top1Agreement: null,
  });
  // |x| = 5, |x - y| = 1; x.y = 29, |y| = sqrt(34).
  expect(result.sqnr).toBeCloseTo(20 * Math.log10(5), 10);
  expect(result.cosine).toBeCloseTo(29 / (5 * Math.sqrt(34)), 12);
});

test('batches add up', () => {
  const comparer = compareOutput('y', 'float32');
  comparer.add(floats([1, 2], [1, 2]), floats([1, 2], [1, 2]));
  comparer.add(floats([2, 2], [1, 2, 2, 4]), floats([2, 2], [1, 2, 3, 2]));
  expect(comparer.result()).toMatchObject({ elements: 6, maxAbsDiff: 2, meanAbsDiff: 0.5, top1Agreement: 2 / 3 });
});

test.each<[string, readonly number[], boolean]>([
  ['y', [2, 3], true],
  ['y', [1, 2, 3], false],
  ['logits', [1, 2, 3], true],
  ['out.start_logits', [1, 2, 3], true],
  ['last_hidden_state', [1, 2, 3], false],
  ['logits', [1, 1, 2, 3], false],
])('%s%j looks like scores of classes: %s', (name, shape, expected) => {
  const values = floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
  );
  const comparer = compareOutput(name, 'float32');
  comparer.add(values, values);
  expect(comparer.result().looksLikeScores).toBe(expected);
});

test('equal outputs have no decibels', () => {
  expect(compare(floats([2], [1, 2]), floats([2], [1, 2]))).toMatchObject({
    sqnr: null,
    cosine: 1,
    maxAbsDiff: 0,
    withinTolerance: true,
  });
});

test('outputs of zeros have no cosine', () => {
  expect(compare(floats([2], [0, 0]), floats([2], [0, 0]))).toMatchObject({
    sqnr: null,
    cosine: null,
    withinTolerance: true,
  });
});

describe('tolerance is atol + rtol * |reference|', () => {
  test.each([
    [100.2, 100, true],
    [100.3, 100, false],
    [0.0005, 0, true],
    [0.002, 0, false],
  ])('%d against %d', (a, r, within) => {
    expect(compare(floats([1], [a]), floats([1], [r]), { rtol: 2e-3, atol: 1e-3 }).withinTolerance).toBe(within);
  });
});

describe('NaN and infinities', () => {
  test('equal themselves', () => {
    const values = [NaN, Infinity, -Infinity, 1];
    expect(compare(floats([4], values), floats([4], values))).toMatchObject({
      maxAbsDiff: 0,
      withinTolerance: true,
      sqnr: null,
    });
  });
  test.each([
    [NaN, 1],
    [1, NaN],
    [Infinity, 1],
    [Infinity, -Infinity],
  ])('%d is far from %d', (a, r) => {
    expect(compare(floats([2], [a, 1]), floats([2], [r, 1]))).toMatchObject({
      maxAbsDiff: NaN,
      withinTolerance: false,
      sqnr: null,
      cosine: null,
    });
  });
});

describe('integers and bools are exact', () => {
  test.each<[Dtype, (number | bigint)[], (number | bigint)[], boolean, number]>([
    ['int32', [1, 2], [1, 2], true, 0],
    ['int32', [1, 2], [1, 3], false, 1],
    ['bool', [0, 1], [1, 1], false, 1],
    ['int64', [2n ** 60n], [2n ** 60n + 1n], false, 1],
    ['uint64', [2n ** 63n], [2n ** 63n], true, 0],
  ])('%s %s against %s', (dtype, a, r, within, most) => {
    expect(compare(tensor(dtype, [a.length], a), tensor(dtype, [r.length], r))).toMatchObject({
      withinTolerance: within,
      maxAbsDiff: most,
      top1Agreement: null,
    });
  });
});

test('half precision is compared as numbers', () => {
  expect(compare(tensor('float16', [1, 2], [1, 2]), tensor('float16', [1, 2], [1.5, 1]))).toMatchObject({
    maxAbsDiff: 1,
    top1Agreement: 0,
  });
});

test('an output of one column has no largest entry', () => {
  expect(compare(floats([2, 1], [1, 2]), floats([2, 1], [2, 1])).top1Agreement).toBeNull();
});

test('different shapes are a mistake of the caller', () => {
  expect(() => compare(floats([2], [1, 2]), floats([1, 2], [1, 2]))).toThrow(
    /cannot compare float32\[2\] with float32\[1,2\]/,
  );
});
