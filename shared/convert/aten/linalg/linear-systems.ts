/**
 * ATen determinants, inverses, solutions of linear systems and their factors. Singular matrices give infinities where
 * PyTorch raises an error.
 */
import { type Dim, isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type Converted } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { repeated } from '../../repeated.ts';
import { num } from '../../series.ts';
import { commonShape, expandTo, rankOf, reshape, shapeOf, squeeze, unsqueeze } from '../../shape.ts';
import {
  choleskyFactor,
  columnNumbers,
  columnAt,
  count,
  diagonalValues,
  flipped,
  identityMatrix,
  luFactors,
  rowAt,
  rowNumbers,
  sizesOf,
  solutionBy,
  squareOf,
  triangularSolution,
} from './factorization.ts';

export function double(op: AtenBuilder, a: Value): Value {
  if (!/^float(32|64)$/.test(dtypeOf(a))) return op.aten.refuse('A', dtypeOf(a), 'float32 or float64');
  return cast(op, a, 'float64');
}
const like = (op: AtenBuilder, x: Value, a: Value): Value => cast(op, x, dtypeOf(a));
const last = (x: Value): number => rankOf(x) - 1;
const overLast = (op: AtenBuilder, how: 'ReduceSum' | 'ReduceProd' | 'ReduceMax', x: Value): Value =>
  op[how]([x, op.ints([last(x)])], { keepdims: 0 });

/** The number (from 1) of the first element that fails, or 0. */
function firstFailure(op: AtenBuilder, failing: Value): Value {
  const n = shapeOf(failing).at(-1)!;
  if (n === 0) return op.Cast([overLast(op, 'ReduceSum', op.Cast([failing], { to: 'int64' }))], { to: 'int32' });
  const marks = op.Cast([failing], { to: 'int32' });
  const first = op.Add([
    op.Cast([op.ArgMax([marks], { axis: last(marks), keepdims: 0 })], { to: 'int32' }),
    op.scalar('int32', 1),
  ]);
  return op.Mul([first, overLast(op, 'ReduceMax', marks)]);
}
const zeroPivot = (op: AtenBuilder, lu: Value): Value =>
  firstFailure(op, op.Equal([diagonalValues(op, lu), num(op, 0)]));

function signAndLog(op: AtenBuilder, a: Value): Value[] {
  squareOf(op, a);
  const { lu, sign } = luFactors(op, double(op, a));
  const diagonal = diagonalValues(op, lu);
  const signs = op.Mul([
    overLast(op, 'ReduceProd', op.Sign([diagonal])),
    squeeze(op, sign, [rankOf(a) - 2, rankOf(a) - 1]),
  ]);
  return [signs, overLast(op, 'ReduceSum', op.Log([op.Abs([diagonal])]))];
}
export const det = aten(['aten::linalg_det(Tensor A) -> Tensor'], (op, { A }) => determinant(op, A));
export const detSelf = aten('aten::det(Tensor self) -> Tensor', (op, { self }) => determinant(op, self));
function determinant(op: AtenBuilder, a: Value): Value {
  squareOf(op, a);
  const { lu, sign } = luFactors(op, double(op, a));
  return like(
    op,
    op.Mul([overLast(op, 'ReduceProd', diagonalValues(op, lu)), squeeze(op, sign, [rankOf(a) - 2, rankOf(a) - 1])]),
    a,
  );
}
export const slogdet = [
  ...aten('aten::linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)', (op, { A }) =>
    signAndLog(op, A).map((v) => like(op, v, A)),
  ),
  ...aten('aten::slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)', (op, { self }) =>
    signAndLog(op, self).map((v) => like(op, v, self)),
  ),
];
/** NaN for negative determinants. */
export const logdet = aten('aten::logdet(Tensor self) -> Tensor', (op, { self }) => {
  const [sign, log] = signAndLog(op, self) as [Value, Value];
  return like(op, op.Where([op.Less([sign, num(op, 0)]), num(op, NaN), log]), self);
});

