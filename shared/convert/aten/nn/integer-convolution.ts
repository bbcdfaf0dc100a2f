/** Convolution of integers: windows times weights, wrapping around as PyTorch's does. */
import { addDims, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { reshape, shapeOf, staticSize, transpose } from '../../shape.ts';
import { windowCount, windowsOf, zeroPadded } from '../../sliding-windows.ts';

export interface IntegerConvolution {
  readonly weight: Value;
  readonly bias: Value | null;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin and end of each axis. */
  readonly padding: readonly (readonly [number, number])[];
  readonly groups: number;
}

/** `x` is (n, c, ...); products and sums of narrow integers are cut to their type at the end, with the same result. */
export function convolveIntegers(op: AtenBuilder, x: Value, c: IntegerConvolution): Value {
  const dtype = dtypeOf(x);
  const [wide, weight] = [x, c.weight].map((v) => cast(op, v, 'int64')) as [Value, Value];
  const [filters, inGroup, ...kernel] = shapeOf(weight).map((d) => staticSize(op, d, 'weight')) as number[];
  const axes = kernel.map((taps, i) => {
    const window = { taps, stride: c.strides[i]!, dilation: c.dilations[i]! };
    return { window, count: windowCount(addDims(shapeOf(x)[2 + i]!, ...c.padding[i]!), window) };
  });
  const windows = windowsOf(op, zeroPadded(op, wide, c.padding), axes);
  // (n, c, taps..., windows...).
  const order = [0, 1, ...kernel.map((_, i) => 2 + 2 * i), ...kernel.map((_, i) => 3 + 2 * i)];
  const reduced = kernel.reduce((a, b) => a * b, inGroup!);
  const counts = axes.map(({ count }) => count);
  const images = shapeOf(x)[0]!;
  const product = op.MatMul([
    reshape(op, weight, [c.groups, filters! / c.groups, reduced]),
    reshape(op, transpose(op, windows, order), [images, c.groups, reduced, mulDims(...counts)]),
  ]);
  const result = reshape(op, product, [images, filters!, ...counts]);
  const biased = c.bias
    ? op.Add([result, reshape(op, cast(op, c.bias, 'int64'), [filters!, ...kernel.map(() => 1)])])
    : result;
  return cast(op, biased, dtype);
}
