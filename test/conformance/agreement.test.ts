/** The measuring stick: what it must not take for the same. */
import { describe, expect, test } from 'vitest';
import { disagreement, type Numbers } from '../../bench/agreement.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';

const numbers = (dtype: Dtype, values: readonly (number | bigint)[]): Numbers => ({
  dtype,
  shape: [values.length],
  bytes: encodeNumbers(dtype, values),
});
const LOOSE = { rtol: 1e-3, atol: 1e-4 };
const held = (dtype: Dtype, actual: readonly (number | bigint)[], expected: readonly (number | bigint)[]) =>
  disagreement(numbers(dtype, actual), numbers(dtype, expected), LOOSE);

describe('agreement with PyTorch', () => {
  test.each([
    ['64-bit integers beyond 2^53', 'int64', [2n ** 53n], [2n ** 53n + 1n]],
    ['booleans', 'bool', [1], [0]],
    ['NaN for a number', 'float32', [NaN], [0]],
    ['a number for NaN', 'float32', [0], [NaN]],
    ['a number for infinity', 'float32', [3], [Infinity]],
    ['infinities of two signs', 'float32', [-Infinity], [Infinity]],
    ['infinity for a number', 'float32', [Infinity], [3]],
    ['zeros of two signs', 'float32', [0], [-0]],
    ['more than the tolerance', 'float32', [1.01], [1]],
  ] as const)('%s', (_, dtype, actual, expected) => {
    expect(held(dtype, actual, expected)).toMatch(/PyTorch gives|differs by/);
  });

  test('equal results and floats within the tolerance', () => {
    expect(held('float32', [NaN, Infinity, -0, 1.0005], [NaN, Infinity, -0, 1])).toBeNull();
    expect(held('int64', [2n ** 63n - 1n], [2n ** 63n - 1n])).toBeNull();
  });

  test('a shape counts before its numbers', () => {
    expect(disagreement({ ...numbers('int64', [1]), shape: [1, 1] }, numbers('int64', [1]), LOOSE)).toMatch(/shape/);
  });

  test('zeros without a sign, where a case says so', () => {
    expect(disagreement(numbers('float32', [0]), numbers('float32', [-0]), { ...LOOSE, zeros: 'unsigned' })).toBeNull();
  });
});
