/** ATen's LU factors with pivots, and what is solved by them. */
import { type Dim, isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type Converted } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { repeated } from '../../repeated.ts';
import { expandTo, rankOf, shapeOf, squeeze, unsqueeze } from '../../shape.ts';
import {
  columnAt,
  columnNumbers,
  count,
  flipped,
  luFactors,
  rowAt,
  rowNumbers,
  sizesOf,
  solutionBy,
  squareOf,
  triangularSolution,
} from './factorization.ts';
import { commonBatch, double, like, zeroPivot } from './linear-systems.ts';

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
