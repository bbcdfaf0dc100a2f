/** ATen sums, means and products over axes. */
import { mulDims } from '../../../tensor/dim.ts';
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { type Along, mean as meanOf } from './mean.ts';
import { axisOf, rankOf, shapeOf } from '../../shape.ts';

type Reduce =
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'ReduceMin'
  | 'ReduceProd'
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceLogSumExp'
  | 'ReduceSumSquare';

/** No axes, or an empty list, means all of them. */
export const axesOf = (op: AtenBuilder, self: Value, dim: readonly number[] | null): number[] =>
  dim === null || dim.length === 0 ? shapeOf(self).map((_, i) => i) : dim.map((d) => axisOf(op, d, rankOf(self)));

/** A 0-d tensor is its own reduction. */
export function reduce(op: AtenBuilder, how: Reduce, x: Value, along: Along): Value {
  if (rankOf(x) === 0)
    return how === 'ReduceL1' || how === 'ReduceL2'
      ? op.Abs([x])
      : how === 'ReduceSumSquare'
        ? op.Mul([x, x])
        : op.Identity([x]);
  if (how === 'ReduceMean') return meanOf(op, x, along);
  return op[how]([x, op.ints(along.axes)], { keepdims: along.keepdim ? 1 : 0 });
}

/** Integers and bools are summed in int64. */
export const sumDtype = (x: Value, dtype: Dtype | null): Dtype => dtype ?? (isFloat(dtypeOf(x)) ? dtypeOf(x) : 'int64');

/** As the operators' own arguments are called. */
interface Averaging {
  readonly self: Value;
  readonly dim?: readonly number[] | null;
  readonly keepdim?: boolean;
  readonly dtype: Dtype | null;
}

const summed = (op: AtenBuilder, { self, dim = null, keepdim = false, dtype }: Averaging): Value =>
  reduce(op, 'ReduceSum', cast(op, self, sumDtype(self, dtype)), { axes: axesOf(op, self, dim), keepdim });
export const sum = aten('aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, a) => summed(op, a));
export const sumDim = aten(
  'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, a) => summed(op, a),
);

function averaged(op: AtenBuilder, { self, dim = null, keepdim = false, dtype }: Averaging): Value {
  const x = cast(op, self, dtype ?? dtypeOf(self));
  return reduce(op, 'ReduceMean', x, { axes: axesOf(op, self, dim), keepdim });
}
export const mean = aten('aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, a) => averaged(op, a));
export const meanDim = aten(
  'aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, a) => averaged(op, a),
);

export const prod = aten('aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, { self, dtype }) =>
  reduce(op, 'ReduceProd', cast(op, self, sumDtype(self, dtype)), { axes: axesOf(op, self, null) }),
);
export const prodDim = aten(
  'aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) =>
    reduce(op, 'ReduceProd', cast(op, self, sumDtype(self, dtype)), { axes: axesOf(op, self, [dim]), keepdim }),
);

/** The number of elements reduced, as a 0-d tensor of the given type. */
export function countOf(op: AtenBuilder, self: Value, axes: readonly number[], dtype: Dtype): Value {
  const count = mulDims(...axes.map((a) => shapeOf(self)[a] ?? 1));
  return typeof count === 'number' ? op.scalar(dtype, count) : op.Cast([op.dim(count)], { to: dtype });
}
