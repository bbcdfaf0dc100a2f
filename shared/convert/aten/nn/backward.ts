/** ATen gradient formulas that appear in exported programs. */
import { aten } from '../../converter.ts';
import { cast, dtypeOf, floatOf } from '../../promote.ts';
import { axisOf, rankOf } from '../../shape.ts';
import { reduce } from '../reduce/reduction.ts';

export const _softmax_backward_data = aten(
  'aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor',
  (op, a) => {
    const weighted = op.Mul([a.grad_output, a.output]);
    const sums = reduce(op, 'ReduceSum', weighted, { axes: [axisOf(op, a.dim, rankOf(a.output))], keepdim: true });
    return cast(op, op.Sub([weighted, op.Mul([a.output, sums])]), a.input_dtype);
  },
);
export const _log_softmax_backward_data = aten(
  'aten::_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor',
  (op, a) => {
    const sums = reduce(op, 'ReduceSum', a.grad_output, { axes: [axisOf(op, a.dim, rankOf(a.output))], keepdim: true });
    return cast(op, op.Sub([a.grad_output, op.Mul([op.Exp([a.output]), sums])]), a.input_dtype);
  },
);
export const native_dropout_backward = aten(
  'aten::native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor',
  (op, { grad_output, mask, scale }) => {
    const x = cast(op, grad_output, floatOf(dtypeOf(grad_output)));
    return op.Mul([op.Mul([x, cast(op, mask, dtypeOf(x))]), op.scalar(dtypeOf(x), scale)]);
  },
);
