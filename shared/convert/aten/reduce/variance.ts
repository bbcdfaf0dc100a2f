/** ATen variances and standard deviations. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf, numberOr } from '../../promote.ts';
import { rankOf, shapeOf } from '../../shape.ts';
import { axesOf, countOf, reduce } from './reduction.ts';

/** Mean and variance over axes (kept); `correction` is subtracted from the count, never below zero. */
function moments(
  op: AtenBuilder,
  self: Value,
  { axes, correction }: { readonly axes: readonly number[]; readonly correction: number },
): { mean: Value; variance: Value } {
  const average = reduce(op, 'ReduceMean', self, { axes, keepdim: true });
  const deviation = op.Sub([self, average]);
  const squares = reduce(op, 'ReduceSum', op.Mul([deviation, deviation]), { axes, keepdim: true });
  // Of nothing neither is a number, whatever is subtracted from the count.
  if (axes.some((axis) => shapeOf(self)[axis] === 0)) return { mean: average, variance: average };
  const dtype = dtypeOf(self);
  const count = op.Sub([countOf(op, self, axes, dtype), op.scalar(dtype, correction)]);
  return { mean: average, variance: op.Div([squares, op.Max([count, op.scalar(dtype, 0)])]) };
}

interface MomentsRequest {
  readonly self: Value;
  readonly dim: readonly number[] | null;
  readonly correction: number;
  readonly keepdim: boolean;
}

function finished(
  op: AtenBuilder,
  { self, dim, correction, keepdim }: MomentsRequest,
): { mean: Value; variance: Value; std: Value } {
  const axes = axesOf(op, self, dim);
  const kept = moments(op, self, { axes, correction });
  const done = (x: Value): Value => (keepdim || rankOf(self) === 0 ? x : op.Squeeze([x, op.ints(axes)]));
  return { mean: done(kept.mean), variance: done(kept.variance), std: done(op.Sqrt([kept.variance])) };
}

type Moment = 'mean' | 'variance' | 'std';
const PICKED: Readonly<Record<string, readonly Moment[]>> = {
  var: ['variance'],
  std: ['std'],
  var_mean: ['variance', 'mean'],
  std_mean: ['std', 'mean'],
};

/** var, std and their pairs with the mean, in three signatures each. */
export const variance = Object.entries(PICKED).flatMap(([name, picks]) => {
  const result = (op: AtenBuilder, request: MomentsRequest): Value[] => {
    const parts = finished(op, request);
    return picks.map((p) => parts[p]);
  };
  const returns = picks.length === 1 ? 'Tensor' : '(Tensor, Tensor)';
  return [
    ...aten(`aten::${name}(Tensor self, bool unbiased=True) -> ${returns}`, (op, { self, unbiased }) =>
      result(op, { self, dim: null, correction: unbiased ? 1 : 0, keepdim: false }),
    ),
    ...aten(
      `aten::${name}.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> ${returns}`,
      (op, { self, dim, unbiased, keepdim }) => result(op, { self, dim, correction: unbiased ? 1 : 0, keepdim }),
    ),
    ...aten(
      `aten::${name}.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> ${returns}`,
      (op, { self, dim, correction, keepdim }) =>
        result(op, { self, dim, correction: numberOr(correction, 1), keepdim }),
    ),
  ];
});
