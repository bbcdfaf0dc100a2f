/** Division and remainder with PyTorch's rounding, for integers and floats. */
import { isFloat } from '../../../tensor/dtype.ts';
import { magnitudeOf, rangeOf } from '../../../onnx/element-range.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf, promoted } from '../../promote.ts';

/** The highest number of each type; doubles hold no more than 2^53. */
const LARGEST = { int8: 2 ** 7 - 1, int16: 2 ** 15 - 1, int32: 2 ** 31 - 1, int64: 2 ** 53 };

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
  if (!isFloat(dtypeOf(x))) return floorDivideIntegers(op, x, y);
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
  const quotient = op.Div([x, y]);
  // A zero has the sign of the quotient, and is the last operand of Where, which loses it in the others. No Not stands
  // before a Where: onnxruntime would exchange the operands.
  const isWhole = op.Greater([op.Abs([stepped]), zeroOf(op, x)]);
  const signed = op.Where([isWhole, rounded, op.Mul([quotient, zeroOf(op, x)])]);
  return op.Where([op.Equal([y, zeroOf(op, y)]), quotient, signed]);
}

/** Without a step that leaves the type, and without the lowest number through -1, on which processors stop. */
function floorDivideIntegers(op: AtenBuilder, x: Value, y: Value): Value {
  const dtype = dtypeOf(x);
  const [dividend, divisor] = [rangeOf(x), rangeOf(y)];
  // Of one sign: nothing is cut off on the way to zero but what rounding down cuts.
  if (dividend.low >= 0 && divisor.low >= 0) return op.Div([x, y]);
  if (magnitudeOf(x) + magnitudeOf(y) < (LARGEST[dtype as keyof typeof LARGEST] ?? 0))
    return op.Div([op.Sub([x, op.Mod([x, y])]), y]);
  if (divisor.low > 0) return floorDivideByPositive(op, x, y);
  const { safe, opposite } = dividing(op, y);
  const quotient = op.Div([x, safe]);
  const isCut = op.Not([op.Equal([op.Sub([x, op.Mul([quotient, safe])]), op.Mod([x, safe])])]);
  const floor = op.Sub([quotient, op.Cast([isCut], { to: dtype })]);
  return opposite ? op.Where([opposite, op.Neg([x]), floor]) : floor;
}

/** -1 - x turns the numbers below zero over: the lowest becomes the highest, and back. */
function floorDivideByPositive(op: AtenBuilder, x: Value, y: Value): Value {
  const below = op.Less([x, zeroOf(op, x)]);
  const turned = (v: Value): Value => op.Where([below, op.Sub([op.scalar(dtypeOf(x), -1), v]), v]);
  return turned(op.Div([turned(x), y]));
}

/**
 * The divisor with 1 in the place of -1, by which processors cannot divide the lowest number of 32 and 64 bits; and
 * where that is. The remainder is 0 either way.
 */
function dividing(op: AtenBuilder, y: Value): { safe: Value; opposite: Value | null } {
  const { low, high } = rangeOf(y);
  if (low > -1 || high < -1 || !['int32', 'int64'].includes(dtypeOf(y))) return { safe: y, opposite: null };
  const opposite = op.Equal([y, op.scalar(dtypeOf(y), -1)]);
  return { safe: op.Where([opposite, op.scalar(dtypeOf(y), 1), y]), opposite };
}

/** Operands have one type. Towards zero, as C divides. */
export function truncatedDivide(op: AtenBuilder, x: Value, y: Value): Value {
  const quotient = op.Div([x, y]);
  return isFloat(dtypeOf(x)) ? truncate(op, quotient) : quotient;
}

/** Where keeps the sign of a zero in its last operand: -0.5 becomes -0. */
export const truncate = (op: AtenBuilder, x: Value): Value =>
  op.Where([op.Greater([x, zeroOf(op, x)]), op.Floor([x]), op.Ceil([x])]);

/** Python's `%`: the sign of the divisor. */
export function remainderOf(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  if (!isFloat(dtypeOf(x))) return op.Mod([x, dividing(op, y).safe]);
  const remainder = op.Mod([x, y], { fmod: 1 });
  return op.Where([crosses(op, remainder, y), op.Add([remainder, y]), remainder]);
}

/** C's fmod: the sign of the dividend. */
export function truncatedRemainder(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  const fitsDouble = magnitudeOf(x) <= LARGEST.int64 && magnitudeOf(y) <= LARGEST.int64;
  if (!isMet(FAULTS.remainderInDouble, dtypeOf(x)) || fitsDouble) return op.Mod([x, y], { fmod: 1 });
  const { safe } = dividing(op, y);
  return op.Sub([x, op.Mul([op.Div([x, safe]), safe])]);
}
