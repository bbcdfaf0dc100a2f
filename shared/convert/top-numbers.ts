/** The largest or smallest numbers along an axis, of rows that may be none. */
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';
import { shapeOf, slice } from './shape.ts';

export interface Top {
  readonly axis: number;
  /** How many, as a vector of one. */
  readonly k: Value;
  readonly descending: boolean;
}

/** As TopK, which stops the process where axes before `axis` are empty: those that may be are one element longer. */
export function topNumbers(op: AtenBuilder, x: Value, { axis, k, descending }: Top): [Value, Value] {
  const mayBeEmpty = shapeOf(x).flatMap((d, i) => (i < axis && op.aten.canBeZero(d) ? [i] : []));
  const longer = mayBeEmpty.reduce((v, i) => {
    const element = op.dims(shapeOf(v).map((d, at) => (at === i ? 1 : d)));
    return op.Concat([v, op.Expand([op.scalar(dtypeOf(x), 0), element])], { axis: i });
  }, x);
  const found = op.TopK([longer, k], { axis, largest: descending ? 1 : 0, sorted: 1 }, 2);
  return found.map((v) =>
    mayBeEmpty.reduce((cut, i) => slice(op, cut, { axis: i, start: 0, end: shapeOf(x)[i]! }), v),
  ) as [Value, Value];
}
