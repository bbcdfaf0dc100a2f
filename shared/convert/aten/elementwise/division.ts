/** Division and remainder with PyTorch's rounding, for integers and floats. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf, promoted } from '../../promote.ts';

const zeroOf = (op: AtenBuilder, x: Value): Value => op.scalar(dtypeOf(x), 0);
const nonZero = (op: AtenBuilder, x: Value): Value => op.Not([op.Equal([x, zeroOf(op, x)])]);

/** The remainder is not zero and its sign differs from the divisor's: rounding down steps once more. */
const crosses = (op: AtenBuilder, remainder: Value, divisor: Value): Value =>
  op.And([
    nonZero(op, remainder),
    op.Xor([op.Less([divisor, zeroOf(op, divisor)]), op.Less([remainder, zeroOf(op, remainder)])]),
  ]);

/** Operands have one type. Python's `//`, as c10::div_floor_floating rounds it. */
export function floorDivide(op: AtenBuilder, x: Value, y: Value): Value {
  if (!isFloat(dtypeOf(x))) return op.Div([op.Sub([x, op.Mod([x, y])]), y]);
  const one = op.scalar(dtypeOf(x), 1);
  const remainder = op.Mod([x, y], { fmod: 1 });
  const exact = op.Div([op.Sub([x, remainder]), y]);
  const stepped = op.Where([crosses(op, remainder, y), op.Sub([exact, one]), exact]);
  const floor = op.Floor([stepped]);
  const rounded = op.Where([
    op.Greater([op.Sub([stepped, floor]), op.scalar(dtypeOf(x), 0.5)]),
    op.Add([floor, one]),
    floor,
  ]);
  return op.Where([op.Equal([y, zeroOf(op, y)]), op.Div([x, y]), rounded]);
}

/** Operands have one type. Towards zero, as C divides. */
export function truncatedDivide(op: AtenBuilder, x: Value, y: Value): Value {
  const quotient = op.Div([x, y]);
  return isFloat(dtypeOf(x)) ? truncate(op, quotient) : quotient;
}

export const truncate = (op: AtenBuilder, x: Value): Value =>
  op.Where([op.Less([x, zeroOf(op, x)]), op.Ceil([x]), op.Floor([x])]);

/** Python's `%`: the sign of the divisor. */
export function remainderOf(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  if (!isFloat(dtypeOf(x))) return op.Mod([x, y]);
  const remainder = op.Mod([x, y], { fmod: 1 });
  return op.Where([crosses(op, remainder, y), op.Add([remainder, y]), remainder]);
}

/** C's fmod: the sign of the dividend. */
export function truncatedRemainder(op: AtenBuilder, a: Value, b: Value): Value {
  return op.Mod(promoted(op, [a, b]), { fmod: 1 });
}
