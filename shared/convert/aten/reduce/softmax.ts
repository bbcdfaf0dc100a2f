/** ATen softmax, its logarithm and sums of exponentials. */
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, floatOf } from '../../promote.ts';
import { axisOf, rankOf, reshape } from '../../shape.ts';
import { axesOf, reduce } from './reduction.ts';

/** Subtract the maximum first, but not an infinite one: exp(-inf - -inf) is no number. */
export const logsumexp = aten(
  [
    'aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
    'aten::special_logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
  ],
  (op, { self, dim, keepdim }) => {
    const x = cast(op, self, floatOf(dtypeOf(self)));
    const axes = axesOf(op, x, dim);
    if (rankOf(x) === 0) return op.Identity([x]);
    const largest = reduce(op, 'ReduceMax', x, { axes, keepdim: true });
    const finite = op.Where([op.IsInf([largest]), op.scalar(dtypeOf(x), 0), largest]);
    const sums = op.Log([reduce(op, 'ReduceSum', op.Exp([op.Sub([x, finite])]), { axes, keepdim: true })]);
    const result = op.Add([sums, finite]);
    return keepdim ? result : op.Squeeze([result, op.ints(axes)]);
  },
);

/** As the operators' own arguments are called. */
interface Softmax {
  readonly self: Value;
  readonly dim: number;
  readonly dtype: Dtype | null;
}

function normalized(op: AtenBuilder, how: 'Softmax' | 'LogSoftmax', { self, dim, dtype }: Softmax): Value {
  const x = cast(op, self, dtype ?? floatOf(dtypeOf(self)));
  if (rankOf(x) > 0) return op[how]([x], { axis: axisOf(op, dim, rankOf(x)) });
  // One number: its softmax is 1.
  return reshape(op, op[how]([reshape(op, x, [1])], { axis: 0 }), []);
}
export const softmax = aten(
  [
    'aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
    'aten::special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
  ],
  (op, a) => normalized(op, 'Softmax', a),
);
export const _softmax = aten('aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor', (op, a) =>
  normalized(op, 'Softmax', { ...a, dtype: a.half_to_float ? 'float32' : null }),
);
export const log_softmax = aten(
  [
    'aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
    'aten::special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  ],
  (op, a) => normalized(op, 'LogSoftmax', a),
);
export const _log_softmax = aten('aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor', (op, a) =>
  normalized(op, 'LogSoftmax', { ...a, dtype: a.half_to_float ? 'float32' : null }),
);
export const _safe_softmax = aten(
  'aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, dtype ?? floatOf(dtypeOf(self)));
    const axis = axisOf(op, dim, rankOf(x));
    const empty = op.Equal([
      reduce(op, 'ReduceMax', x, { axes: [axis], keepdim: true }),
      op.scalar(dtypeOf(x), -Infinity),
    ]);
    return op.Where([empty, op.scalar(dtypeOf(x), 0), op.Softmax([x], { axis })]);
  },
);
