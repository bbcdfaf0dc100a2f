/** ATen reductions of truth: whether all, any, and how many. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf } from '../../shape.ts';
import { canBeEmpty } from './mean.ts';
import { axesOf, reduce } from './reduction.ts';

/** As the operators' own arguments are called. */
interface Question {
  readonly self: Value;
  readonly dim?: readonly number[] | null;
  readonly keepdim?: boolean;
}

/** all and any give bool, but uint8 for uint8. */
function quantified(
  op: AtenBuilder,
  how: 'ReduceMin' | 'ReduceMax',
  { self, dim = null, keepdim = false }: Question,
): Value {
  const truth = op.Cast([cast(op, self, 'bool')], { to: 'int32' });
  // No axes of an `all.dims` call means no reduction; null means all of them.
  const axes = axesOf(op, self, dim);
  const found = reduce(op, how, truth, { axes, keepdim });
  // The largest of nothing is the lowest number there is, and that is not true.
  const isTrue =
    rankOf(self) > 0 && canBeEmpty(op, self, axes)
      ? op.Greater([found, op.scalar('int32', 0)])
      : op.Cast([found], { to: 'bool' });
  return cast(op, isTrue, dtypeOf(self) === 'uint8' ? 'uint8' : 'bool');
}
export const all = aten('aten::all(Tensor self) -> Tensor', (op, a) => quantified(op, 'ReduceMin', a));
export const any = aten('aten::any(Tensor self) -> Tensor', (op, a) => quantified(op, 'ReduceMax', a));
export const allDim = aten('aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor', (op, a) =>
  quantified(op, 'ReduceMin', { ...a, dim: [a.dim] }),
);
export const anyDim = aten('aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor', (op, a) =>
  quantified(op, 'ReduceMax', { ...a, dim: [a.dim] }),
);
export const allDims = aten('aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor', (op, a) =>
  quantified(op, 'ReduceMin', a),
);
export const anyDims = aten('aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor', (op, a) =>
  quantified(op, 'ReduceMax', a),
);

export const count_nonzero = aten(
  'aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor',
  (op, { self, dim }) =>
    reduce(op, 'ReduceSum', op.Cast([cast(op, self, 'bool')], { to: 'int64' }), { axes: axesOf(op, self, dim) }),
);
export const count_nonzeroAll = aten('aten::count_nonzero(Tensor self, int? dim=None) -> Tensor', (op, { self, dim }) =>
  reduce(op, 'ReduceSum', op.Cast([cast(op, self, 'bool')], { to: 'int64' }), {
    axes: axesOf(op, self, dim === null ? null : [dim]),
  }),
);
