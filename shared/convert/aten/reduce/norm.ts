/** ATen norms of vectors. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, numberOr } from '../../promote.ts';
import { extreme } from './extremes.ts';
import type { Along } from './mean.ts';
import { axesOf, reduce } from './reduction.ts';

/** The p-norm over axes; p as torch.linalg.vector_norm takes it. */
export function vectorNorm(op: AtenBuilder, x: Value, p: number, along: Along): Value {
  const dtype = dtypeOf(x);
  if (p === 2) return reduce(op, 'ReduceL2', x, along);
  if (p === 1) return reduce(op, 'ReduceL1', x, along);
  if (p === Infinity) return extreme(op, 'ReduceMax', op.Abs([x]), along);
  if (p === -Infinity) return extreme(op, 'ReduceMin', op.Abs([x]), along);
  if (p === 0)
    return reduce(op, 'ReduceSum', op.Cast([op.Not([op.Equal([x, op.scalar(dtype, 0)])])], { to: dtype }), along);
  const powers = reduce(op, 'ReduceSum', op.Pow([op.Abs([x]), op.scalar(dtype, p)]), along);
  return op.Pow([powers, op.scalar(dtype, 1 / p)]);
}
export const linalg_vector_norm = aten(
  'aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, ord, dim, keepdim, dtype }) =>
    vectorNorm(op, cast(op, self, dtype ?? dtypeOf(self)), Number(ord.value), { axes: axesOf(op, self, dim), keepdim }),
);
export const norm = aten(
  'aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor',
  (op, { self, p, dim, keepdim }) => vectorNorm(op, self, numberOr(p, 2), { axes: axesOf(op, self, dim), keepdim }),
);
export const normScalar = aten('aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor', (op, { self, p }) =>
  vectorNorm(op, self, Number(p.value), { axes: axesOf(op, self, null) }),
);
export const normDtype = aten(
  'aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> Tensor',
  (op, { self, p, dim, keepdim, dtype }) =>
    vectorNorm(op, cast(op, self, dtype), numberOr(p, 2), { axes: axesOf(op, self, dim), keepdim }),
);
export const normOfAllDtype = aten(
  'aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor',
  (op, { self, p, dtype }) => vectorNorm(op, cast(op, self, dtype), numberOr(p, 2), { axes: axesOf(op, self, null) }),
);
export const frobenius_norm = aten(
  'aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => vectorNorm(op, self, 2, { axes: axesOf(op, self, dim), keepdim }),
);
