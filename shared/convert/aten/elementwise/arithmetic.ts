/** ATen arithmetic of two operands. */
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import {
  cast,
  dtypeOf,
  floatOf,
  numberOperand,
  promoted,
  promotedToFloat,
  scalarOf,
  knownNumber,
} from '../../promote.ts';
import type { ScalarArg } from '../../schema.ts';
import { integerPower, integerPowers } from './integer-power.ts';
import { floorDivide, remainderOf, truncatedDivide, truncatedRemainder } from './division.ts';

/** `x * alpha`, in x's type. */
const scaled = (op: AtenBuilder, x: Value, alpha: ScalarArg): Value =>
  knownNumber(alpha) === 1 ? x : op.Mul([x, scalarOf(op, alpha, dtypeOf(x))]);

function sum(op: AtenBuilder, a: Value, b: Value, alpha: ScalarArg): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return op.Add([x, scaled(op, y, alpha)]);
}

function difference(op: AtenBuilder, a: Value, b: Value, alpha: ScalarArg): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return op.Sub([x, scaled(op, y, alpha)]);
}

export const product = (op: AtenBuilder, a: Value, b: Value): Value => {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return dtypeOf(x) === 'bool' ? op.And([x, y]) : op.Mul([x, y]);
};

const quotient = (op: AtenBuilder, a: Value, b: Value): Value => op.Div(promotedToFloat(op, [a, b]));

function divide(op: AtenBuilder, a: Value, b: Value, mode: string | null): Value {
  if (mode === null) return quotient(op, a, b);
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  if (mode === 'floor') return floorDivide(op, x, y);
  return mode === 'trunc' ? truncatedDivide(op, x, y) : op.aten.refuse('rounding_mode', mode, 'floor, trunc or None');
}

export const add = aten(
  'aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => sum(op, self, other, alpha),
);
export const addScalar = aten(
  'aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => sum(op, self, numberOperand(op, other), alpha),
);

export const sub = aten(
  [
    'aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
    'aten::subtract.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
  ],
  (op, { self, other, alpha }) => difference(op, self, other, alpha),
);
export const subScalar = aten(
  [
    'aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
    'aten::subtract.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
  ],
  (op, { self, other, alpha }) => difference(op, self, numberOperand(op, other), alpha),
);
export const rsub = aten(
  'aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => difference(op, other, self, alpha),
);
export const rsubScalar = aten(
  'aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => difference(op, numberOperand(op, other), self, alpha),
);

export const mul = aten(
  [
    'aten::mul.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor',
  ],
  (op, { self, other }) => product(op, self, other),
);
export const mulScalar = aten(
  [
    'aten::mul.Scalar(Tensor self, Scalar other) -> Tensor',
    'aten::multiply.Scalar(Tensor self, Scalar other) -> Tensor',
  ],
  (op, { self, other }) => product(op, self, numberOperand(op, other)),
);

export const div = aten(
  [
    'aten::div.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::divide.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor',
  ],
  (op, { self, other }) => quotient(op, self, other),
);
export const divScalar = aten(
  [
    'aten::div.Scalar(Tensor self, Scalar other) -> Tensor',
    'aten::divide.Scalar(Tensor self, Scalar other) -> Tensor',
    'aten::true_divide.Scalar(Tensor self, Scalar other) -> Tensor',
  ],
  (op, { self, other }) => quotient(op, self, numberOperand(op, other)),
);
export const divMode = aten(
  [
    'aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor',
    'aten::divide.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor',
  ],
  (op, { self, other, rounding_mode }) => divide(op, self, other, rounding_mode),
);
export const divScalarMode = aten(
  [
    'aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor',
    'aten::divide.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor',
  ],
  (op, { self, other, rounding_mode }) => divide(op, self, numberOperand(op, other), rounding_mode),
);
export const floor_divide = aten('aten::floor_divide(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  divide(op, self, other, 'floor'),
);
export const floor_divideScalar = aten(
  'aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor',
  (op, { self, other }) => divide(op, self, numberOperand(op, other), 'floor'),
);

export const remainder = aten('aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  remainderOf(op, self, other),
);
export const remainderScalar = aten(
  'aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor',
  (op, { self, other }) => remainderOf(op, self, numberOperand(op, other)),
);
export const remainderOfScalar = aten(
  'aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor',
  (op, { self, other }) => remainderOf(op, numberOperand(op, self), other),
);
export const fmod = aten('aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  truncatedRemainder(op, self, other),
);
export const fmodScalar = aten('aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor', (op, { self, other }) =>
  truncatedRemainder(op, self, numberOperand(op, other)),
);