export function inverse(op: AtenBuilder, a: Value): { inverse: Value; info: Value } {
  const { batch, rows } = squareOf(op, a);
  const factors = luFactors(op, double(op, a));
  const solved = solutionBy(op, factors, expandTo(op, identityMatrix(op, rows), [...batch, rows, rows]));
  return { inverse: like(op, solved, a), info: zeroPivot(op, factors.lu) };
}
export const inv = aten('aten::linalg_inv(Tensor A) -> Tensor', (op, { A }) => inverse(op, A).inverse);
export const inverseSelf = aten('aten::inverse(Tensor self) -> Tensor', (op, { self }) => inverse(op, self).inverse);
export const inv_ex = aten(
  'aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)',
  (op, { A }) => Object.values(inverse(op, A)),
);

/** A right side of vectors, one for each matrix of the batch, rather than of matrices. */
const isVector = (a: Value, b: Value): boolean =>
  rankOf(b) === 1 || (rankOf(a) - 1 === rankOf(b) && shapeOf(b).every((d, i) => String(d) === String(shapeOf(a)[i])));

function solved(
  op: AtenBuilder,
  a: Value,
  b: Value,
  { left }: { readonly left: boolean },
): { solution: Value; info: Value } {
  squareOf(op, a);
  const vector = isVector(a, b);
  const right = vector ? unsqueeze(op, double(op, b), [rankOf(b)]) : double(op, b);
  const factors = luFactors(op, left ? double(op, a) : flipped(op, double(op, a)));
  const x = solutionBy(op, factors, left || vector ? right : flipped(op, right));
  const turned = left || vector ? x : flipped(op, x);
  return {
    solution: like(op, vector ? squeeze(op, turned, [rankOf(turned) - 1]) : turned, a),
    info: zeroPivot(op, factors.lu),
  };
}
export const solve = aten(
  'aten::linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor',
  (op, a) => solved(op, a.A, a.B, a).solution,
);
export const solve_ex = aten(
  'aten::linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)',
  (op, a) => Object.values(solved(op, a.A, a.B, a)),
);

function commonBatch(op: AtenBuilder, a: Value, b: Value): Value[] {
  const batch = commonShape(op, [shapeOf(a).slice(0, -2), shapeOf(b).slice(0, -2)]);
  return [a, b].map((v) => expandTo(op, v, [...batch, ...shapeOf(v).slice(-2)]));
}
export const solve_triangular = aten(
  'aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor',
  (op, { self, B, upper, left, unitriangular }) => {
    squareOf(op, self);
    const [a, b] = commonBatch(op, double(op, self), double(op, B)) as [Value, Value];
    // X A = B turned: Aᵀ Xᵀ = Bᵀ.
    const x = left
      ? triangularSolution(op, a, b, { upper, unit: unitriangular })
      : flipped(op, triangularSolution(op, flipped(op, a), flipped(op, b), { upper: !upper, unit: unitriangular }));
    return like(op, x, self);
  },
);
export const triangular_solve = aten(
  'aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)',
  (op, { self, A, upper, transpose, unitriangular }) => {
    squareOf(op, A);
    const [a, b] = commonBatch(op, double(op, A), double(op, self)) as [Value, Value];
    const x = triangularSolution(op, transpose ? flipped(op, a) : a, b, {
      upper: transpose ? !upper : upper,
      unit: unitriangular,
    });
    return [like(op, x, self), like(op, a, A)];
  },
);

function cholesky(op: AtenBuilder, a: Value, { upper }: { readonly upper: boolean }): { factor: Value; info: Value } {
  const given = double(op, a);
  const l = choleskyFactor(op, upper ? flipped(op, given) : given);
  const diagonal = diagonalValues(op, l);
  const info = firstFailure(op, op.Not([op.Greater([diagonal, num(op, 0)])]));
  return { factor: like(op, upper ? flipped(op, l) : l, a), info };
}
export const choleskyOf = aten(
  [
    'aten::cholesky(Tensor self, bool upper=False) -> Tensor',
    'aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor',
  ],
  (op, a) => cholesky(op, a.self, a).factor,
);
export const cholesky_ex = aten(
  'aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)',
  (op, a) => Object.values(cholesky(op, a.self, a)),
);

