/** ATen sliding windows, diagonals and strided views, as gathers. */
import { addDims, type Dim, isStatic, maxDims, minDims, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, rankOf, reshape, shapeOf, slice, staticSize, transpose, unsqueeze } from '../../shape.ts';
import { windowCount, windowNumbers, windowPlaces, windowsOf, zeroPadded } from '../../sliding-windows.ts';
import { sumDtype } from '../reduce/reduction.ts';

interface Windows {
  readonly dim: number;
  readonly size: number;
  readonly step: number;
}

/** Windows of `size` along an axis, `step` apart; the window becomes the last axis. */
function windows(op: AtenBuilder, self: Value, { dim, size, step }: Windows): Value {
  if (rankOf(self) === 0) return reshape(op, self, [size]);
  const axis = axisOf(op, dim, rankOf(self));
  const window = { taps: size, stride: step, dilation: 1 };
  const places = windowPlaces(op, windowCount(shapeOf(self)[axis]!, window), window);
  const gathered = op.Gather([self, places], { axis });
  const perm = [...Array.from({ length: rankOf(self) + 1 }, (_, i) => i).filter((i) => i !== axis), axis];
  return transpose(op, gathered, perm);
}
export const unfold = aten(
  [
    'aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)',
    'aten::unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor',
  ],
  (op, a) => windows(op, a.self, { dim: a.dimension, size: a.size, step: a.step }),
);

const pair = (list: readonly number[], i: number): number => list[i] ?? list[0]!;

export const im2col = aten(
  'aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor',
  (op, a) => {
    const x = rankOf(a.self) === 3 ? unsqueeze(op, a.self, [0]) : a.self;
    const [n, c, ...image] = shapeOf(x) as [Dim, Dim, Dim, Dim];
    const axes = image.map((size, i) => {
      const window = { taps: pair(a.kernel_size, i), stride: pair(a.stride, i), dilation: pair(a.dilation, i) };
      return { window, count: windowCount(addDims(size, 2 * pair(a.padding, i)), window) };
    });
    const padding = image.map((_, i) => [pair(a.padding, i), pair(a.padding, i)] as const);
    // (n, c, taps, windows, taps, windows).
    const blocks = transpose(op, windowsOf(op, zeroPadded(op, x, padding), axes), [0, 1, 2, 4, 3, 5]);
    const shape = [mulDims(c, ...axes.map(({ window }) => window.taps)), mulDims(...axes.map(({ count }) => count))];
    return reshape(op, blocks, rankOf(a.self) === 3 ? shape : [n, ...shape]);
  },
);

export const col2im = aten(
  'aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor',
  (op, a) => {
    const x = rankOf(a.self) === 2 ? unsqueeze(op, a.self, [0]) : a.self;
    const [ph, pw] = [pair(a.padding, 0), pair(a.padding, 1)];
    const image = op.Col2Im([x, op.dims(a.output_size), op.ints([pair(a.kernel_size, 0), pair(a.kernel_size, 1)])], {
      dilations: [pair(a.dilation, 0), pair(a.dilation, 1)],
      pads: [ph, pw, ph, pw],
      strides: [pair(a.stride, 0), pair(a.stride, 1)],
    });
    return rankOf(a.self) === 2 ? op.Squeeze([image, op.ints([0])]) : image;
  },
);

interface StridedView {
  readonly size: readonly Dim[];
  readonly stride: readonly Dim[];
  readonly storage_offset: Dim | null;
}

