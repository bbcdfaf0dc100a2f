/** ATen operators that put tensors together by positions known when the model is converted. */
import { mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf, promoted } from '../../promote.ts';
import {
  axisOf,
  filledTensor,
  rankOf,
  reshape,
  shapeOf,
  slice,
  staticSize,
  staticSizes,
  unsqueeze,
} from '../../shape.ts';
import { product } from '../elementwise/arithmetic.ts';
import { diagonalMatrix } from '../linalg/geometry.ts';
import { diagonalOf } from '../shape/window.ts';

/** A vector becomes a diagonal, a matrix gives its own. */
export const diag = aten('aten::diag(Tensor self, int diagonal=0) -> Tensor', (op, { self, diagonal }) =>
  rankOf(self) === 1 ? diagonalMatrix(op, self, { offset: diagonal }) : diagonalOf(op, self, { offset: diagonal }),
);

/** Matrices along a diagonal; numbers and vectors count as one row. */
export const block_diag = aten('aten::block_diag(Tensor[] tensors) -> Tensor', (op, { tensors }) => {
  const blocks = promoted(op, tensors).map((t) => (rankOf(t) === 2 ? t : reshape(op, t, [1, mulDims(...shapeOf(t))])));
  const widths = blocks.map((b) => staticSizes(op, b, 'size')[1]!);
  const total = widths.reduce((a, b) => a + b, 0);
  const dtype = dtypeOf(blocks[0]!);
  let left = 0;
  const rows = blocks.map((b, i) => {
    const height = shapeOf(b)[0]!;
    const sides = [left, total - left - widths[i]!].map((w) =>
      w > 0 ? [filledTensor(op, [height, w], dtype, 0)] : [],
    ) as [Value[], Value[]];
    left += widths[i]!;
    return op.Concat([...sides[0], b, ...sides[1]], { axis: 1 });
  });
  return op.Concat(rows, { axis: 0 });
});

/** Each tensor padded to whole chunks along `dim`, its chunks flattened, the chunks of all joined. */
export const _chunk_cat = aten(
  'aten::_chunk_cat(Tensor[] tensors, int dim, int num_chunks) -> Tensor',
  (op, { tensors, dim, num_chunks }) => {
    const axis = axisOf(op, dim, rankOf(tensors[0]!));
    const parts = tensors.map((t) => {
      const sizes = staticSizes(op, t, 'size');
      const missing = Math.ceil(sizes[axis]! / num_chunks) * num_chunks - sizes[axis]!;
      const zeros = filledTensor(
        op,
        sizes.map((d, i) => (i === axis ? missing : d)),
        dtypeOf(t),
        0,
      );
      const whole = missing ? op.Concat([t, zeros], { axis }) : t;
      const rest = sizes.slice(axis + 1).reduce((a, b) => a * b, (sizes[axis]! + missing) / num_chunks);
      return reshape(op, whole, [...sizes.slice(0, axis), num_chunks, rest]);
    });
    return op.Concat(parts, { axis: axis + 1 });
  },
);

function choices(n: number, r: number, { again }: { readonly again: boolean }): number[][] {
  const all: number[][] = [];
  const extend = (chosen: readonly number[]): void => {
    if (chosen.length === r) all.push([...chosen]);
    else for (let i = chosen.length ? chosen.at(-1)! + (again ? 0 : 1) : 0; i < n; i++) extend([...chosen, i]);
  };
  extend([]);
  return all;
}
export const combinations = aten(
  'aten::combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor',
  (op, { self, r, with_replacement }) => {
    if (r === 0) return filledTensor(op, [0], dtypeOf(self), 0);
    const n = staticSize(op, shapeOf(self)[0]!, 'size');
    if (n ** r > 1e6) return op.aten.refuse('r', r, 'at most a million rows before repetitions are left out');
    const rows = choices(n, r, { again: with_replacement });
    const chosen = op.Gather([self, op.tensor('int64', [rows.length, r], rows.flat())], { axis: 0 });
    // PyTorch selects by a mask and so records a number of rows that it does not know.
    chosen.type = { dtype: dtypeOf(self), shape: [op.unknownDim(), r] };
    return chosen;
  },
);

