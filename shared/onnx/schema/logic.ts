/** Comparisons, boolean and bitwise operators, and the choice between two tensors. */
import type { Dim } from '../../tensor/dim.ts';
import { isInteger } from '../../tensor/dtype.ts';
import type { OpCall, OpRow } from './row.ts';
import { broadcast, broadcastInputs, commonDtype, requireDtype, typed, vectorContent } from './shape-rules.ts';

const comparison = (since: readonly number[]): OpRow => ({
  since,
  inputs: 'A B',
  outputs: 'C',
  infer: broadcast('bool'),
});
const boolean = (since: readonly number[]): OpRow => ({
  since,
  inputs: 'A B',
  outputs: 'C',
  infer: (c) => {
    requireDtype(c, 0, 'bool');
    return broadcast()(c);
  },
});
const bitwise: OpRow = {
  since: [18],
  inputs: 'A B',
  outputs: 'C',
  infer: (c) => {
    if (!isInteger(c.dtypeOf(0))) throw new Error(`${c.op} takes integers, not ${c.dtypeOf(0)}`);
    return broadcast()(c);
  },
};

export const LOGIC = {
  Equal: comparison([1, 7, 11, 13, 19]),
  Less: comparison([1, 7, 9, 13]),
  LessOrEqual: comparison([12, 16]),
  Greater: comparison([1, 7, 9, 13]),
  GreaterOrEqual: comparison([12, 16]),
  And: boolean([1, 7]),
  Or: boolean([1, 7]),
  Xor: boolean([1, 7]),
  BitwiseAnd: bitwise,
  BitwiseOr: bitwise,
  BitwiseXor: bitwise,
  Where: {
    since: [9, 16],
    inputs: 'condition X Y',
    outputs: 'output',
    infer: (c) => {
      requireDtype(c, 0, 'bool');
      return typed(commonDtype(c, [1, 2]), broadcastInputs(c), chosen(c));
    },
  },
} as const satisfies Record<string, OpRow>;

function chosen(c: OpCall): Dim[] | null {
  const condition = c.rank(0) <= 1 ? c.numbers(0) : null;
  const [x, y] = [vectorContent(c, 1), vectorContent(c, 2)];
  if (!condition || !x || !y) return null;
  const lengths = [condition.length, x.length, y.length].filter((n) => n !== 1);
  if (lengths.some((n) => n !== lengths[0])) return null;
  const at = <T>(list: readonly T[], i: number): T => list[list.length === 1 ? 0 : i]!;
  return Array.from({ length: lengths[0] ?? 1 }, (_, i) => (at(condition, i) ? at(x, i) : at(y, i)));
}
