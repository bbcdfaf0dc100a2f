/** The sign of floats, which zeros have as well. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';

/** bool: x is below zero or -0, whose reciprocal is minus infinity. Of NaN false. */
export function signBit(op: AtenBuilder, x: Value): Value {
  const below = (v: Value): Value => op.Less([v, op.scalar(dtypeOf(x), 0)]);
  return isFloat(dtypeOf(x)) ? op.Or([below(x), below(op.Reciprocal([x]))]) : below(x);
}
