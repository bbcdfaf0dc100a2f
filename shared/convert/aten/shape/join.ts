/** ATen operators that join, split and repeat tensors. */
import {
  addDims,
  ceilDivDims,
  type Dim,
  divideExactly,
  floorDivDims,
  isStatic,
  maxDims,
  modDims,
  mulDims,
  subDims,
} from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { promoted } from '../../promote.ts';
import {
  axisOf,
  commonShape,
  expandTo,
  rankOf,
  reshape,
  shapeOf,
  slice,
  squeeze,
  staticSize,
  unsqueeze,
} from '../../shape.ts';

export function concatenate(op: AtenBuilder, tensors: readonly Value[], dim: number): Value {
  const common = promoted(op, tensors);
  // PyTorch skips tensors of shape [0] whatever the rank of the others.
  const parts = common.filter(
    (v, _, all) => !(rankOf(v) === 1 && shapeOf(v)[0] === 0 && all.some((o) => rankOf(o) !== 1 || shapeOf(o)[0] !== 0)),
  );
  return parts.length === 1 ? op.Identity([parts[0]!]) : op.Concat(parts, { axis: axisOf(op, dim, rankOf(parts[0]!)) });
}
export const cat = aten(
  [
    'aten::cat(Tensor[] tensors, int dim=0) -> Tensor',
    'aten::concat(Tensor[] tensors, int dim=0) -> Tensor',
    'aten::concatenate(Tensor[] tensors, int dim=0) -> Tensor',
  ],
  (op, { tensors, dim }) => concatenate(op, tensors, dim),
);

const stacked = (op: AtenBuilder, tensors: readonly Value[], axis: number): Value =>
  concatenate(
    op,
    tensors.map((x) => unsqueeze(op, x, [axis])),
    axis,
  );
export const stack = aten('aten::stack(Tensor[] tensors, int dim=0) -> Tensor', (op, { tensors, dim }) =>
  stacked(op, tensors, axisOf(op, dim, rankOf(tensors[0]!) + 1)),
);

/** Raise to at least `rank` dimensions as torch.atleast_*d does. */
function atLeast(op: AtenBuilder, x: Value, rank: number): Value {
  const own = rankOf(x);
  if (own >= rank) return x;
  const axes: Readonly<Record<string, readonly number[]>> = {
    '0>1': [0],
    '0>2': [0, 1],
    '1>2': [0],
    '0>3': [0, 1, 2],
    '1>3': [0, 2],
    '2>3': [2],
  };
  return unsqueeze(op, x, axes[`${own}>${rank}`]!);
}
export const atleast_1d = aten('aten::atleast_1d(Tensor self) -> Tensor', (op, { self }) =>
  op.Identity([atLeast(op, self, 1)]),
);
export const atleast_2d = aten('aten::atleast_2d(Tensor self) -> Tensor', (op, { self }) =>
  op.Identity([atLeast(op, self, 2)]),
);
export const atleast_3d = aten('aten::atleast_3d(Tensor self) -> Tensor', (op, { self }) =>
  op.Identity([atLeast(op, self, 3)]),
);
export const hstack = aten('aten::hstack(Tensor[] tensors) -> Tensor', (op, { tensors }) => {
  const parts = tensors.map((x) => atLeast(op, x, 1));
  return concatenate(op, parts, rankOf(parts[0]!) === 1 ? 0 : 1);
});
export const vstack = aten(
  ['aten::vstack(Tensor[] tensors) -> Tensor', 'aten::row_stack(Tensor[] tensors) -> Tensor'],
  (op, { tensors }) =>
    concatenate(
      op,
      tensors.map((x) => atLeast(op, x, 2)),
      0,
    ),
);
export const dstack = aten('aten::dstack(Tensor[] tensors) -> Tensor', (op, { tensors }) =>
  concatenate(
    op,
    tensors.map((x) => atLeast(op, x, 3)),
    2,
  ),
);
export const column_stack = aten('aten::column_stack(Tensor[] tensors) -> Tensor', (op, { tensors }) =>
  concatenate(
    op,
    tensors.map((x) => (rankOf(x) >= 2 ? x : reshape(op, x, [mulDims(...shapeOf(x)), 1]))),
    1,
  ),
);

export function splitSizes(op: AtenBuilder, self: Value, sizes: readonly Dim[], axis: number): Value[] {
  if (sizes.length === 1) return [op.Identity([self])];
  return op.Split([self, op.dims(sizes)], { axis }, sizes.length);
}