function choleskySolution(op: AtenBuilder, b: Value, factor: Value, { upper }: { readonly upper: boolean }): Value {
  const l = upper ? flipped(op, factor) : factor;
  const y = triangularSolution(op, l, b, { upper: false, unit: false });
  return triangularSolution(op, flipped(op, l), y, { upper: true, unit: false });
}
export const cholesky_solve = aten(
  'aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor',
  (op, { self, input2, upper }) => {
    squareOf(op, input2);
    const [l, b] = commonBatch(op, double(op, input2), double(op, self)) as [Value, Value];
    return like(op, choleskySolution(op, b, l, { upper }), self);
  },
);
export const cholesky_inverse = aten(
  'aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor',
  (op, { self, upper }) => {
    const { batch, rows } = squareOf(op, self);
    return like(
      op,
      choleskySolution(op, expandTo(op, identityMatrix(op, rows), [...batch, rows, rows]), double(op, self), { upper }),
      self,
    );
  },
);

interface Factored {
  readonly LU: Value;
  readonly pivots: Value;
  readonly info: Value;
}
function factored(op: AtenBuilder, a: Value, { pivot }: { readonly pivot: boolean }): Factored {
  if (!pivot) return op.aten.refuse('pivot', pivot, 'factors with pivoting');
  sizesOf(op, a);
  const { lu, pivots } = luFactors(op, double(op, a));
  const numbers = op.Add([op.Cast([squeeze(op, pivots, [rankOf(a) - 2])], { to: 'int32' }), op.scalar('int32', 1)]);
  return { LU: like(op, lu, a), pivots: numbers, info: zeroPivot(op, lu) };
}
export const lu_factor = [
  ...aten('aten::linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)', (op, a) =>
    Object.values(factored(op, a.A, a)).slice(0, 2),
  ),
  ...aten(
    'aten::linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots, Tensor info)',
    (op, a) => Object.values(factored(op, a.A, a)),
  ),
  ...aten(
    'aten::_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, Tensor pivots, Tensor info)',
    (op, a) => Object.values(factored(op, a.self, a)),
  ),
];

/** L and U from their common matrix. */
function parts(op: AtenBuilder, lu: Value): { L: Value; U: Value } {
  const { rows, columns } = sizesOf(op, lu);
  const depth = Math.min(rows, columns);
  const [axis, zero] = [rankOf(lu) - 1, op.scalar(dtypeOf(lu), 0)];
  const tall = op.Gather([lu, op.ints(count(depth))], { axis });
  const wide = op.Gather([lu, op.ints(count(depth))], { axis: axis - 1 });
  const compared = (n: number, m: number, how: 'Greater' | 'Equal' | 'LessOrEqual'): Value =>
    op[how]([rowNumbers(op, n), columnNumbers(op, m)]);
  const L = op.Where([
    compared(rows, depth, 'Greater'),
    tall,
    op.Where([compared(rows, depth, 'Equal'), op.scalar(dtypeOf(lu), 1), zero]),
  ]);
  return { L, U: op.Where([compared(depth, columns, 'LessOrEqual'), wide, zero]) };
}
/** Which rows of P A = L U: the transposed order is P of A = P L U. */
const permutation = (op: AtenBuilder, order: Value, n: number): Value =>
  op.Equal([flipped(op, order), rowNumbers(op, n)]);

export const lu = aten(
  'aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)',
  (op, { A, pivot }) => {
    if (!pivot) return op.aten.refuse('pivot', pivot, 'factors with pivoting');
    const { rows } = sizesOf(op, A);
    const factors = luFactors(op, double(op, A));
    const { L, U } = parts(op, factors.lu);
    return [op.Cast([permutation(op, factors.order, rows)], { to: dtypeOf(A) }), like(op, L, A), like(op, U, A)];
  },
);

