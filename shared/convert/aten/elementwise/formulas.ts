/** ATen functions of two numbers and special functions that a few ONNX operators write exactly. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, floatOf, numberOperand, promoted, promotedToFloat } from '../../promote.ts';
import * as series from '../../series.ts';
import { signBit } from './sign-bit.ts';

type Pair = [Value, Value];
const zeroOf = (op: AtenBuilder, x: Value): Value => op.scalar(dtypeOf(x), 0);
const oneOf = (op: AtenBuilder, x: Value): Value => op.scalar(dtypeOf(x), 1);
const isNaN = (op: AtenBuilder, x: Value): Value => op.IsNaN([x]);

const binary = (names: readonly string[], convert: (op: AtenBuilder, a: Value, b: Value) => Value): OpConverter[] =>
  names.flatMap((name) =>
    aten(`aten::${name}(Tensor self, Tensor other) -> Tensor`, (op, { self, other }) => convert(op, self, other)),
  );

/** fmax and fmin take the other operand where one is NaN. */
function ignoringNaN(op: AtenBuilder, how: 'Max' | 'Min', a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as Pair;
  if (!isFloat(dtypeOf(x))) return op[how]([x, y]);
  return op.Where([isNaN(op, x), y, op.Where([isNaN(op, y), x, op[how]([x, y])])]);
}
export const fmax = binary(['fmax'], (op, a, b) => ignoringNaN(op, 'Max', a, b));
export const fmin = binary(['fmin'], (op, a, b) => ignoringNaN(op, 'Min', a, b));

/** Scaled by the larger side, so that squares do not overflow. */
export const hypot = binary(['hypot'], (op, a, b) => {
  const [x, y] = promoted(op, [op.Abs([a]), op.Abs([b])]) as Pair;
  const large = op.Max([x, y]);
  const ratio = op.Div([op.Min([x, y]), op.Where([op.Equal([large, zeroOf(op, large)]), oneOf(op, large), large])]);
  const length = op.Mul([large, op.Sqrt([op.Add([oneOf(op, x), op.Mul([ratio, ratio])])])]);
  // An infinite side outweighs even NaN.
  const infinite = op.Or([op.IsInf([x]), op.IsInf([y])]);
  return op.Where([infinite, op.scalar(dtypeOf(x), Infinity), length]);
});
/** From the arc tangent of the quotient in the first quadrant, and the signs, which zeros have as well. */
export const atan2 = binary(['atan2', 'arctan2'], (op, a, b) => {
  const [y, x] = promotedToFloat(op, [a, b]) as Pair;
  const dtype = dtypeOf(x);
  const [height, width] = [op.Abs([y]), op.Abs([x])];
  // Of two zeros 0 and of two infinities 1, where the quotient is no number.
  const slope = op.Where([op.Equal([height, width]), op.Sign([height]), op.Div([height, width])]);
  const right = op.Atan([slope]);
  const upper = op.Where([signBit(op, x), op.Sub([op.scalar(dtype, Math.PI), right]), right]);
  return op.Mul([upper, op.Where([signBit(op, y), op.scalar(dtype, -1), oneOf(op, x)])]);
});

export const signbit = aten('aten::signbit(Tensor self) -> Tensor', (op, { self }) => signBit(op, self));
function withSign(op: AtenBuilder, a: Value, b: Value): Value {
  const [x, y] = promotedToFloat(op, [a, b]) as Pair;
  // A product keeps the sign of a zero, which a choice would lose.
  return op.Mul([op.Abs([x]), op.Where([signBit(op, y), op.scalar(dtypeOf(x), -1), oneOf(op, x)])]);
}
export const copysign = [
  ...binary(['copysign.Tensor'], withSign),
  ...aten('aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor', (op, { self, other }) =>
    withSign(op, self, numberOperand(op, other)),
  ),
];

/** 0 where x is 0, whatever the logarithm; NaN where y is NaN. */
function xTimesLog(op: AtenBuilder, a: Value, b: Value, log: (y: Value) => Value): Value {
  const [x, y] = promotedToFloat(op, [a, b]) as Pair;
  return op.Where([op.And([op.Equal([x, zeroOf(op, x)]), op.Not([isNaN(op, y)])]), zeroOf(op, x), op.Mul([x, log(y)])]);
}
const log1p = (op: AtenBuilder, y: Value): Value => series.inDouble(op, y, (d) => series.log1p(op, d));
const X_TIMES_LOG = [
  { tensors: 'xlogy.Tensor', numbers: ['xlogy.Scalar_Self', 'xlogy.Scalar_Other'], log: 'plain' },
  {
    tensors: 'special_xlogy',
    numbers: ['special_xlogy.self_scalar', 'special_xlogy.other_scalar'],
    log: 'plain',
  },
  {
    tensors: 'special_xlog1py',
    numbers: ['special_xlog1py.self_scalar', 'special_xlog1py.other_scalar'],
    log: 'plusOne',
  },
] as const;
const LOGARITHMS = { plain: (op: AtenBuilder, y: Value): Value => op.Log([y]), plusOne: log1p } as const;
export const xlogy = X_TIMES_LOG.flatMap(({ tensors, numbers, log }) => {
  const convert = (op: AtenBuilder, a: Value, b: Value): Value => xTimesLog(op, a, b, (y) => LOGARITHMS[log](op, y));
  return [
    ...binary([tensors], convert),
    ...aten(`aten::${numbers[0]}(Scalar self, Tensor other) -> Tensor`, (op, { self, other }) =>
      convert(op, numberOperand(op, self), other),
    ),
    ...aten(`aten::${numbers[1]}(Tensor self, Scalar other) -> Tensor`, (op, { self, other }) =>
      convert(op, self, numberOperand(op, other)),
    ),
  ];
});