/** Equal parts of `size`, the last one smaller; as many as PyTorch recorded where sizes are known by name only. */
function partsOf(op: AtenBuilder, total: Dim, size: Dim): Dim[] {
  if (isStatic(total) && isStatic(size)) {
    if (size === 0) return [0];
    return Array.from({ length: Math.max(1, Math.ceil(total / size)) }, (_, i) => Math.min(size, total - i * size));
  }
  const count = op.aten.resultCount();
  return [...new Array<Dim>(count - 1).fill(size), subDims(total, mulDims(size, count - 1))];
}
export const split = aten(
  [
    'aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]',
    'aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]',
    'aten::split_copy.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]',
  ],
  (op, { self, split_size, dim }) => {
    const axis = axisOf(op, dim, rankOf(self));
    return splitSizes(op, self, partsOf(op, shapeOf(self)[axis]!, split_size), axis);
  },
);
export const split_with_sizes = aten(
  [
    'aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]',
    'aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]',
    'aten::split_with_sizes_copy(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]',
  ],
  (op, { self, split_sizes, dim }) => splitSizes(op, self, split_sizes, axisOf(op, dim, rankOf(self))),
);
export const splitSized = aten(
  'aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]',
  (op, { self, split_size, dim }) => splitSizes(op, self, split_size, axisOf(op, dim, rankOf(self))),
);
export const chunk = aten(
  [
    'aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]',
    'aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]',
  ],
  (op, { self, chunks, dim }) => {
    const axis = axisOf(op, dim, rankOf(self));
    const total = shapeOf(self)[axis]!;
    // An empty axis still gives `chunks` parts.
    if (total === 0) return splitSizes(op, self, new Array<Dim>(chunks).fill(0), axis);
    return splitSizes(op, self, partsOf(op, total, divideExactly(total, chunks) ?? ceilDivDims(total, chunks)), axis);
  },
);

/** `sections` parts, the first ones one larger. */
function sectionSizes(total: Dim, sections: number): Dim[] {
  return Array.from({ length: sections }, (_, i) => floorDivDims(addDims(total, sections - 1 - i), sections));
}

/** Cut at indices, which count from the end when negative and may lie outside, as slices do. */
function cutAt(op: AtenBuilder, self: Value, indices: readonly Dim[], axis: number): Value[] {
  const bounds: Dim[] = [0, ...indices, Infinity];
  return bounds.slice(1).map((end, i) => slice(op, self, { axis, start: bounds[i]!, end }));
}
export const tensor_split = aten(
  'aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> Tensor(a)[]',
  (op, { self, sections, dim }) => {
    const axis = axisOf(op, dim, rankOf(self));
    return splitSizes(op, self, sectionSizes(shapeOf(self)[axis]!, staticSize(op, sections, 'sections')), axis);
  },
);
export const tensor_splitIndices = aten(
  'aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> Tensor(a)[]',
  (op, { self, indices, dim }) => cutAt(op, self, indices, axisOf(op, dim, rankOf(self))),
);
const splitAxis = {
  hsplit: (x: Value): number => (rankOf(x) === 1 ? 0 : 1),
  vsplit: (): number => 0,
  dsplit: (): number => 2,
};
export const xsplit = Object.entries(splitAxis).flatMap(([name, axis]) => [
  ...aten(`aten::${name}.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]`, (op, { self, sections }) =>
    splitSizes(op, self, sectionSizes(shapeOf(self)[axis(self)]!, sections), axis(self)),
  ),
  ...aten(`aten::${name}.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]`, (op, { self, indices }) =>
    cutAt(op, self, indices, axis(self)),
  ),
]);

export const unbind = aten(
  [
    'aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]',
    'aten::unbind_copy.int(Tensor self, int dim=0) -> Tensor[]',
  ],
  (op, { self, dim }) => {
    const axis = axisOf(op, dim, rankOf(self));
    const count = staticSize(op, shapeOf(self)[axis]!, 'dim');
    return splitSizes(op, self, new Array<Dim>(count).fill(1), axis).map((part) => squeeze(op, part, [axis]));
  },
);

