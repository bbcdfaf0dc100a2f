/** Reductions of constants whose result does not depend on the order of the elements. */
import { elementCount, rowMajorStrides } from '../../../tensor/type.ts';
import { combine, constant, floatsOf, indicesOf, isExactFloat, isWhole, wholesOf } from './constant.ts';
import type { Evaluate } from './evaluator.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const reduction =
  (whole: (a: bigint, b: bigint) => bigint, float: ((a: number, b: number) => number) | null): Evaluate =>
  ({ node, inputs, shapes }) => {
    const data = inputs[0]!;
    const rank = data.shape.length;
    const given = inputs[1] ? indicesOf(inputs[1]) : node.ints('axes');
    const isEmpty = !given || given.length === 0;
    if (isEmpty && node.int('noop_with_empty_axes') === 1) return data;
    const axes = new Set(isEmpty ? range(rank) : given.map((a) => (a < 0 ? a + rank : a)));
    const strides = rowMajorStrides(data.shape);
    const positions = (isReduced: boolean): Int32Array =>
      combine(
        range(rank)
          .filter((a) => axes.has(a) === isReduced)
          .map((a) => range(data.shape[a]!).map((i) => i * strides[a]!)),
      );
    const [kept, reduced] = [positions(false), positions(true)];
    if (reduced.length === 0 || kept.length !== elementCount(shapes[0]!)) return null;
    const fold = <T extends number | bigint>(values: ArrayLike<T>, fn: (a: T, b: T) => T): T[] =>
      Array.from(kept, (base) =>
        Array.from(reduced, (offset) => values[base + offset] as T).reduce((a, b) => fn(a, b)),
      );
    if (isWhole(data.dtype)) return constant(data.dtype, shapes[0]!, fold(wholesOf(data), whole));
    return float && isExactFloat(data.dtype) ? constant(data.dtype, shapes[0]!, fold(floatsOf(data), float)) : null;
  };

export const REDUCTIONS: Readonly<Record<string, Evaluate>> = {
  ReduceSum: reduction((a, b) => a + b, null),
  ReduceProd: reduction((a, b) => a * b, null),
  ReduceMax: reduction((a, b) => (a > b ? a : b), Math.max),
  ReduceMin: reduction((a, b) => (a < b ? a : b), Math.min),
};
