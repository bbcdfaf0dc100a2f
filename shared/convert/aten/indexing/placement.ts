/** ATen operators that write elements into a copy of a tensor: by mask, by linear place, by stride. */
import { dimText, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, numberOperand } from '../../promote.ts';
import {
  axisOf,
  commonShape,
  expandTo,
  rankOf,
  reshape,
  shapeOf,
  staticSize,
  transpose,
  unsqueeze,
} from '../../shape.ts';
import { indexed, put as putIndexed } from './advanced.ts';
import { vectorNorm } from '../reduce/norm.ts';
import { stridedPlaces } from '../shape/window.ts';

/** Source elements in order, one for every place where the mask holds. */
export const masked_scatter = aten(
  'aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor',
  (op, { self, mask, source }) => {
    const shape = commonShape(op, [shapeOf(self), shapeOf(mask)]);
    const [count, length] = [mulDims(...shape), mulDims(...shapeOf(source))];
    const wide = expandTo(op, self, shape);
    if (count === 0 || length === 0) return op.Identity([wide]);
    const flat = reshape(op, expandTo(op, mask, shape), [count]);
    const order = op.Sub([op.CumSum([op.Cast([flat], { to: 'int64' }), op.scalar('int64', 0)]), op.scalar('int64', 1)]);
    const taken = op.Gather([reshape(op, source, [length]), op.Max([order, op.scalar('int64', 0)])], { axis: 0 });
    return op.Where([expandTo(op, mask, shape), reshape(op, taken, shape), wide]);
  },
);

/** Linear places; negative ones count from the end. */
export const put = aten(
  'aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor',
  (op, { self, index, source, accumulate }) => {
    const [length, count] = [mulDims(...shapeOf(self)), mulDims(...shapeOf(index))];
    if (count === 0 || length === 0) return op.Identity([self]);
    const places = reshape(op, cast(op, index, 'int64'), [count]);
    const wrapped = op.Where([op.Less([places, op.scalar('int64', 0)]), op.Add([places, op.dim(length)]), places]);
    const written = op.ScatterElements([reshape(op, self, [length]), wrapped, reshape(op, source, [count])], {
      axis: 0,
      ...(accumulate ? { reduction: 'add' } : {}),
    });
    return reshape(op, written, shapeOf(self));
  },
);

/** The source on the diagonal, self elsewhere. */
export const diagonal_scatter = aten(
  'aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor',
  (op, { self, src, offset, dim1, dim2 }) => {
    const rank = rankOf(self);
    const [a, b] = [axisOf(op, dim1, rank), axisOf(op, dim2, rank)];
    const [rows, columns] = [staticSize(op, shapeOf(self)[a]!, 'size'), staticSize(op, shapeOf(self)[b]!, 'size')];
    const [top, left] = [Math.max(0, -offset), Math.max(0, offset)];
    const count = Math.max(0, Math.min(rows - top, columns - left));
    if (count === 0) return op.Identity([self]);
    const mask = Array.from({ length: rows * columns }, (_, n) => {
      const [r, c] = [Math.floor(n / columns) - top, (n % columns) - left];
      return r === c && r >= 0 && r < count ? 1 : 0;
    });
    const spread = op.Gather(
      [
        cast(op, src, dtypeOf(self)),
        op.ints(Array.from({ length: rows }, (_, r) => Math.min(Math.max(r - top, 0), count - 1))),
      ],
      { axis: rankOf(src) - 1 },
    );
    const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== a && i !== b);
    const perm = [...others, a, b];
    const placed = op.Where([
      op.tensor('bool', [rows, columns], mask),
      unsqueeze(op, spread, [rankOf(src)]),
      transpose(op, self, perm),
    ]);
    return transpose(
      op,
      placed,
      perm.map((_, i) => perm.indexOf(i)),
    );
  },
);

export const as_strided_scatter = aten(
  'aten::as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor',
  (op, { self, src, size, stride, storage_offset }) => {
    const { sizes, positions, total } = stridedPlaces(op, self, { size, stride, storage_offset });
    const count = positions.length;
    if (new Set(positions).size < count)
      return op.aten.refuse('stride', stride.map(dimText).join(), 'places that are written once');
    if (count === 0) return op.Identity([self]);
    const values = reshape(op, expandTo(op, cast(op, src, dtypeOf(self)), sizes), [count]);
    return reshape(
      op,
      op.ScatterElements([reshape(op, self, [total]), op.ints(positions), values], { axis: 0 }),
      shapeOf(self),
    );
  },
  { addressesMemory: true },
);

/** Indices clamped into the tensor, so that masked places may lie outside. */
function clamped(op: AtenBuilder, self: Value, indices: readonly (Value | null)[]): (Value | null)[] {
  return indices.map((index, axis) => {
    if (!index) return null;
    if (dtypeOf(index) === 'bool' || dtypeOf(index) === 'uint8')
      return op.aten.refuse('indices', dtypeOf(index), 'integer indices');
    const size = op.dim(shapeOf(self)[axis]!);
    const within = op.Max([cast(op, index, 'int64'), op.Neg([size])]);
    return op.Min([within, op.Sub([size, op.scalar('int64', 1)])]);
  });
}
const isEmpty = (x: Value): boolean => mulDims(...shapeOf(x)) === 0;
export const _unsafe_masked_index = aten(
  'aten::_unsafe_masked_index(Tensor self, Tensor mask, Tensor?[] indices, Scalar fill) -> Tensor',
  (op, { self, mask, indices, fill }) => {
    if (isEmpty(self)) return op.aten.refuse('self', 'no elements', 'tensors with elements');
    const picked = indexed(op, self, clamped(op, self, indices));
    return op.Where([mask, picked, cast(op, numberOperand(op, fill), dtypeOf(self))]);
  },
);
export const _unsafe_masked_index_put_accumulate = aten(
  'aten::_unsafe_masked_index_put_accumulate(Tensor self, Tensor mask, Tensor?[] indices, Tensor values) -> Tensor',
  (op, { self, mask, indices, values }) => {
    if (isEmpty(self)) return op.Identity([self]);
    return putIndexed(op, {
      self,
      indices: clamped(op, self, indices),
      values: op.Where([mask, values, op.scalar(dtypeOf(values), 0)]),
      accumulate: true,
    });
  },
  { limits: [{ since: 16 }] },
);

/** Rows whose norm is larger than `maxnorm` are scaled down to it. */
export const renorm = aten(
  'aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor',
  (op, { self, p, dim, maxnorm }) => {
    if (p.kind === 'run-time' || maxnorm.kind === 'run-time')
      return op.aten.refuse('p', 'a number of the program', 'numbers known when the model is converted');
    const dtype = dtypeOf(self);
    const kept = axisOf(op, dim, rankOf(self));
    const axes = shapeOf(self)
      .map((_, i) => i)
      .filter((i) => i !== kept);
    const [order, limit] = [Number(p.value), op.scalar(dtype, Number(maxnorm.value))];
    const norm = vectorNorm(op, self, order, { axes, keepdim: true });
    const factor = op.Div([limit, op.Add([norm, op.scalar(dtype, 1e-7)])]);
    return op.Mul([self, op.Where([op.Greater([norm, limit]), factor, op.scalar(dtype, 1)])]);
  },
);
