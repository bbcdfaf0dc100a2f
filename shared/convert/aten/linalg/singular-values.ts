/** Singular values by one-sided Jacobi rotations in double: columns are turned in pairs until all are orthogonal. */
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { repeated } from '../../repeated.ts';
import { num } from '../../series.ts';
import { expandTo, filledTensor, rankOf } from '../../shape.ts';
import { topNumbers } from '../../top-numbers.ts';
import { columnNumbers, count, flipped, identityMatrix, rowNumbers, sizesOf } from './factorization.ts';

/** Rotations converge quadratically after a few sweeps; this is more than the largest allowed size needs. */
const SWEEPS = 14;
const LARGEST = 64;

interface Schedule {
  /** (rounds, n): columns in the order first partners, second partners, the one that rests. */
  readonly order: Value;
  /** The way back. */
  readonly back: Value;
  readonly rounds: number;
}

/** A round-robin tournament: in n - 1 (or n) rounds every column meets every other one. */
function schedule(op: AtenBuilder, n: number): Schedule {
  const players = n % 2 ? n + 1 : n;
  const rounds = count(Math.max(1, players - 1)).map((round) => {
    const seats = count(players).map((i) => (i === 0 ? 0 : ((i - 1 + round) % (players - 1)) + 1));
    const pairs = count(players / 2).map((i) => [seats[i]!, seats[players - 1 - i]!] as const);
    const playing = pairs.filter(([p, q]) => p < n && q < n);
    const resting = pairs
      .filter(([p, q]) => p >= n || q >= n)
      .flat()
      .filter((c) => c < n);
    return [...playing.map(([p]) => p), ...playing.map(([, q]) => q), ...resting];
  });
  const back = rounds.map((order) => count(n).map((c) => order.indexOf(c)));
  return {
    order: op.tensor('int64', [rounds.length, n], rounds.flat()),
    back: op.tensor('int64', [rounds.length, n], back.flat()),
    rounds: rounds.length,
  };
}

const sumOfRows = (op: AtenBuilder, a: Value): Value => op.ReduceSum([a, op.ints([rankOf(a) - 2])], { keepdims: 1 });

/** Cosine and sine of the turn that makes the columns p and q orthogonal; no turn where they are. */
function turn(op: AtenBuilder, p: Value, q: Value): { cosine: Value; sine: Value } {
  const [alpha, beta, gamma] = [
    sumOfRows(op, op.Mul([p, p])),
    sumOfRows(op, op.Mul([q, q])),
    sumOfRows(op, op.Mul([p, q])),
  ];
  const needed = op.Greater([op.Abs([gamma]), op.Mul([op.Mul([op.Sqrt([alpha]), op.Sqrt([beta])]), num(op, 1e-16)])]);
  const one = num(op, 1);
  const slope = op.Div([op.Sub([beta, alpha]), op.Mul([op.Where([needed, gamma, one]), num(op, 2)])]);
  const size = op.Reciprocal([op.Add([op.Abs([slope]), op.Sqrt([op.Add([op.Mul([slope, slope]), one])])])]);
  const tangent = op.Where([needed, op.Where([op.Less([slope, num(op, 0)]), op.Neg([size]), size]), num(op, 0)]);
  const cosine = op.Reciprocal([op.Sqrt([op.Add([op.Mul([tangent, tangent]), one])])]);
  return { cosine, sine: op.Mul([cosine, tangent]) };
}

export interface Orthogonalized {
  /** A V: orthogonal columns, whose lengths are the singular values. */
  readonly columns: Value;
  readonly v: Value;
  /** (..., 1, n), in no order. */
  readonly values: Value;
}

/** For matrices (double) with at least as many rows as columns. */
export function orthogonalized(op: AtenBuilder, a: Value): Orthogonalized {
  const { batch, columns: n } = sizesOf(op, a);
  if (n > LARGEST) return op.aten.refuse('self', `${n} singular values`, `at most ${LARGEST}`);
  const { order, back, rounds } = schedule(op, n);
  const half = Math.floor(n / 2);
  const start = expandTo(op, identityMatrix(op, n), [...batch, n, n]);
  const [columns, v] = repeated(
    op,
    { name: 'jacobi', count: n < 2 ? 0 : SWEEPS * rounds, values: [op.Identity([a]), start] },
    (body, step, values) => {
      const round = body.Mod([step, op.scalar('int64', rounds)]);
      const [there, home] = [order, back].map((table) => body.Gather([table, round], { axis: 0 })) as [Value, Value];
      const axis = batch.length + 1;
      const lots = n % 2 ? [half, half, 1] : [half, half];
      const parts = values.map((m) =>
        body.Split([body.Gather([m, there], { axis }), op.ints(lots)], { axis }, lots.length),
      );
      const { cosine, sine } = turn(body, parts[0]![0]!, parts[0]![1]!);
      return parts.map(([p, q, rest]) => {
        const turned = [
          body.Sub([body.Mul([cosine, p!]), body.Mul([sine, q!])]),
          body.Add([body.Mul([sine, p!]), body.Mul([cosine, q!])]),
        ];
        return body.Gather([body.Concat(rest ? [...turned, rest] : turned, { axis }), home], { axis });
      });
    },
  ) as [Value, Value];
  return { columns, v, values: op.Sqrt([sumOfRows(op, op.Mul([columns, columns]))]) };
}

/** Descending, as the last axis. */
export function singularValues(op: AtenBuilder, a: Value): Value {
  const { batch, rows, columns } = sizesOf(op, a);
  const n = Math.min(rows, columns);
  if (n === 0) return filledTensor(op, [...batch, 0], 'float64', 0);
  const { values } = orthogonalized(op, rows < columns ? flipped(op, a) : a);
  const axis = rankOf(a) - 2;
  return topNumbers(op, op.Squeeze([values, op.ints([axis])]), { axis, k: op.ints([n]), descending: true })[0];
}

/** The matrix whose lower (or upper) half this is. */
export function symmetric(op: AtenBuilder, a: Value, { lower }: { readonly lower: boolean }): Value {
  const { rows: n } = sizesOf(op, a);
  const [i, j] = [rowNumbers(op, n), columnNumbers(op, n)];
  return op.Where([lower ? op.GreaterOrEqual([i, j]) : op.LessOrEqual([i, j]), a, flipped(op, a)]);
}

/** Ascending. Moved up by its norm a symmetric matrix has singular values for eigenvalues. */
export function symmetricEigenvalues(op: AtenBuilder, a: Value): Value {
  const { batch, rows: n } = sizesOf(op, a);
  if (n === 0) return filledTensor(op, [...batch, 0], 'float64', 0);
  const rank = rankOf(a);
  const shift = op.Sqrt([op.ReduceSum([op.Mul([a, a]), op.ints([rank - 2, rank - 1])], { keepdims: 1 })]);
  const moved = op.Add([a, op.Mul([shift, identityMatrix(op, n)])]);
  const values = op.Sub([orthogonalized(op, moved).values, shift]);
  const axis = rank - 2;
  return topNumbers(op, op.Squeeze([values, op.ints([axis])]), { axis, k: op.ints([n]), descending: false })[0];
}
