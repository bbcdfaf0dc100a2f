/** ATen operators that pick elements by indices along one axis. */
import { mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, commonShape, expandTo, rankOf, reshape, shapeOf } from '../../shape.ts';

/** Indices as ONNX takes them. */
export const asIndex = (op: AtenBuilder, x: Value): Value => (dtypeOf(x) === 'int32' ? x : cast(op, x, 'int64'));

/** padding_idx says which row is not trained; it does not change the result. */
export const embedding = aten(
  'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
  (op, { weight, indices }) => op.Gather([weight, asIndex(op, indices)], { axis: 0 }),
);
export const index_select = aten(
  ['aten::index_select(Tensor self, int dim, Tensor index) -> Tensor'],
  (op, { self, dim, index }) => {
    if (rankOf(self) === 0)
      return reshape(op, op.Gather([reshape(op, self, [1]), reshape(op, asIndex(op, index), [1])], { axis: 0 }), []);
    return op.Gather([self, rankOf(index) === 0 ? reshape(op, asIndex(op, index), [1]) : asIndex(op, index)], {
      axis: axisOf(op, dim, rankOf(self)),
    });
  },
);
export const gather = aten(
  'aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor',
  (op, { self, dim, index }) => {
    if (rankOf(self) === 0 && rankOf(index) === 0) return op.Identity([self]);
    if (rankOf(self) === 0)
      return reshape(op, op.Gather([reshape(op, self, [1]), asIndex(op, index)], { axis: 0 }), shapeOf(index));
    if (rankOf(index) === 0) return reshape(op, op.Gather([self, asIndex(op, index)], { axis: 0 }), []);
    return op.GatherElements([self, asIndex(op, index)], { axis: axisOf(op, dim, rankOf(self)) });
  },
);
export const take = aten('aten::take(Tensor self, Tensor index) -> Tensor', (op, { self, index }) =>
  op.Gather([reshape(op, self, [mulDims(...shapeOf(self))]), asIndex(op, index)], { axis: 0 }),
);
export const take_along_dim = aten(
  'aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor',
  (op, { self, indices, dim }) => {
    if (dim === null)
      return op.GatherElements(
        [
          reshape(op, self, [mulDims(...shapeOf(self))]),
          reshape(op, asIndex(op, indices), [mulDims(...shapeOf(indices))]),
        ],
        { axis: 0 },
      );
    const axis = axisOf(op, dim, rankOf(self));
    // All other axes broadcast against each other.
    const common = commonShape(
      op,
      [shapeOf(self), shapeOf(indices)].map((s) => s.map((d, i) => (i === axis ? 1 : d))),
    );
    const wide = (x: Value): Value =>
      expandTo(
        op,
        x,
        common.map((d, i) => (i === axis ? shapeOf(x)[axis]! : d)),
      );
    return op.GatherElements([wide(self), wide(asIndex(op, indices))], { axis });
  },
);

export const one_hot = aten('aten::one_hot(Tensor self, int num_classes=-1) -> Tensor', (op, { self, num_classes }) => {
  if (num_classes < 0) return op.aten.refuse('num_classes', num_classes, 'the number of classes');
  return op.OneHot([self, op.ints([num_classes]), op.tensor('int64', [2], [0, 1])], { axis: -1 });
});