/** log(e^a + e^b) from the larger one; equal infinities stay themselves. */
function logAdd(op: AtenBuilder, a: Value, b: Value, base: number): Value {
  const [x, y] = promotedToFloat(op, [a, b]) as Pair;
  const large = op.Max([x, y]);
  const gap = op.Mul([op.Neg([op.Abs([op.Sub([x, y])])]), op.scalar(dtypeOf(x), Math.log(base))]);
  const sum = op.Add([large, op.Mul([log1p(op, op.Exp([gap])), op.scalar(dtypeOf(x), 1 / Math.log(base))])]);
  return op.Where([op.And([op.Equal([x, y]), op.IsInf([x])]), x, sum]);
}
export const logaddexp = [
  ...binary(['logaddexp'], (op, a, b) => logAdd(op, a, b, Math.E)),
  ...binary(['logaddexp2'], (op, a, b) => logAdd(op, a, b, 2)),
];

export const heaviside = aten('aten::heaviside(Tensor self, Tensor values) -> Tensor', (op, { self, values }) => {
  const step = op.Where([op.Less([self, zeroOf(op, self)]), zeroOf(op, self), oneOf(op, self)]);
  const known = isFloat(dtypeOf(self)) ? op.Where([isNaN(op, self), zeroOf(op, self), step]) : step;
  return op.Where([op.Equal([self, zeroOf(op, self)]), values, known]);
});
export const ldexp = binary(['ldexp.Tensor'], (op, a, b) => {
  const dtype = floatOf(dtypeOf(a));
  return op.Mul([cast(op, a, dtype), op.Pow([op.scalar(dtype, 2), cast(op, b, dtype)])]);
});

export const sinc = aten(
  ['aten::sinc(Tensor self) -> Tensor', 'aten::special_sinc(Tensor self) -> Tensor'],
  (op, { self }) => {
    const x = cast(op, self, floatOf(dtypeOf(self)));
    const turned = op.Mul([x, op.scalar(dtypeOf(x), Math.PI)]);
    return op.Where([op.Equal([x, zeroOf(op, x)]), oneOf(op, x), op.Div([op.Sin([turned]), turned])]);
  },
);
export const entropy = aten('aten::special_entr(Tensor self) -> Tensor', (op, { self }) => {
  const x = cast(op, self, floatOf(dtypeOf(self)));
  const inside = op.Where([
    op.Greater([x, zeroOf(op, x)]),
    op.Neg([op.Mul([x, op.Log([x])])]),
    op.scalar(dtypeOf(x), -Infinity),
  ]);
  return op.Where([isNaN(op, x), x, op.Where([op.Equal([x, zeroOf(op, x)]), zeroOf(op, x), inside])]);
});

/** The largest finite numbers that infinities become when nothing is given for them. */
const FINITE: Readonly<Record<string, number>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};
export const nan_to_num = aten(
  'aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor',
  (op, { self, nan, posinf, neginf }) => {
    const dtype = dtypeOf(self);
    if (!isFloat(dtype)) return op.Identity([self]);
    const limit = FINITE[dtype]!;
    const numbers = op.Where([isNaN(op, self), op.scalar(dtype, nan ?? 0), self]);
    const below = op.Where([
      op.Equal([numbers, op.scalar(dtype, Infinity)]),
      op.scalar(dtype, posinf ?? limit),
      numbers,
    ]);
    return op.Where([op.Equal([below, op.scalar(dtype, -Infinity)]), op.scalar(dtype, neginf ?? -limit), below]);
  },
);

export const roundDecimals = aten(
  'aten::round.decimals(Tensor self, *, int decimals) -> Tensor',
  (op, { self, decimals }) => {
    if (!isFloat(dtypeOf(self)))
      return decimals >= 0 ? op.Identity([self]) : op.aten.refuse('decimals', decimals, 'no fewer than 0 for integers');
    const scale = op.scalar(dtypeOf(self), 10 ** Math.abs(decimals));
    return decimals >= 0
      ? op.Div([op.Round([op.Mul([self, scale])]), scale])
      : op.Mul([op.Round([op.Div([self, scale])]), scale]);
  },
);

export const isclose = aten(
  'aten::isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor',
  (op, { self, other, rtol, atol, equal_nan }) => {
    const same = op.Equal([self, other]);
    if (!isFloat(dtypeOf(self))) return op.aten.refuse('self', dtypeOf(self), 'floating-point tensors');
    const dtype = dtypeOf(self);
    const allowed = op.Add([op.scalar(dtype, atol), op.Mul([op.scalar(dtype, rtol), op.Abs([other])])]);
    const distance = op.Abs([op.Sub([self, other])]);
    const near = op.And([op.LessOrEqual([distance, allowed]), op.Not([op.IsInf([distance])])]);
    const close = op.Or([same, near]);
    return equal_nan ? op.Or([close, op.And([isNaN(op, self), isNaN(op, other)])]) : close;
  },
);
export const isreal = aten('aten::isreal(Tensor self) -> Tensor', (op, { self }) =>
  op.Or([op.Equal([self, self]), op.Not([op.Equal([self, self])])]),
);
