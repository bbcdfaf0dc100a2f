/** ATen inverses of maximum pooling: values go back to the places that the pooling recorded. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf } from '../../shape.ts';

interface Unpooling {
  readonly self: Value;
  readonly indices: Value;
  readonly output_size: readonly Dim[];
  readonly reduction?: 'none' | 'add';
}

/** Places count within each plane. */
function placed(op: AtenBuilder, { self, indices, output_size: output, reduction = 'none' }: Unpooling): Value {
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
  (op, a) => placed(op, a),
);
export const max_unpool3d = aten(
  'aten::max_unpool3d(Tensor self, Tensor indices, SymInt[3] output_size, int[3] stride, int[3] padding) -> Tensor',
  (op, a) => placed(op, a),
);
/** Windows may overlap: gradients of one place add up. */
export const max_pool2d_with_indices_backward = aten(
  'aten::max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation, bool ceil_mode, Tensor indices) -> Tensor',
  (op, a) =>
    placed(op, {
      self: a.grad_output,
      indices: a.indices,
      output_size: shapeOf(a.self).slice(-2),
      reduction: 'add',
    }),
  { limits: [{ since: 16 }] },
);
