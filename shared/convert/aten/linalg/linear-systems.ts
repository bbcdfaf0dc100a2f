/**
 * ATen determinants, inverses and solutions of linear systems. Singular matrices give infinities where
 * PyTorch raises an error.
 */
import { type Dim, isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { num } from '../../series.ts';
import { commonShape, expandTo, rankOf, reshape, shapeOf, squeeze, unsqueeze } from '../../shape.ts';
import {
  count,
  diagonalValues,
  flipped,
  identityMatrix,
  luFactors,
  solutionBy,
  squareOf,
  triangularSolution,
} from './factorization.ts';

export function double(op: AtenBuilder, a: Value): Value {
  if (!/^float(32|64)$/.test(dtypeOf(a))) return op.aten.refuse('A', dtypeOf(a), 'float32 or float64');
  return cast(op, a, 'float64');
}
export const like = (op: AtenBuilder, x: Value, a: Value): Value => cast(op, x, dtypeOf(a));
const last = (x: Value): number => rankOf(x) - 1;
const overLast = (op: AtenBuilder, how: 'ReduceSum' | 'ReduceProd' | 'ReduceMax', x: Value): Value =>
  op[how]([x, op.ints([last(x)])], { keepdims: 0 });

/** The number (from 1) of the first element that fails, or 0. */
export function firstFailure(op: AtenBuilder, failing: Value): Value {
  const n = shapeOf(failing).at(-1)!;
  if (n === 0) return op.Cast([overLast(op, 'ReduceSum', op.Cast([failing], { to: 'int64' }))], { to: 'int32' });
  const marks = op.Cast([failing], { to: 'int32' });
  const first = op.Add([
    op.Cast([op.ArgMax([marks], { axis: last(marks), keepdims: 0 })], { to: 'int32' }),
    op.scalar('int32', 1),
  ]);
  return op.Mul([first, overLast(op, 'ReduceMax', marks)]);
}
export const zeroPivot = (op: AtenBuilder, lu: Value): Value =>
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

export function commonBatch(op: AtenBuilder, a: Value, b: Value): Value[] {
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
