/** ATen operators whose number of results depends on the elements: masks and places. */
import { memoryData } from '../../../tensor/data.ts';
import { mulDims } from '../../../tensor/dim.ts';
import { encodeNumbers } from '../../../tensor/numbers.ts';
import type { Value } from '../../../onnx/ir.ts';
import { isUnknownDim } from '../../../onnx/unknown-dim.ts';
import { aten } from '../../converter.ts';
import { cast } from '../../promote.ts';
import { commonShape, expandTo, rankOf, reshape, shapeOf, transpose } from '../../shape.ts';

export const nonzero = aten(
  ['aten::nonzero(Tensor self) -> Tensor', 'aten::argwhere(Tensor self) -> Tensor'],
  (op, { self }) => {
    if (rankOf(self) > 0) return transpose(op, op.NonZero([self]), [1, 0]);
    // A number has no coordinates: one empty row, or none.
    const rows = op.ConstantOfShape(
      [op.Concat([reshape(op, cast(op, cast(op, self, 'bool'), 'int64'), [1]), op.ints([0])], { axis: 0 })],
      { value: memoryData('int64', [1], encodeNumbers('int64', [0])) },
    );
    rows.type = { dtype: 'int64', shape: [op.unknownDim(), 0] };
    return rows;
  },
);
export const masked_select = aten('aten::masked_select(Tensor self, Tensor mask) -> Tensor', (op, { self, mask }) => {
  const shape = commonShape(op, [shapeOf(self), shapeOf(mask)]);
  if (shape.some(isUnknownDim)) {
    // Sizes of two names broadcast: the common shape is known only when the model runs.
    const wide = op.Where([mask, self, self]);
    const flat = (x: Value): Value => op.Reshape([x, op.ints([-1])]);
    return op.Compress([flat(wide), flat(op.Expand([mask, op.Shape([wide])]))]);
  }
  return op.Compress([
    reshape(op, expandTo(op, self, shape), [mulDims(...shape)]),
    reshape(op, expandTo(op, mask, shape), [mulDims(...shape)]),
  ]);
});
