/** The smallest and the largest value of a tensor, found in the graph. */
import type { Builder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/ir.ts';
import type { Range } from '../formulas.ts';

/** ReduceMin and ReduceMax pass over a NaN that does not come first; the sum does not. */
export const extremeProbes = (op: Builder, tensor: Value): readonly Value[] => [
  op.ReduceMin([tensor], { keepdims: 0 }),
  op.ReduceMax([tensor], { keepdims: 0 }),
  op.ReduceSum([tensor], { keepdims: 0 }),
];

type Extremes =
  | { readonly kind: 'range'; readonly range: Range }
  | { readonly kind: 'no elements' }
  | { readonly kind: 'not finite' };

/** What those probes say. */
export function extremesIn(results: readonly Float32Array[]): Extremes {
  const [min, max, sum] = results.map((numbers) => numbers[0]!) as [number, number, number];
  if (min === Infinity && max === -Infinity) return { kind: 'no elements' };
  if (Number.isNaN(sum) || !Number.isFinite(min) || !Number.isFinite(max)) return { kind: 'not finite' };
  return { kind: 'range', range: { min, max } };
}
