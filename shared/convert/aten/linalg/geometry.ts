/** ATen products of vectors and tensors, distances and diagonals. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import {
  axisOf,
  filledTensor,
  rankOf,
  reshape,
  shapeOf,
  slice,
  staticSize,
  swapAxes,
  transpose,
  unsqueeze,
} from '../../shape.ts';
import { matrixNorm } from './matrix-function.ts';
import { vectorNorm } from '../reduce/norm.ts';
import { axesOf, reduce, sumDtype } from '../reduce/reduction.ts';
import type { Diagonal } from '../shape/window.ts';

function crossProduct(op: AtenBuilder, a: Value, b: Value, dim: number): Value {
  const rank = Math.max(rankOf(a), rankOf(b));
  const axis = axisOf(op, dim, rank);
  const parts = (x: Value): Value[] =>
    [0, 1, 2].map((i) => op.Gather([x, op.ints([i])], { axis: axis - (rank - rankOf(x)) }));
  const [x, y] = [parts(a), parts(b)];
  const component = (i: number, j: number): Value => op.Sub([op.Mul([x[i]!, y[j]!]), op.Mul([x[j]!, y[i]!])]);
  return op.Concat([component(1, 2), component(2, 0), component(0, 1)], { axis });
}
export const linalg_cross = aten(
  'aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor',
  (op, { self, other, dim }) => crossProduct(op, self, other, dim),
);
export const cross = aten(
  'aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor',
  (op, { self, other, dim }) => crossProduct(op, self, other, dim ?? shapeOf(self).indexOf(3)),
);
export const linalg_vecdot = aten(
  'aten::linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor',
  (op, { x, y, dim }) => {
    const product = op.Mul([x, y]);
    return reduce(op, 'ReduceSum', product, { axes: [axisOf(op, dim, rankOf(product))] });
  },
);

/** One side of a contraction. */
interface Side {
  readonly x: Value;
  readonly axes: readonly number[];
}

/** A contracted axis of 1 against a longer one: the longer one is summed first. */
function summed(op: AtenBuilder, { x, axes }: Side, other: Side): Value {
  const lone = axes.filter((axis, i) => shapeOf(other.x)[other.axes[i]!] === 1 && shapeOf(x)[axis] !== 1);
  return lone.length ? reduce(op, 'ReduceSum', x, { axes: lone, keepdim: true }) : x;
}

export const tensordot = aten(
  'aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor',
  (op, { self: given, other: against, dims_self, dims_other }) => {
    const front = dims_self.map((d) => axisOf(op, d, rankOf(given)));
    const back = dims_other.map((d) => axisOf(op, d, rankOf(against)));
    const [self, other] = [
      summed(op, { x: given, axes: front }, { x: against, axes: back }),
      summed(op, { x: against, axes: back }, { x: given, axes: front }),
    ];
    const left = shapeOf(self)
      .map((_, i) => i)
      .filter((i) => !front.includes(i));
    const right = shapeOf(other)
      .map((_, i) => i)
      .filter((i) => !back.includes(i));
    const sizes = (x: Value, axes: readonly number[]): Dim[] => axes.map((i) => shapeOf(x)[i]!);
    const inner = mulDims(...sizes(self, front));
    const a = reshape(op, transpose(op, self, [...left, ...front]), [mulDims(...sizes(self, left)), inner]);
    const b = reshape(op, transpose(op, other, [...back, ...right]), [inner, mulDims(...sizes(other, right))]);
    return reshape(op, op.MatMul([a, b]), [...sizes(self, left), ...sizes(other, right)]);
  },
);

export const kron = aten('aten::kron(Tensor self, Tensor other) -> Tensor', (op, { self, other }) => {
  const rank = Math.max(rankOf(self), rankOf(other));
  const lifted = (x: Value): Dim[] => [...Array.from({ length: rank - rankOf(x) }, (): Dim => 1), ...shapeOf(x)];
  const [a, b] = [lifted(self), lifted(other)];
  const x = reshape(
    op,
    self,
    a.flatMap((d): Dim[] => [d, 1]),
  );
  const y = reshape(
    op,
    other,
    b.flatMap((d): Dim[] => [1, d]),
  );
  return reshape(
    op,
    op.Mul([x, y]),
    a.map((d, i) => mulDims(d, b[i]!)),
  );
});

export const rot90 = aten('aten::rot90(Tensor self, int k=1, int[] dims=[0,1]) -> Tensor', (op, { self, k, dims }) => {
  const [a, b] = dims.map((d) => axisOf(op, d, rankOf(self))) as [number, number];
  const flip = (x: Value, axis: number): Value => slice(op, x, { axis, start: -1, end: -Infinity, step: -1 });
  const turns = ((k % 4) + 4) % 4;
  if (turns === 1) return swapAxes(op, flip(self, b), a, b);
  if (turns === 2) return flip(flip(self, a), b);
  return turns === 3 ? flip(swapAxes(op, self, a, b), b) : op.Identity([self]);
});