/** 1, x, x^2, ... along a new last axis. */
function powers(
  op: AtenBuilder,
  x: Value,
  { count, increasing }: { readonly count: number; readonly increasing: boolean },
): Value {
  const dtype = dtypeOf(x);
  if (count === 0) return filledTensor(op, [...shapeOf(x), 0], dtype, 0);
  const columns: Value[] = [filledTensor(op, shapeOf(x), dtype, 1)];
  while (columns.length < count) columns.push(columns.length === 1 ? x : product(op, columns.at(-1)!, x));
  return op.Concat(
    (increasing ? columns : columns.reverse()).map((c) => unsqueeze(op, c, [rankOf(x)])),
    { axis: rankOf(x) },
  );
}
/** Integers multiply in int64. */
export const vander = aten(
  'aten::vander(Tensor x, int? N=None, bool increasing=False) -> Tensor',
  (op, { x, N, increasing }) =>
    powers(op, isFloat(dtypeOf(x)) ? x : cast(op, x, 'int64'), {
      count: N ?? staticSize(op, shapeOf(x)[0]!, 'N'),
      increasing,
    }),
);
export const linalg_vander = aten('aten::linalg_vander(Tensor x, *, SymInt? N=None) -> Tensor', (op, { x, N }) => {
  const points = rankOf(x) === 0 ? reshape(op, x, [1]) : x;
  const count = staticSize(op, N ?? shapeOf(points).at(-1)!, 'N');
  return powers(op, isFloat(dtypeOf(x)) ? points : cast(op, points, dtypeOf(x) === 'bool' ? DEFAULT_FLOAT : 'int64'), {
    count,
    increasing: true,
  });
});

interface Triangle {
  readonly row: number;
  readonly col: number;
  readonly keep: (r: number, c: number) => boolean;
  readonly dtype: 'int32' | 'int64';
}

function triangleIndices(op: AtenBuilder, { row, col, keep, dtype }: Triangle): Value {
  const cells = Array.from({ length: row * col }, (_, i) => [Math.floor(i / col), i % col] as const).filter(([r, c]) =>
    keep(r, c),
  );
  return op.Identity([op.tensor(dtype, [2, cells.length], [...cells.map(([r]) => r), ...cells.map(([, c]) => c)])]);
}
// The default torch.int64 is printed as its number, 4.
const INDEX_OPTIONS = 'ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None';
export const tril_indices = aten(
  `aten::tril_indices(int row, int col, int offset=0, *, ${INDEX_OPTIONS}) -> Tensor`,
  (op, { row, col, offset, dtype }) =>
    triangleIndices(op, { row, col, keep: (r, c) => c <= r + offset, dtype: dtype === 'int32' ? 'int32' : 'int64' }),
);
export const triu_indices = aten(
  `aten::triu_indices(int row, int col, int offset=0, *, ${INDEX_OPTIONS}) -> Tensor`,
  (op, { row, col, offset, dtype }) =>
    triangleIndices(op, { row, col, keep: (r, c) => c >= r + offset, dtype: dtype === 'int32' ? 'int32' : 'int64' }),
);

/** The places of what is not zero, cut or filled up to `size` rows. */
export const nonzero_static = aten(
  'aten::nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor',
  (op, { self, size, fill_value }) => {
    const rank = rankOf(self);
    if (rank === 0) return filledTensor(op, [size, 0], 'int64', fill_value);
    const places = op.Transpose([op.NonZero([self])], { perm: [1, 0] });
    const filled = op.Concat([places, filledTensor(op, [size, rank], 'int64', fill_value)], { axis: 0 });
    const rows = slice(op, filled, { axis: 0, start: 0, end: size });
    rows.type = { dtype: 'int64', shape: [size, rank] };
    return rows;
  },
);
/** One vector of positions for each axis. */
function positions(op: AtenBuilder, self: Value): Value[] {
  const places = op.NonZero([rankOf(self) === 0 ? reshape(op, self, [1]) : self]);
  return Array.from({ length: Math.max(1, rankOf(self)) }, (_, i) =>
    op.Gather([places, op.scalar('int64', i)], { axis: 0 }),
  );
}
export const nonzero_numpy = [
  ...aten('aten::nonzero_numpy(Tensor self) -> Tensor[]', (op, { self }) => positions(op, self)),
  ...aten('aten::where(Tensor condition) -> Tensor[]', (op, { condition }) => positions(op, condition)),
];
