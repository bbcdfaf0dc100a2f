/**
 * Factors of matrices, column by column in double: LU with partial pivoting, Cholesky, triangular systems. Sizes of
 * matrices are fixed, batches are free.
 */
import { type Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { repeated } from '../../repeated.ts';
import { num } from '../../series.ts';
import { expandTo, filledTensor, rankOf, shapeOf, staticSize, transpose, unsqueeze } from '../../shape.ts';

export interface Sizes {
  readonly batch: readonly Dim[];
  readonly rows: number;
  readonly columns: number;
}

export function sizesOf(op: AtenBuilder, a: Value): Sizes {
  const shape = shapeOf(a);
  if (shape.length < 2) return op.aten.refuse('A', `${shape.length} dimensions`, 'matrices');
  return {
    batch: shape.slice(0, -2),
    rows: staticSize(op, shape.at(-2)!, 'rows'),
    columns: staticSize(op, shape.at(-1)!, 'columns'),
  };
}

export function squareOf(op: AtenBuilder, a: Value): Sizes {
  const sizes = sizesOf(op, a);
  return sizes.rows === sizes.columns
    ? sizes
    : op.aten.refuse('A', `${sizes.rows} x ${sizes.columns}`, 'square matrices');
}

export const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const rowNumbers = (op: AtenBuilder, n: number): Value => op.tensor('int64', [n, 1], count(n));
export const columnNumbers = (op: AtenBuilder, n: number): Value => op.tensor('int64', [1, n], count(n));
export const identityMatrix = (op: AtenBuilder, n: number): Value =>
  op.tensor(
    'float64',
    [n, n],
    count(n * n).map((i) => (i % (n + 1) === 0 ? 1 : 0)),
  );
export const flipped = (op: AtenBuilder, a: Value): Value => {
  const r = rankOf(a);
  return transpose(op, a, [...count(r - 2), r - 1, r - 2]);
};

/** Row or column `k` of matrices, its axis kept as 1. */
export const rowAt = (op: AtenBuilder, a: Value, k: Value): Value =>
  unsqueeze(op, op.Gather([a, k], { axis: rankOf(a) - 2 }), [rankOf(a) - 2]);
export const columnAt = (op: AtenBuilder, a: Value, k: Value): Value =>
  unsqueeze(op, op.Gather([a, k], { axis: rankOf(a) - 1 }), [rankOf(a) - 1]);
const sumOfRows = (op: AtenBuilder, a: Value): Value => op.ReduceSum([a, op.ints([rankOf(a) - 2])], { keepdims: 1 });

/** The diagonal, as the last axis. */
export function diagonalValues(op: AtenBuilder, a: Value): Value {
  const { rows, columns } = sizesOf(op, a);
  const n = Math.min(rows, columns);
  const mask = op.Equal([rowNumbers(op, rows), columnNumbers(op, columns)]);
  const all = op.ReduceSum([op.Where([mask, a, num(op, 0)]), op.ints([rankOf(a) - 2])], { keepdims: 0 });
  return op.Gather([all, op.ints(count(n))], { axis: rankOf(a) - 2 });
}

export interface Factors {
  /** U on and above the diagonal, L below. */
  readonly lu: Value;
  /** The row that was exchanged with row k, from 0: (..., 1, min(rows, columns)). */
  readonly pivots: Value;
  /** Which row of the matrix became row i: (..., rows, 1). */
  readonly order: Value;
  /** 1 or -1 (..., 1, 1): whether rows were exchanged an even number of times. */
  readonly sign: Value;
}

/**
 * As LAPACK: the largest element of the column below the diagonal, the first of equal ones; a column of zeros stays.
 */
export function luFactors(op: AtenBuilder, a: Value): Factors {
  const { batch, rows, columns } = sizesOf(op, a);
  const depth = Math.min(rows, columns);
  const [i, j] = [rowNumbers(op, rows), columnNumbers(op, columns)];
  const order = expandTo(op, i, [...batch, rows, 1]);
  const pivots = filledTensor(op, [...batch, 1, depth], 'int64', 0);
  const sign = filledTensor(op, [...batch, 1, 1], 'float64', 1);
  const axis = batch.length;
  const results = repeated(
    op,
    { name: 'lu', count: depth, values: [a, order, pivots, sign] },
    (body, k, [m, perm, chosen, parity]) => {
      const candidates = body.Where([body.GreaterOrEqual([i, k]), body.Abs([columnAt(body, m!, k)]), num(op, -1)]);
      const p = body.ArgMax([candidates], { axis, keepdims: 1 });
      const [isK, isP] = [body.Equal([i, k]), body.Equal([i, p])];
      const exchange = (v: Value, zero: Value): Value =>
        body.Where([isK, sumOfRows(body, body.Where([isP, v, zero])), body.Where([isP, rowAt(body, v, k), v])]);
      const swapped = exchange(m!, num(op, 0));
      const row = rowAt(body, swapped, k);
      const pivot = columnAt(body, row, k);
      const below = body.Greater([i, k]);
      const usable = body.And([below, body.Not([body.Equal([pivot, num(op, 0)])])]);
      const factor = body.Where([usable, body.Div([columnAt(body, swapped, k), pivot]), num(op, 0)]);
      const reduced = body.Sub([swapped, body.Mul([factor, body.Where([body.Greater([j, k]), row, num(op, 0)])])]);
      const next = body.Where([body.And([below, body.Equal([j, k])]), factor, reduced]);
      const here = body.Equal([columnNumbers(op, depth), k]);
      return [
        next,
        exchange(perm!, op.scalar('int64', 0)),
        body.Where([here, p, chosen!]),
        body.Where([body.Equal([p, k]), parity!, body.Neg([parity!])]),
      ];
    },
  );
  return { lu: results[0]!, order: results[1]!, pivots: results[2]!, sign: results[3]! };
}

/** Rows of `b` in the order of the factors. */
export function reordered(op: AtenBuilder, b: Value, order: Value): Value {
  const n = shapeOf(order).at(-2) as number;
  // (..., n, n): one in every row, where the row comes from.
  const matrix = op.Cast([op.Equal([order, columnNumbers(op, n)])], { to: 'float64' });
  return op.MatMul([matrix, b]);
}

export interface Triangle {
  readonly upper: boolean;
  /** Ones on the diagonal, whatever stands there. */
  readonly unit: boolean;
}

/** X of T X = B, row by row; what stands on the other side of the diagonal is not read. */
export function triangularSolution(op: AtenBuilder, t: Value, b: Value, { upper, unit }: Triangle): Value {
  const n = shapeOf(t).at(-1) as number;
  const [i, j] = [rowNumbers(op, n), columnNumbers(op, n)];
  const batch = op.MatMul([t, b]).type!.shape;
  const start = filledTensor(op, batch, 'float64', 0);
  const right = expandTo(op, b, batch);
  return repeated(op, { name: 'triangle', count: n, values: [start] }, (body, step, [x]) => {
    const k = upper ? body.Sub([op.scalar('int64', n - 1), step]) : step;
    const row = rowAt(body, t, k);
    const known = body.Where([upper ? body.Greater([j, k]) : body.Less([j, k]), row, num(op, 0)]);
    const rest = body.Sub([rowAt(body, right, k), body.MatMul([known, x!])]);
    return [body.Where([body.Equal([i, k]), unit ? rest : body.Div([rest, columnAt(body, row, k)]), x!])];
  })[0]!;
}

/** X of A X = B from A's factors. */
export function solutionBy(op: AtenBuilder, { lu, order }: Pick<Factors, 'lu' | 'order'>, b: Value): Value {
  const y = triangularSolution(op, lu, reordered(op, b, order), { upper: false, unit: true });
  return triangularSolution(op, lu, y, { upper: true, unit: false });
}

/** L of L Lᵀ = A, column by column; only the lower half of A is read. NaN where A is not positive definite. */
export function choleskyFactor(op: AtenBuilder, a: Value): Value {
  const { rows: n, batch } = squareOf(op, a);
  const [i, j] = [rowNumbers(op, n), columnNumbers(op, n)];
  return repeated(
    op,
    { name: 'cholesky', count: n, values: [filledTensor(op, [...batch, n, n], 'float64', 0)] },
    (body, k, [l]) => {
      const rest = body.Sub([columnAt(body, a, k), body.MatMul([l!, flipped(body, rowAt(body, l!, k))])]);
      const root = body.Sqrt([rowAt(body, rest, k)]);
      const column = body.Where([
        body.Less([i, k]),
        num(op, 0),
        body.Where([body.Equal([i, k]), root, body.Div([rest, root])]),
      ]);
      return [body.Where([body.Equal([j, k]), column, l!])];
    },
  )[0]!;
}
