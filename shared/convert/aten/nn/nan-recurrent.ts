/** NaN through recurrent layers, whose kernels bound what their activations take and give numbers for it. */
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { unsqueeze } from '../../shape.ts';

interface Layer {
  /** (seq, batch, features). */
  readonly x: Value;
  /** (directions, batch, hidden) each; the hidden state first. */
  readonly initial: readonly Value[];
  readonly directions: number;
}

/**
 * Results of a layer, (seq, directions, batch, hidden) and the last states, with NaN from the step on that meets it:
 * each gate sums over all features, and each step over all of the one before.
 */
export function withNaN(op: AtenBuilder, [y, ...last]: readonly Value[], { x, initial, directions }: Layer): Value[] {
  if (!isMet(FAULTS.numbersForNaN, dtypeOf(x)) || !op.aten.carriesNaN()) return [y!, ...last];
  const marks = (v: Value): Value =>
    op.ReduceMax([op.Cast([op.IsNaN([v])], { to: 'int32' }), op.ints([-1])], { keepdims: 1 });
  const steps = unsqueeze(op, marks(x), [1]);
  const along = (reverse: number): Value => op.CumSum([steps, op.scalar('int64', 0)], { reverse });
  const met = directions === 1 ? along(0) : op.Concat([along(0), along(1)], { axis: 1 });
  const states = initial.map(marks).reduce((a, b) => op.Add([a, b]));
  const replaced = (v: Value, count: Value): Value =>
    op.Where([op.Greater([count, op.scalar('int32', 0)]), op.scalar(dtypeOf(v), NaN), v]);
  const any = op.Add([op.ReduceMax([met, op.ints([0])], { keepdims: 0 }), states]);
  return [replaced(y!, op.Add([met, unsqueeze(op, states, [0])])), ...last.map((v) => replaced(v, any))];
}
