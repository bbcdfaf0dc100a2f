/** Means: of nothing no number. */
import { type Dim, isStatic, mulDims, symbolsOf } from '../../../tensor/dim.ts';
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { filledTensor, shapeOf } from '../../shape.ts';

/** Whether a reduction over these axes may find nothing, in some sizes that the program takes. */
export const canBeEmpty = (op: AtenBuilder, x: Value, axes: readonly number[]): boolean =>
  axes.some((axis) => op.aten.canBeZero(shapeOf(x)[axis]!));

/** What a reduction goes along, and whether the axes stay, with a size of 1. */
export interface Along {
  readonly axes: readonly number[];
  readonly keepdim?: boolean;
}

export function mean(op: AtenBuilder, x: Value, { axes, keepdim = false }: Along): Value {
  const dims = axes.map((axis) => shapeOf(x)[axis]!);
  if (dims.includes(0)) {
    const kept = shapeOf(x).map((d, i): Dim => (axes.includes(i) ? 1 : d));
    return filledTensor(op, keepdim ? kept : kept.filter((_, i) => !axes.includes(i)), dtypeOf(x), NaN);
  }
  const average = op.ReduceMean([x, op.ints(axes)], { keepdims: keepdim ? 1 : 0 });
  if (!isMet(FAULTS.meanOfNothing, dtypeOf(x)) || !canBeEmpty(op, x, axes)) return average;
  // 1, or for nothing 0 / 0. Half precision has no room for counts.
  const dtype: Dtype = dtypeOf(x) === 'float64' ? 'float64' : 'float32';
  const count = op.Cast([sizeAlong(op, x, axes)], { to: dtype });
  return op.Mul([average, cast(op, op.Div([count, count]), dtypeOf(x))]);
}

/** The number of elements along axes, as int64. */
function sizeAlong(op: AtenBuilder, x: Value, axes: readonly number[]): Value {
  const count = mulDims(...axes.map((axis) => shapeOf(x)[axis]!));
  if (isStatic(count) || [...symbolsOf(count)].every((name) => op.dimValues.knows(name))) return op.dim(count);
  return op.ReduceProd([op.Gather([op.Shape([x]), op.ints(axes)], { axis: 0 }), op.ints([0])], { keepdims: 0 });
}