function power(op: AtenBuilder, base: Value, exponent: Value): Value {
  const [x, y] = promoted(op, [base, exponent]) as [Value, Value];
  return isMet(FAULTS.powersInDouble, dtypeOf(x)) ? integerPowers(op, x, y) : op.Pow([x, y]);
}

/** PyTorch has these exponents as operators of their own, so the results round alike. */
const EXPONENTS: Readonly<Record<string, (op: AtenBuilder, x: Value) => Value>> = {
  '0.5': (op, x) => op.Sqrt([x]),
  '-0.5': (op, x) => op.Reciprocal([op.Sqrt([x])]),
  '-1': (op, x) => op.Reciprocal([x]),
  '1': (op, x) => op.Identity([x]),
  '2': (op, x) => op.Mul([x, x]),
  '3': (op, x) => op.Mul([op.Mul([x, x]), x]),
  '-2': (op, x) => op.Reciprocal([op.Mul([x, x])]),
};

function scalarPower(op: AtenBuilder, self: Value, exponent: ScalarArg): Value {
  const [x, y] = promoted(op, [self, numberOperand(op, exponent)]) as [Value, Value];
  const known = knownNumber(exponent);
  if (isMet(FAULTS.powersInDouble, dtypeOf(x)))
    return known === null ? integerPowers(op, x, y) : integerPower(op, x, known);
  const special = EXPONENTS[String(known)];
  return special ? special(op, x) : op.Pow([x, y]);
}
export const powScalar = aten(
  'aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor',
  (op, { self, exponent }) => scalarPower(op, self, exponent),
);
export const powTensor = aten(
  'aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor',
  (op, { self, exponent }) => power(op, self, exponent),
);
export const powOfScalar = aten('aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor', (op, { self, exponent }) =>
  power(op, numberOperand(op, self), exponent),
);
export const float_power = aten(
  'aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor',
  (op, { self, exponent }) => op.Pow([cast(op, self, 'float64'), cast(op, exponent, 'float64')]),
);
export const float_powerScalar = aten(
  'aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor',
  (op, { self, exponent }) => scalarPower(op, cast(op, self, 'float64'), exponent),
);
export const float_powerOfScalar = aten(
  'aten::float_power.Scalar(Scalar self, Tensor exponent) -> Tensor',
  (op, { self, exponent }) => op.Pow([scalarOf(op, self, 'float64'), cast(op, exponent, 'float64')]),
);

export const maximum = aten(
  ['aten::maximum(Tensor self, Tensor other) -> Tensor', 'aten::max.other(Tensor self, Tensor other) -> Tensor'],
  (op, { self, other }) => larger(op, self, other),
);
export const minimum = aten(
  ['aten::minimum(Tensor self, Tensor other) -> Tensor', 'aten::min.other(Tensor self, Tensor other) -> Tensor'],
  (op, { self, other }) => smaller(op, self, other),
);

function larger(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return dtypeOf(x) === 'bool' ? op.Or([x, y]) : op.Max([x, y]);
}

function smaller(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return dtypeOf(x) === 'bool' ? op.And([x, y]) : op.Min([x, y]);
}

export const addcmul = aten(
  'aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor',
  (op, { self, tensor1, tensor2, value }) => {
    const [x, a, b] = promoted(op, [self, tensor1, tensor2]) as [Value, Value, Value];
    return op.Add([x, scaled(op, op.Mul([a, b]), value)]);
  },
);
export const addcdiv = aten(
  'aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor',
  (op, { self, tensor1, tensor2, value }) => {
    const [x, a, b] = promoted(op, [self, tensor1, tensor2]) as [Value, Value, Value];
    return op.Add([x, op.Div([scaled(op, a, value), b])]);
  },
);

/** PyTorch picks the form that is exact at the end nearer to the weight. */
export function interpolate(op: AtenBuilder, start: Value, end: Value, weight: Value): Value {
  const dtype = floatOf(dtypeOf(start));
  const span = op.Sub([end, start]);
  const near = op.Add([start, op.Mul([weight, span])]);
  const far = op.Sub([end, op.Mul([span, op.Sub([op.scalar(dtype, 1), weight])])]);
  return op.Where([op.Less([op.Abs([weight]), op.scalar(dtype, 0.5)]), near, far]);
}
export const lerp = aten(
  'aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor',
  (op, { self, end, weight }) => interpolate(op, self, end, weight),
);
export const lerpScalar = aten(
  'aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor',
  (op, { self, end, weight }) => interpolate(op, self, end, scalarOf(op, weight, dtypeOf(self))),
);