/** Where in the row-major tensor each element of a strided view lies. */
export function stridedPlaces(
  op: AtenBuilder,
  self: Value,
  { size, stride, storage_offset }: StridedView,
): { sizes: number[]; positions: number[]; total: number } {
  const sizes = size.map((d) => staticSize(op, d, 'size'));
  const strides = stride.map((d) => staticSize(op, d, 'stride'));
  const start = staticSize(op, storage_offset ?? 0, 'storage_offset');
  const positions = Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, (_, n) => {
    let [rest, at] = [n, start];
    for (let i = sizes.length - 1; i >= 0; i--) {
      at += (rest % sizes[i]!) * strides[i]!;
      rest = Math.floor(rest / sizes[i]!);
    }
    return at;
  });
  const total = staticSize(op, mulDims(...shapeOf(self)), 'size');
  if (positions.some((p) => p < 0 || p >= total))
    return op.aten.refuse('size', sizes.join(), 'positions inside the tensor');
  return { sizes, positions, total };
}

export const as_strided = aten(
  [
    'aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)',
    'aten::as_strided_copy(Tensor self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor',
  ],
  (op, { self, size, stride, storage_offset }) => {
    const { sizes, positions, total } = stridedPlaces(op, self, { size, stride, storage_offset });
    return op.Gather([reshape(op, self, [total]), op.tensor('int64', sizes, positions)], { axis: 0 });
  },
  { addressesMemory: true },
);

export interface Diagonal {
  readonly offset?: number;
  readonly dim1?: number;
  readonly dim2?: number;
}

/** Where a diagonal lies in a matrix row by row. */
function diagonalPlaces(
  op: AtenBuilder,
  { count, first, columns }: { readonly count: Dim; readonly first: Dim; readonly columns: Dim },
): Value {
  if (isStatic(count) && isStatic(first) && isStatic(columns))
    return op.ints(Array.from({ length: count }, (_, i) => first + i * (columns + 1)));
  return op.Add([op.Mul([windowNumbers(op, count), op.dim(addDims(columns, 1))]), op.dim(first)]);
}

/** The elements (i, i + offset) of two axes; they become the last axis. */
export function diagonalOf(op: AtenBuilder, self: Value, { offset = 0, dim1 = 0, dim2 = 1 }: Diagonal = {}): Value {
  const rank = rankOf(self);
  const [a, b] = [axisOf(op, dim1, rank), axisOf(op, dim2, rank)];
  const [rows, columns] = [shapeOf(self)[a]!, shapeOf(self)[b]!];
  const [top, left] = [Math.max(0, -offset), Math.max(0, offset)];
  const shorter = minDims(addDims(rows, -top), addDims(columns, -left));
  const count = offset === 0 ? shorter : maxDims(shorter, 0);
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== a && i !== b);
  const rest = others.map((i) => shapeOf(self)[i]!);
  const flat = reshape(op, transpose(op, self, [...others, a, b]), [...rest, mulDims(rows, columns)]);
  return op.Gather([flat, diagonalPlaces(op, { count, first: addDims(mulDims(top, columns), left), columns })], {
    axis: rank - 2,
  });
}
export const diagonal = aten(
  [
    'aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)',
    'aten::diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor',
  ],
  (op, a) => diagonalOf(op, a.self, a),
);
export const linalg_diagonal = aten(
  'aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor(a)',
  (op, a) => diagonalOf(op, a.A, a),
);
export const trace = aten('aten::trace(Tensor self) -> Tensor', (op, { self }) =>
  op.ReduceSum([cast(op, diagonalOf(op, self), sumDtype(self, null)), op.ints([0])], { keepdims: 0 }),
);

/** Differences of neighbours, n times. */
export const diff = aten(
  'aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor',
  (op, { self, n, dim, prepend, append }) => {
    if (n === 0) return op.Identity([self]);
    const axis = axisOf(op, dim, rankOf(self));
    const parts = [prepend, self, append].filter((p) => p !== null);
    let x = parts.length > 1 ? op.Concat(parts, { axis }) : self;
    for (let i = 0; i < n; i++) {
      const [later, earlier] = [
        slice(op, x, { axis, start: 1, end: Infinity }),
        slice(op, x, { axis, start: 0, end: -1 }),
      ];
      x = dtypeOf(x) === 'bool' ? op.Xor([later, earlier]) : op.Sub([later, earlier]);
    }
    return op.Identity([x]);
  },
);
