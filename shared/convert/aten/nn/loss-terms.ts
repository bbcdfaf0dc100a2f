/** What losses are made of: a number of their type, the positive part, and the reduction at the end. */
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { shapeOf } from '../../shape.ts';
import { reduce } from '../reduce/reduction.ts';

/** 0: none, 1: mean, 2: sum. */
export function reduced(op: AtenBuilder, x: Value, reduction: number): Value {
  if (reduction === 0) return x;
  return reduce(op, reduction === 1 ? 'ReduceMean' : 'ReduceSum', x, { axes: shapeOf(x).map((_, i) => i) });
}
export const num = (op: AtenBuilder, like: Value, value: number): Value => op.scalar(dtypeOf(like), value);
export const positive = (op: AtenBuilder, x: Value): Value => op.Max([x, num(op, x, 0)]);
