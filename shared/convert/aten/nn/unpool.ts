/** ATen inverses of maximum pooling: values go back to the places that the pooling recorded. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf } from '../../shape.ts';

/** Places count within each plane. */
function placed(
  op: AtenBuilder,
  self: Value,
  indices: Value,
  output: readonly Dim[],
  reduction: 'none' | 'add',
): Value {
  const lead = shapeOf(self).slice(0, rankOf(self) - output.length);
  const [planes, inner, outer] = [mulDims(...lead), mulDims(...shapeOf(self).slice(lead.length)), mulDims(...output)];
  const empty = filledTensor(op, [planes, outer], dtypeOf(self), 0);
  const scattered = op.ScatterElements(
    [empty, reshape(op, indices, [planes, inner]), reshape(op, self, [planes, inner])],
    { axis: 1, reduction },
  );
  return reshape(op, scattered, [...lead, ...output]);
}
export const max_unpool2d = aten(
  'aten::max_unpool2d(Tensor self, Tensor indices, SymInt[2] output_size) -> Tensor',
  (op, a) => placed(op, a.self, a.indices, a.output_size, 'none'),
);
export const max_unpool3d = aten(
  'aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] stride, int[3] padding) -> Tensor',
  (op, a) => placed(op, a.self, a.indices, a.output_size, 'none'),
);
/** Windows may overlap: gradients of one place add up. */
export const max_pool2d_with_indices_backward = aten(
  'aten::max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation, bool ceil_mode, Tensor indices) -> Tensor',
  (op, a) => placed(op, a.grad_output, a.indices, shapeOf(a.self).slice(-2), 'add'),
  { limits: [{ since: 16 }] },
);