/** The order of rows that exchanges leave: (..., rows, 1). */
function orderOf(op: AtenBuilder, pivots: Value, rows: number): Value {
  const batch: readonly Dim[] = shapeOf(pivots).slice(0, -1);
  const exchanges = shapeOf(pivots).at(-1)!;
  if (!isStatic(exchanges)) return op.aten.refuse('pivots', exchanges, 'a fixed number of pivots');
  const i = rowNumbers(op, rows);
  const from = unsqueeze(op, op.Sub([cast(op, pivots, 'int64'), op.scalar('int64', 1)]), [rankOf(pivots) - 1]);
  return repeated(
    op,
    { name: 'order', count: exchanges, values: [expandTo(op, i, [...batch, rows, 1])] },
    (body, k, [order]) => {
      const [isK, isP] = [body.Equal([i, k]), body.Equal([i, columnAt(body, from, k)])];
      const picked = body.ReduceSum([body.Where([isP, order!, op.scalar('int64', 0)]), op.ints([rankOf(order!) - 2])], {
        keepdims: 1,
      });
      return [body.Where([isK, picked, body.Where([isP, rowAt(body, order!, k), order!])])];
    },
  )[0]!;
}
export const lu_unpack = aten(
  'aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)',
  (op, { LU_data, LU_pivots, unpack_data, unpack_pivots }): Converted => {
    const { rows } = sizesOf(op, LU_data);
    const P = unpack_pivots
      ? op.Cast([permutation(op, orderOf(op, LU_pivots, rows), rows)], { to: dtypeOf(LU_data) })
      : null;
    const { L, U } = parts(op, LU_data);
    return unpack_data ? [P, L, U] : [P, null, null];
  },
);

interface LuSystem {
  readonly LU: Value;
  readonly pivots: Value;
  readonly B: Value;
  readonly left: boolean;
  readonly adjoint: boolean;
}

function luSolution(op: AtenBuilder, { LU: data, pivots, B: b, left, adjoint }: LuSystem): Value {
  const { rows } = squareOf(op, data);
  const [factors, right] = commonBatch(op, double(op, data), left ? double(op, b) : flipped(op, double(op, b))) as [
    Value,
    Value,
  ];
  const order = orderOf(op, pivots, rows);
  // Turned factors solve the turned system: Uᵀ first, then Lᵀ, then the rows go back.
  const straight = left !== adjoint;
  const x = straight ? solutionBy(op, { lu: factors, order }, right) : turnedSolution(op, factors, order, right);
  return like(op, left ? x : flipped(op, x), b);
}
function turnedSolution(op: AtenBuilder, factors: Value, order: Value, b: Value): Value {
  const turned = flipped(op, factors);
  const y = triangularSolution(op, turned, b, { upper: false, unit: false });
  const z = triangularSolution(op, turned, y, { upper: true, unit: true });
  const n = shapeOf(order).at(-2) as number;
  return op.MatMul([op.Cast([op.Equal([flipped(op, order), rowNumbers(op, n)])], { to: 'float64' }), z]);
}
export const lu_solve = aten(
  'aten::lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor',
  (op, { self, LU_data, LU_pivots }) =>
    luSolution(op, { LU: LU_data, pivots: LU_pivots, B: self, left: true, adjoint: false }),
);
export const linalg_lu_solve = aten(
  'aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor',
  (op, a) => luSolution(op, a),
);

const flatSize = (op: AtenBuilder, dims: readonly Dim[]): number =>
  dims.reduce<number>((n, d) => n * (isStatic(d) ? d : op.aten.refuse('self', String(d), 'fixed sizes')), 1);
export const tensorinv = aten('aten::linalg_tensorinv(Tensor self, int ind=2) -> Tensor', (op, { self, ind }) => {
  const shape = shapeOf(self);
  const [front, back] = [shape.slice(0, ind), shape.slice(ind)];
  return reshape(op, inverse(op, reshape(op, self, [flatSize(op, front), flatSize(op, back)])).inverse, [
    ...back,
    ...front,
  ]);
});
export const tensorsolve = aten(
  'aten::linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor',
  (op, { self, other, dims }) => {
    const rank = rankOf(self);
    const moved = (dims ?? []).map((d) => (d < 0 ? d + rank : d));
    const perm = [...count(rank).filter((i) => !moved.includes(i)), ...moved];
    const a = moved.length ? op.Transpose([self], { perm }) : self;
    const unknowns = shapeOf(a).slice(rankOf(other));
    const n = flatSize(op, unknowns);
    return reshape(op, solved(op, reshape(op, a, [n, n]), reshape(op, other, [n]), { left: true }).solution, unknowns);
  },
);