/** Leading axes of size 1 come first, then every axis is repeated. */
function repeated(op: AtenBuilder, self: Value, repeats: readonly Dim[]): Value {
  const lead = Math.max(0, repeats.length - rankOf(self));
  const x = unsqueeze(
    op,
    self,
    Array.from({ length: lead }, (_, i) => i),
  );
  const counts = [...new Array<Dim>(rankOf(x) - repeats.length).fill(1), ...repeats];
  return counts.every((c) => c === 1) ? op.Identity([x]) : op.Tile([x, op.dims(counts)]);
}
export const repeat = aten('aten::repeat(Tensor self, SymInt[] repeats) -> Tensor', (op, { self, repeats }) =>
  repeated(op, self, repeats),
);
export const tile = aten('aten::tile(Tensor self, SymInt[] dims) -> Tensor', (op, { self, dims }) =>
  repeated(op, self, dims),
);

export const repeat_interleave = aten(
  'aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor',
  (op, { self, repeats, dim }) => {
    const x = dim === null ? reshape(op, self, [mulDims(...shapeOf(self))]) : self;
    const axis = axisOf(op, dim ?? 0, rankOf(x));
    const dims = [...shapeOf(x)];
    const wide = expandTo(op, unsqueeze(op, x, [axis + 1]), [
      ...dims.slice(0, axis + 1),
      repeats,
      ...dims.slice(axis + 1),
    ]);
    return reshape(op, wide, [...dims.slice(0, axis), mulDims(dims[axis]!, repeats), ...dims.slice(axis + 1)]);
  },
);

export const broadcast_tensors = aten('aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]', (op, { tensors }) => {
  const dims = commonShape(op, tensors.map(shapeOf));
  return tensors.map((x) => expandTo(op, x, dims));
});
function grid(op: AtenBuilder, tensors: readonly Value[], indexing: string): Value[] {
  const swap = indexing === 'xy' && tensors.length >= 2;
  const order = tensors.map((_, i) => (swap && i < 2 ? 1 - i : i));
  const dims = order.map((i) => mulDims(...shapeOf(tensors[i]!)));
  return tensors.map((x, i) => {
    const at = order.indexOf(i);
    return expandTo(
      op,
      reshape(
        op,
        x,
        dims.map((d, axis) => (axis === at ? d : 1)),
      ),
      dims,
    );
  });
}
export const meshgrid = aten('aten::meshgrid(Tensor[] tensors) -> Tensor[]', (op, { tensors }) =>
  grid(op, tensors, 'ij'),
);
export const meshgridIndexing = aten(
  'aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]',
  (op, { tensors, indexing }) => grid(op, tensors, indexing),
);

/** How many of the last elements come to the front (below 0: of the first to the back); no more than there are. */
function turnOf(op: AtenBuilder, size: Dim, shift: Dim): Dim {
  const isWithin = isStatic(shift) && (shift === 0 || !op.aten.canBeZero(addDims(size, 1 - Math.abs(shift))));
  if (isWithin && !isStatic(size)) return shift;
  // Processors do not divide by 0.
  return modDims(shift, op.aten.canBeZero(size) ? maxDims(size, 1) : size);
}

/** Elements move along an axis by `shift`, around its end. */
function rolled(op: AtenBuilder, x: Value, axis: number, shift: Dim): Value {
  const size = shapeOf(x)[axis]!;
  if (size === 0) return x;
  const by = turnOf(op, size, shift);
  if (by === 0) return x;
  const cut = isStatic(by) && by < 0 ? -by : subDims(size, by);
  return op.Concat([slice(op, x, { axis, start: cut, end: Infinity }), slice(op, x, { axis, start: 0, end: cut })], {
    axis,
  });
}
export const roll = aten(
  'aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor',
  (op, { self, shifts, dims }) => {
    if (dims.length === 0) {
      const flat = reshape(op, self, [mulDims(...shapeOf(self))]);
      return reshape(op, rolled(op, flat, 0, addDims(...shifts)), shapeOf(self));
    }
    return op.Identity([
      dims.reduce<Value>((x, dim, i) => rolled(op, x, axisOf(op, dim, rankOf(self)), shifts[i]!), self),
    ]);
  },
);

const flipped = (op: AtenBuilder, x: Value, axes: readonly number[]): Value =>
  op.Identity([axes.reduce<Value>((v, axis) => slice(op, v, { axis, start: -1, end: -Infinity, step: -1 }), x)]);
export const flip = aten('aten::flip(Tensor self, int[] dims) -> Tensor', (op, { self, dims }) =>
  flipped(op, self, rankOf(self) === 0 ? [] : dims.map((d) => axisOf(op, d, rankOf(self)))),
);
export const fliplr = aten('aten::fliplr(Tensor self) -> Tensor', (op, { self }) => flipped(op, self, [1]));
export const flipud = aten('aten::flipud(Tensor self) -> Tensor', (op, { self }) => flipped(op, self, [0]));
