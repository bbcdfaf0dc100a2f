/** Shifts of two's-complement integers, as products and floored quotients with powers of two. */
import { DTYPES, isInteger } from '../../../tensor/dtype.ts';
import { rangeOf } from '../../../onnx/element-range.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, promoted } from '../../promote.ts';
import { floorDivide } from './division.ts';

type Shift = (op: AtenBuilder, x: Value, y: Value) => Value;

/** The power of two for shifts from 0 to `most`, and for all others the one that follows in the table. */
function powerOf(op: AtenBuilder, y: Value, most: number, other: bigint): Value {
  const dtype = dtypeOf(y);
  const { bits, kind } = DTYPES[dtype];
  const wrap = (n: bigint): bigint => (kind === 'uint' ? BigInt.asUintN(bits, n) : BigInt.asIntN(bits, n));
  const powers = [...Array.from({ length: most + 1 }, (_, i) => wrap(1n << BigInt(i))), other];
  const places = cast(op, y, 'int64');
  const at = isWithin(y, most)
    ? places
    : op.Where([inside(op, places, most), places, op.scalar('int64', powers.length - 1)]);
  return op.Gather([op.tensor(dtype, [powers.length], powers), at], { axis: 0 });
}

const isWithin = (y: Value, most: number): boolean => rangeOf(y).low >= 0 && rangeOf(y).high <= most;
const inside = (op: AtenBuilder, y: Value, most: number): Value =>
  op.And([op.GreaterOrEqual([y, op.scalar('int64', 0)]), op.LessOrEqual([y, op.scalar('int64', most)])]);

/** Every bit goes where the shift is below zero or as wide as the type. */
const left: Shift = (op, x, y) => op.Mul([x, powerOf(op, y, DTYPES[dtypeOf(x)].bits - 1, 0n)]);

/** The sign fills up, and is all that is left of shifts that take every other bit. */
const right: Shift = (op, x, y) => {
  const dtype = dtypeOf(x);
  const { bits, kind } = DTYPES[dtype];
  const most = kind === 'uint' ? bits - 1 : bits - 2;
  const quotient = floorDivide(op, x, powerOf(op, y, most, 1n));
  if (isWithin(y, most)) return quotient;
  const zero = op.scalar(dtype, 0);
  const sign = kind === 'uint' ? zero : op.Where([op.Less([x, zero]), op.scalar(dtype, -1), zero]);
  return op.Where([inside(op, cast(op, y, 'int64'), most), quotient, sign]);
};

function shifted(op: AtenBuilder, shift: Shift, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return isInteger(dtypeOf(x)) ? shift(op, x, y) : op.aten.refuse('self', dtypeOf(x), 'integer tensors');
}

/** The names of one direction: Python's operator, whose scalar has another name, and the function. */
const named = (operator: string, name: string, shift: Shift): OpConverter[] => [
  ...aten(
    [
      `aten::${operator}.Tensor(Tensor self, Tensor other) -> Tensor`,
      `aten::${name}.Tensor(Tensor self, Tensor other) -> Tensor`,
    ],
    (op, { self, other }) => shifted(op, shift, self, other),
  ),
  ...aten(
    [
      `aten::${operator}.Scalar(Tensor self, Scalar other) -> Tensor`,
      `aten::${name}.Tensor_Scalar(Tensor self, Scalar other) -> Tensor`,
    ],
    (op, { self, other }) => shifted(op, shift, self, numberOperand(op, other)),
  ),
  ...aten(`aten::${name}.Scalar_Tensor(Scalar self, Tensor other) -> Tensor`, (op, { self, other }) =>
    shifted(op, shift, numberOperand(op, self), other),
  ),
];

export const leftShift = named('__lshift__', 'bitwise_left_shift', left);
export const rightShift = named('__rshift__', 'bitwise_right_shift', right);
