/** Average pooling as sums and divisors: integers, and sizes that are rounded up at run time. */
import { addDims, type Dim, floorDivDims, isStatic, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, unsqueeze } from '../../shape.ts';
import { windowNumbers, windowsOf, zeroPadded } from '../../sliding-windows.ts';

export interface AveragePooling {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly ceil: boolean;
  readonly countPadding: boolean;
  readonly divisor: number | null;
}

interface Axis {
  readonly size: Dim;
  readonly taps: number;
  readonly stride: number;
  readonly padding: number;
  readonly count: Dim;
  /** Whether a window that would begin behind the input may have been left out, which PyTorch does not record. */
  readonly mayDrop: boolean;
}

/** With `ceil`, windows may begin inside the input or its left padding only. */
function axisOf(size: Dim, p: AveragePooling, i: number): Axis {
  const [taps, stride, padding] = [p.kernel[i]!, p.stride[i]!, p.padding[i]!];
  const room = p.ceil ? padding + Math.min(padding - taps, -stride) + stride - 1 : 2 * padding - taps;
  const count = addDims(floorDivDims(addDims(size, room), stride), 1);
  return { size, taps, stride, padding, count, mayDrop: p.ceil && !isStatic(size) && taps - padding < stride };
}

/** From the first element of the first window to the last of the last. */
const lengthOf = ({ count, stride, taps }: Axis): Dim => addDims(mulDims(addDims(count, -1), stride), taps);

/** (n, c, ...) to the sums of its windows: integers gather them, floats have a kernel for means. */
function sums(op: AtenBuilder, x: Value, axes: readonly Axis[]): Value {
  const padded = zeroPadded(
    op,
    x,
    axes.map((a) => [a.padding, addDims(lengthOf(a), mulDims(-1, a.size), -a.padding)]),
  );
  const first = rankOf(x) - axes.length;
  if (!isFloat(dtypeOf(x))) {
    const windows = windowsOf(
      op,
      padded,
      axes.map((a) => ({ count: a.count, window: { taps: a.taps, stride: a.stride, dilation: 1 } })),
    );
    return op.ReduceSum([windows, op.ints(axes.map((_, i) => first + 2 * i))], { keepdims: 0 });
  }
  const means = op.AveragePool([padded], {
    kernel_shape: axes.map((a) => a.taps),
    strides: axes.map((a) => a.stride),
  });
  return op.Mul([
    means,
    op.scalar(
      dtypeOf(x),
      axes.reduce((n, a) => n * a.taps, 1),
    ),
  ]);
}

/** int64 (count): how many elements of each window are divided by. */
function lengths(op: AtenBuilder, a: Axis, { countPadding }: AveragePooling): Value {
  const num = (value: number): Value => op.scalar('int64', value);
  const start = op.Sub([op.Mul([windowNumbers(op, a.count), num(a.stride)]), num(a.padding)]);
  const limit = op.dim(addDims(a.size, countPadding ? a.padding : 0));
  const end = op.Min([op.Add([start, num(a.taps)]), limit]);
  return op.Sub([end, countPadding ? start : op.Max([start, num(0)])]);
}

/** `x` is (n, c, ...). Integers are divided towards zero. */
export function averageBySums(op: AtenBuilder, x: Value, p: AveragePooling): Value {
  const axes = shapeOf(x)
    .slice(2)
    .map((size, i) => axisOf(size, p, i));
  const divisors =
    p.divisor === null
      ? axes
          .map((a, i) =>
            unsqueeze(
              op,
              lengths(op, a, p),
              axes.slice(i + 1).map((_, j) => 1 + j),
            ),
          )
          .reduce((a, b) => op.Mul([a, b]))
      : op.scalar('int64', p.divisor);
  const result = op.Div([sums(op, x, axes), cast(op, divisors, dtypeOf(x))]);
  result.type = {
    dtype: dtypeOf(x),
    shape: [...shapeOf(x).slice(0, 2), ...axes.map((a) => (a.mayDrop ? op.unknownDim() : a.count))],
  };
  return result;
}
