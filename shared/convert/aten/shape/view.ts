/** ATen operators that show the same elements under another shape. */
import { addDims, type Dim, isStatic, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import {
  axisOf,
  expandTo,
  rankOf,
  reshape,
  resolveSize,
  shapeOf,
  slice,
  squeeze,
  staticSize,
  swapAxes,
  transpose,
  unsqueeze,
} from '../../shape.ts';

const same = (op: AtenBuilder, x: Value): Value => op.Identity([x]);

export const view = aten(
  [
    'aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)',
    'aten::view_copy(Tensor self, SymInt[] size) -> Tensor',
    'aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor',
    'aten::_reshape_copy(Tensor self, SymInt[] size) -> Tensor',
  ],
  (op, { self, size }) => reshape(op, self, resolveSize(shapeOf(self), size)),
);
export const reshapes = aten('aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)', (op, { self, shape }) =>
  reshape(op, self, resolveSize(shapeOf(self), shape)),
);
export const view_as = aten(
  [
    'aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)',
    'aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)',
  ],
  (op, { self, other }) => reshape(op, self, shapeOf(other)),
);
export const ravel = aten('aten::ravel(Tensor(a) self) -> Tensor(a)', (op, { self }) =>
  reshape(op, self, [mulDims(...shapeOf(self))]),
);

export const flatten = aten(
  'aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)',
  (op, { self, start_dim, end_dim }) => {
    const dims = shapeOf(self);
    if (dims.length === 0) return reshape(op, self, [1]);
    const [from, to] = [axisOf(op, start_dim, dims.length), axisOf(op, end_dim, dims.length)];
    return reshape(op, self, [...dims.slice(0, from), mulDims(...dims.slice(from, to + 1)), ...dims.slice(to + 1)]);
  },
);

export const unflatten = aten(
  'aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)',
  (op, { self, dim, sizes }) => {
    const dims = shapeOf(self);
    const axis = axisOf(op, dim, dims.length);
    return reshape(op, self, [...dims.slice(0, axis), ...resolveSize([dims[axis]!], sizes), ...dims.slice(axis + 1)]);
  },
);

export const squeezeAll = aten(
  ['aten::squeeze(Tensor(a) self) -> Tensor(a)', 'aten::squeeze_copy(Tensor self) -> Tensor'],
  (op, { self }) =>
    squeezed(
      op,
      self,
      shapeOf(self).map((_, i) => i),
    ),
);
export const squeezeDim = aten(
  ['aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)', 'aten::squeeze_copy.dim(Tensor self, int dim) -> Tensor'],
  (op, { self, dim }) => squeezed(op, self, [dim]),
);
export const squeezeDims = aten(
  [
    'aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)',
    'aten::squeeze_copy.dims(Tensor self, int[] dim) -> Tensor',
  ],
  (op, { self, dim }) => squeezed(op, self, dim),
);

/** Only axes of size 1 go; a symbolic size is not 1 (PyTorch guards that when it exports). */
function squeezed(op: AtenBuilder, self: Value, dims: readonly number[]): Value {
  const shape = shapeOf(self);
  const axes = dims.map((d) => axisOf(op, d, shape.length)).filter((axis) => shape[axis] === 1);
  return axes.length ? squeeze(op, self, axes) : same(op, self);
}

export const unsqueezes = aten(
  ['aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)', 'aten::unsqueeze_copy(Tensor self, int dim) -> Tensor'],
  (op, { self, dim }) => unsqueeze(op, self, [axisOf(op, dim, rankOf(self) + 1)]),
);

export const transposes = aten(
  [
    'aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)',
    'aten::transpose_copy.int(Tensor self, int dim0, int dim1) -> Tensor',
    'aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)',
  ],
  (op, { self, dim0, dim1 }) => swapped(op, self, dim0, dim1),
);
export const swapaxes = aten(
  'aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)',
  (op, { self, axis0, axis1 }) => swapped(op, self, axis0, axis1),
);
const swapped = (op: AtenBuilder, self: Value, a: number, b: number): Value =>
  swapAxes(op, self, axisOf(op, a, rankOf(self)), axisOf(op, b, rankOf(self)));

export const t = aten(
  [
    'aten::t(Tensor(a) self) -> Tensor(a)',
    'aten::t_copy(Tensor self) -> Tensor',
    'aten::numpy_T(Tensor(a) self) -> Tensor(a)',
  ],
  (op, { self }) =>
    transpose(
      op,
      self,
      shapeOf(self)
        .map((_, i) => i)
        .reverse(),
    ),
);
export const mT = aten(
  [
    'aten::mT(Tensor(a) self) -> Tensor(a)',
    'aten::adjoint(Tensor(a) self) -> Tensor(a)',
    'aten::mH(Tensor(a) self) -> Tensor(a)',
    'aten::matrix_H(Tensor(a) self) -> Tensor(a)',
  ],
  (op, { self }) => swapped(op, self, -2, -1),
);

export const permute = aten(
  ['aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)', 'aten::permute_copy(Tensor self, int[] dims) -> Tensor'],
  (op, { self, dims }) =>
    transpose(
      op,
      self,
      dims.map((d) => axisOf(op, d, dims.length)),
    ),
);

export const movedim = aten(
  [
    'aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)',
    'aten::moveaxis.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)',
  ],
  (op, { self, source, destination }) => moved(op, self, source, destination),
);
export const movedimInt = aten(
  [
    'aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)',
    'aten::moveaxis.int(Tensor(a) self, int source, int destination) -> Tensor(a)',
  ],
  (op, { self, source, destination }) => moved(op, self, [source], [destination]),
);

function moved(op: AtenBuilder, self: Value, source: readonly number[], destination: readonly number[]): Value {
  const rank = rankOf(self);
  const from = source.map((d) => axisOf(op, d, rank));
  const to = destination.map((d) => axisOf(op, d, rank));
  const rest = Array.from({ length: rank }, (_, i) => i).filter((i) => !from.includes(i));
  return transpose(
    op,
    self,
    Array.from({ length: rank }, (_, i) => (to.includes(i) ? from[to.indexOf(i)]! : rest.shift()!)),
  );
}

/** -1 keeps a size. */
function expanded(op: AtenBuilder, self: Value, size: readonly Dim[]): Value {
  const own = shapeOf(self);
  return expandTo(
    op,
    self,
    size.map((d, i) => (d === -1 ? own[i - (size.length - own.length)]! : d)),
  );
}
export const expand = aten(
  [
    'aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)',
    'aten::expand_copy(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor',
  ],
  (op, { self, size }) => expanded(op, self, size),
);
export const broadcast_to = aten(
  'aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)',
  (op, { self, size }) => expanded(op, self, size),
);
export const expand_as = aten('aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)', (op, { self, other }) =>
  expandTo(op, self, shapeOf(other)),
);

export const slices = aten(
  [
    'aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)',
    'aten::slice_copy.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor',
  ],
  (op, { self, dim, start, end, step }) =>
    slice(op, self, {
      axis: axisOf(op, dim, rankOf(self)),
      start: start ?? 0,
      end: end ?? Infinity,
      step: staticSize(op, step, 'step'),
    }),
);
export const narrow = aten(
  [
    'aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)',
    'aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor',
  ],
  (op, { self, dim, start, length }) => {
    const axis = axisOf(op, dim, rankOf(self));
    const from = isStatic(start) && start < 0 ? addDims(shapeOf(self)[axis]!, start) : start;
    return slice(op, self, { axis, start: from, end: addDims(from, length) });
  },
);
export const select = aten(
  [
    'aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)',
    'aten::select_copy.int(Tensor self, int dim, SymInt index) -> Tensor',
  ],
  (op, { self, dim, index }) => op.Gather([self, op.dim(index)], { axis: axisOf(op, dim, rankOf(self)) }),
);

/** Values do not alias in ONNX: copies and detached tensors are the tensor itself. */
export const copies = aten(
  [
    'aten::alias(Tensor(a) self) -> Tensor(a)',
    'aten::alias_copy(Tensor self) -> Tensor',
    'aten::detach(Tensor(a) self) -> Tensor(a)',
    'aten::detach_copy(Tensor self) -> Tensor',
    'aten::lift(Tensor self) -> Tensor',
    'aten::lift_fresh(Tensor(a) self) -> Tensor(a)',
    'aten::lift_fresh_copy(Tensor self) -> Tensor',
    'aten::resolve_conj(Tensor(a) self) -> Tensor(a)',
    'aten::resolve_neg(Tensor(a) self) -> Tensor(a)',
  ],
  (op, { self }) => same(op, self),
);
export const contiguous = aten(
  [
    'aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)',
    'aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor',
  ],
  (op, { self }) => same(op, self),
);

export const toDtype = aten(
  'aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  (op, { self, dtype }) => cast(op, self, dtype),
);
export const toLayout = aten(
  'aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  (op, { self, dtype }) => cast(op, self, dtype ?? dtypeOf(self)),
);
export const toDevice = aten(
  'aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  (op, { self, dtype }) => cast(op, self, dtype),
);
export const toOther = aten(
  'aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
  (op, { self, other }) => cast(op, self, dtypeOf(other)),
);
export const _to_copy = aten(
  'aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor',
  (op, { self, dtype }) => cast(op, self, dtype ?? dtypeOf(self)),
);
export const type_as = aten('aten::type_as(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  cast(op, self, dtypeOf(other)),
);
export const copy = aten(
  'aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor',
  (op, { self, src }) => expandTo(op, cast(op, src, dtypeOf(self)), shapeOf(self)),
);
