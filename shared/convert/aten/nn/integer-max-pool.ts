/** Max pooling of 64-bit integers, which no wider type of a kernel holds: the windows are gathered. */
import { addDims, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { reshape, shapeOf } from '../../shape.ts';
import { paddedWith, windowCount, windowNumbers, windowsOf } from '../../sliding-windows.ts';

export interface IntegerPooling {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Begin and end of each axis. */
  readonly padding: readonly (readonly [number, number])[];
}

const LOWEST = -(2n ** 63n);
/** Above every place in a plane. */
const NOWHERE = 2n ** 63n - 1n;

/** (n, c, taps, windows, ...), with `fill` in the padding. */
function gathered(op: AtenBuilder, x: Value, p: IntegerPooling, fill: bigint): Value {
  const axes = p.kernel.map((taps, i) => {
    const window = { taps, stride: p.stride[i]!, dilation: p.dilation[i]! };
    return { window, count: windowCount(addDims(shapeOf(x)[2 + i]!, ...p.padding[i]!), window) };
  });
  return windowsOf(op, paddedWith(op, x, p.padding, op.scalar(dtypeOf(x), fill)), axes);
}

/** Maxima of (n, c, ...), and the place in its plane of the first of each. */
export function integerMaxima(op: AtenBuilder, x: Value, p: IntegerPooling): { values: Value; places: () => Value } {
  const taps = p.kernel.map((_, i) => 2 + 2 * i);
  const windows = gathered(op, x, p, LOWEST);
  const values = op.ReduceMax([windows, op.ints(taps)], { keepdims: 0 });
  const places = (): Value => {
    const plane = shapeOf(x).slice(2);
    const numbers = reshape(op, windowNumbers(op, mulDims(...plane)), [1, 1, ...plane]);
    const isLargest = op.Equal([windows, op.Unsqueeze([values, op.ints(taps)])]);
    const candidates = op.Where([isLargest, gathered(op, numbers, p, NOWHERE), op.scalar('int64', NOWHERE)]);
    return op.ReduceMin([candidates, op.ints(taps)], { keepdims: 0 });
  };
  return { values, places };
}
