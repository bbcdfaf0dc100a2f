/** The largest or smallest elements along an axis, and NaN among them. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { type Top, topNumbers } from '../../top-numbers.ts';

/**
 * Values and the places they come from, in order; equal numbers in the order of their places. To PyTorch NaN is above
 * all numbers; TopK puts it anywhere, and numbers beside it.
 */
export function top(op: AtenBuilder, self: Value, request: Top): Value[] {
  const { axis } = request;
  if (!isFloat(dtypeOf(self)) || !op.aten.carriesNaN()) return topNumbers(op, self, request);
  const [, places] = topNumbers(op, nanLast(op, self), request);
  return [op.GatherElements([self, places], { axis }), places];
}

/** Numbers of the same order with NaN above them: float64 has room between every float32 and its own infinity. */
function nanLast(op: AtenBuilder, x: Value): Value {
  const wide = cast(op, x, 'float64');
  const finite = op.Clip([wide, op.scalar('float64', -Number.MAX_VALUE), op.scalar('float64', Number.MAX_VALUE)]);
  return op.Where([op.IsNaN([x]), op.scalar('float64', Infinity), finite]);
}
