/** Windows of adaptive pooling over a size that only the run tells: window i reaches from i*in/out to (i+1)*in/out. */
import type { Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { rankOf, reshape, shapeOf, unsqueeze } from '../../shape.ts';
import { windowNumbers } from '../../sliding-windows.ts';

export interface AdaptiveWindows {
  /** int64 (out): the first element, and the one behind the last. */
  readonly starts: Value;
  readonly ends: Value;
  /** int64: of the longest window. */
  readonly width: Value;
  /** int64 (out, width): shorter windows repeat their last element. */
  readonly places: Value;
  /** bool (out, width): what is no repetition. */
  readonly isRead: Value;
}

export function adaptiveWindows(op: AtenBuilder, size: Dim, out: Dim): AdaptiveWindows {
  const one = op.scalar('int64', 1);
  const [length, count] = [op.dim(size), op.dim(out)];
  const numbers = windowNumbers(op, out);
  const starts = op.Div([op.Mul([numbers, length]), count]);
  const full = op.Mul([op.Add([numbers, one]), length]);
  const ends = op.Div([op.Add([full, op.Sub([count, one])]), count]);
  const width = op.ReduceMax([op.Sub([ends, starts]), op.ints([0])], { keepdims: 0 });
  const free = op.Add([unsqueeze(op, starts, [1]), op.Range([op.scalar('int64', 0), width, one])]);
  const places = op.Min([free, op.Sub([unsqueeze(op, ends, [1]), one])]);
  return { starts, ends, width, places, isRead: op.Less([free, unsqueeze(op, ends, [1])]) };
}

/** Means along one axis. */
export function averagedWindows(op: AtenBuilder, x: Value, axis: number, out: Dim): Value {
  const dtype = dtypeOf(x);
  const { starts, ends, places, isRead } = adaptiveWindows(op, shapeOf(x)[axis]!, out);
  const behind = Array.from({ length: rankOf(x) - 1 - axis }, (_, i) => i);
  const windows = op.Where([
    unsqueeze(
      op,
      isRead,
      behind.map((i) => i + 2),
    ),
    op.Gather([x, places], { axis }),
    op.scalar(dtype, 0),
  ]);
  const sums = op.ReduceSum([windows, op.ints([axis + 1])], { keepdims: 0 });
  const lengths = op.Cast([op.Sub([ends, starts])], { to: dtype });
  const means = op.Div([sums, reshape(op, lengths, [out, ...behind.map(() => 1)])]);
  means.type = { dtype, shape: shapeOf(x).map((d, i) => (i === axis ? out : d)) };
  return means;
}
