/** ATen covariance and correlation of variables (rows) over observations (columns). */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf, unsqueeze } from '../../shape.ts';
import { diagonalOf } from '../shape/window.ts';

interface Covariance {
  readonly self: Value;
  readonly correction: number;
  readonly fweights: Value | null;
  readonly aweights: Value | null;
}

/** Weighted deviations times themselves, over what is left of the weights after the correction. */
function covariance(op: AtenBuilder, { self, correction, fweights, aweights }: Covariance): Value {
  const dtype = isFloat(dtypeOf(self)) ? dtypeOf(self) : DEFAULT_FLOAT;
  const x = reshape(op, cast(op, self, dtype), rankOf(self) < 2 ? [1, mulDims(...shapeOf(self))] : shapeOf(self));
  const [variables, observations] = shapeOf(x) as [Dim, Dim];
  // A mean of nothing is no number.
  if (observations === 0) return filledTensor(op, variables === 1 ? [] : [variables, variables], dtype, NaN);
  const [f, a] = [fweights, aweights].map((w) => (w ? reshape(op, cast(op, w, dtype), [observations]) : null)) as [
    Value | null,
    Value | null,
  ];
  const weights = f && a ? op.Mul([f, a]) : (f ?? a);
  const sumOf = (v: Value): Value => op.ReduceSum([v, op.ints([0])], { keepdims: 0 });
  const total = weights ? sumOf(weights) : op.Cast([op.dim(observations)], { to: dtype });
  const weighted = (v: Value): Value => (weights ? op.Mul([v, weights]) : v);
  const average = op.Div([op.ReduceSum([weighted(x), op.ints([1])], { keepdims: 1 }), total]);
  const corrected =
    weights && a && correction !== 0
      ? op.Div([op.Mul([sumOf(op.Mul([weights, a])), op.scalar(dtype, correction)]), total])
      : op.scalar(dtype, correction);
  const norm = op.Max([op.Sub([total, corrected]), op.scalar(dtype, 0)]);
  const deviation = op.Sub([x, average]);
  const product = op.MatMul([deviation, op.Transpose([weighted(deviation)], { perm: [1, 0] })]);
  return reshape(op, op.Div([product, norm]), variables === 1 ? [] : [variables, variables]);
}
export const cov = aten(
  'aten::cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor',
  (op, a) => covariance(op, a),
);

export const corrcoef = aten('aten::corrcoef(Tensor self) -> Tensor', (op, { self }) => {
  const c = covariance(op, { self, correction: 1, fweights: null, aweights: null });
  if (rankOf(c) === 0) return op.Div([c, c]);
  const deviation = op.Sqrt([diagonalOf(op, c)]);
  const ratio = op.Div([op.Div([c, unsqueeze(op, deviation, [1])]), unsqueeze(op, deviation, [0])]);
  return op.Min([op.Max([ratio, op.scalar(dtypeOf(c), -1)]), op.scalar(dtypeOf(c), 1)]);
});