/** A vector (the last axis) onto a diagonal of two new axes. */
export function diagonalMatrix(op: AtenBuilder, self: Value, { offset = 0, dim1 = 0, dim2 = 1 }: Diagonal): Value {
  const rank = rankOf(self) + 1;
  const n = staticSize(op, shapeOf(self).at(-1)!, 'size');
  const size = n + Math.abs(offset);
  const [a, b] = [axisOf(op, dim1, rank), axisOf(op, dim2, rank)];
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== a && i !== b);
  const from = [...others, a, b];
  const placed = (matrix: Value): Value =>
    transpose(
      op,
      matrix,
      Array.from({ length: rank }, (_, i) => from.indexOf(i)),
    );
  if (n === 0) return placed(filledTensor(op, [...shapeOf(self).slice(0, -1), size, size], dtypeOf(self), 0));
  const [top, left] = [Math.max(0, -offset), Math.max(0, offset)];
  // Column j of the spread holds element j - left, on row j - left + top.
  const rows = Array.from({ length: size * size }, (_, i) => {
    const [r, c] = [Math.floor(i / size), i % size];
    return r - top === c - left && c - left >= 0 && c - left < n ? 0 : 1;
  });
  const columns = op.Gather(
    [self, op.ints(Array.from({ length: size }, (_, c) => Math.min(Math.max(c - left, 0), n - 1)))],
    { axis: rankOf(self) - 1 },
  );
  // The diagonal last: there Where keeps -0.
  const matrix = op.Where([
    op.tensor('bool', [size, size], rows),
    op.scalar(dtypeOf(self), 0),
    unsqueeze(op, columns, [rankOf(self) - 1]),
  ]);
  return placed(matrix);
}
export const diag_embed = aten(
  'aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor',
  (op, a) => diagonalMatrix(op, a.self, a),
);
export const diagflat = aten('aten::diagflat(Tensor self, int offset=0) -> Tensor', (op, { self, offset }) =>
  diagonalMatrix(op, reshape(op, self, [mulDims(...shapeOf(self))]), { offset }),
);

export const linalg_norm = aten(
  'aten::linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, ord, dim, keepdim, dtype }) => {
    const x = cast(op, self, dtype ?? dtypeOf(self));
    const axes = axesOf(op, x, dim);
    if (ord === null) return reduce(op, 'ReduceL2', x, { axes, keepdim });
    if (dim === null ? rankOf(x) === 1 : dim.length === 1)
      return vectorNorm(op, x, Number(ord.value), { axes, keepdim });
    return matrixNorm(op, x, Number(ord.value), { dim: dim ?? [-2, -1], keepdim });
  },
);

/** The sum over axes that were broadcast. */
export const sum_to_size = aten('aten::sum_to_size(Tensor self, SymInt[] size) -> Tensor', (op, { self, size }) => {
  const lead = rankOf(self) - size.length;
  const axes = shapeOf(self)
    .map((_, i) => i)
    .filter((i) => i < lead || (size[i - lead] === 1 && shapeOf(self)[i] !== 1));
  return axes.length === 0 && size.length > 0
    ? op.Identity([self])
    : reshape(op, reduce(op, 'ReduceSum', cast(op, self, sumDtype(self, null)), { axes, keepdim: true }), size);
});

/** The p-norm along the last axis; p = 0 counts what differs, and NaN is not counted but carried. */
export function distanceNorm(op: AtenBuilder, d: Value, p: number): Value {
  const along = { axes: [rankOf(d) - 1] };
  if (p !== 0) return vectorNorm(op, d, p, along);
  return reduce(op, 'ReduceSum', op.Min([op.Ceil([op.Abs([d])]), op.scalar(dtypeOf(d), 1)]), along);
}

/** Distances between rows: |a|^2 + |b|^2 - 2ab loses digits, so the differences are taken. */
function distances(
  op: AtenBuilder,
  { x1, x2, p }: { readonly x1: Value; readonly x2: Value; readonly p: number },
): Value {
  const d = op.Sub([unsqueeze(op, x1, [rankOf(x1) - 1]), unsqueeze(op, x2, [rankOf(x2) - 2])]);
  return distanceNorm(op, d, p);
}
export const cdist = [
  ...aten('aten::cdist(Tensor x1, Tensor x2, float p=2, int? compute_mode=None) -> Tensor', distances),
  ...aten('aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor', distances),
  ...aten('aten::_euclidean_dist(Tensor x1, Tensor x2) -> Tensor', (op, a) => distances(op, { ...a, p: 2 })),
];

export const cartesian_prod = aten('aten::cartesian_prod(Tensor[] tensors) -> Tensor', (op, { tensors }) => {
  if (tensors.length === 1) return op.Identity([tensors[0]!]);
  const sizes = tensors.map((t) => shapeOf(t)[0]!);
  const columns = tensors.map((t, i) => {
    const spread = reshape(
      op,
      t,
      sizes.map((d, j) => (i === j ? d : 1)),
    );
    return reshape(op, op.Expand([spread, op.dims(sizes)]), [mulDims(...sizes), 1]);
  });
  return op.Concat(columns, { axis: 1 });
});
