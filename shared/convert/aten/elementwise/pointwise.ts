/** ATen operators of one operand, element by element. */
import { DTYPES, isFloat } from '../../../tensor/dtype.ts';
import type { OnnxOp } from '../../../onnx/schema/index.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, floatOf } from '../../promote.ts';
import * as series from '../../series.ts';
import { truncate } from './division.ts';

/** Integers become float first, as PyTorch's unary float operators promote. */
const real = (op: AtenBuilder, x: Value): Value => cast(op, x, floatOf(dtypeOf(x)));

const floatUnary = (names: string | readonly string[], convert: (op: AtenBuilder, x: Value) => Value): OpConverter[] =>
  [names]
    .flat()
    .flatMap((name) =>
      aten(`aten::${name as string}(Tensor self) -> Tensor`, (op, { self }) => convert(op, real(op, self))),
    );

/** ATen name to the ONNX operator that is the same function. */
const SAME = {
  sqrt: 'Sqrt',
  exp: 'Exp',
  log: 'Log',
  sin: 'Sin',
  cos: 'Cos',
  tan: 'Tan',
  asin: 'Asin',
  acos: 'Acos',
  atan: 'Atan',
  sinh: 'Sinh',
  cosh: 'Cosh',
  tanh: 'Tanh',
  asinh: 'Asinh',
  acosh: 'Acosh',
  atanh: 'Atanh',
  sigmoid: 'Sigmoid',
  erf: 'Erf',
  reciprocal: 'Reciprocal',
  arcsin: 'Asin',
  arccos: 'Acos',
  arctan: 'Atan',
  arcsinh: 'Asinh',
  arccosh: 'Acosh',
  arctanh: 'Atanh',
  special_erf: 'Erf',
  special_expit: 'Sigmoid',
} as const satisfies Record<string, OnnxOp>;

export const same = Object.entries(SAME).flatMap(([name, onnx]) => floatUnary(name, (op, x) => op[onnx]([x])));

export const rsqrt = floatUnary('rsqrt', (op, x) => op.Reciprocal([op.Sqrt([x])]));
export const exp2 = floatUnary(['exp2', 'special_exp2'], (op, x) => op.Pow([op.scalar(dtypeOf(x), 2), x]));
export const log1p = floatUnary(['log1p', 'special_log1p'], (op, x) =>
  series.inDouble(op, x, (d) => series.log1p(op, d)),
);
export const expm1 = floatUnary(['expm1', 'special_expm1'], (op, x) =>
  series.inDouble(op, x, (d) => series.expm1(op, d)),
);
const logBase = (base: number) => (op: AtenBuilder, x: Value) =>
  series.inDouble(op, x, (d) => op.Div([op.Log([d]), op.scalar('float64', Math.log(base))]));
export const log2 = floatUnary('log2', logBase(2));
export const log10 = floatUnary('log10', logBase(10));
export const erfc = floatUnary(['erfc', 'special_erfc'], (op, x) => op.Sub([op.scalar(dtypeOf(x), 1), op.Erf([x])]));

const unary = (names: string | readonly string[], convert: (op: AtenBuilder, x: Value) => Value): OpConverter[] =>
  [names]
    .flat()
    .flatMap((name) => aten(`aten::${name as string}(Tensor self) -> Tensor`, (op, { self }) => convert(op, self)));

/** Rounding leaves integers as they are. */
const rounding = (convert: (op: AtenBuilder, x: Value) => Value) => (op: AtenBuilder, x: Value) =>
  isFloat(dtypeOf(x)) ? convert(op, x) : op.Identity([x]);
export const floor = unary(
  'floor',
  rounding((op, x) => op.Floor([x])),
);
export const ceil = unary(
  'ceil',
  rounding((op, x) => op.Ceil([x])),
);
export const round = unary(
  'round',
  rounding((op, x) => op.Round([x])),
);
export const trunc = unary(['trunc', 'fix'], rounding(truncate));
export const frac = unary('frac', (op, x) => op.Sub([x, truncate(op, x)]));

export const abs = unary(['abs', 'absolute'], (op, x) =>
  DTYPES[dtypeOf(x)].kind === 'uint' ? op.Identity([x]) : op.Abs([x]),
);
export const neg = unary(['neg', 'negative'], (op, x) => op.Neg([x]));
export const positive = unary('positive', (op, x) => op.Identity([x]));
export const sign = unary(['sign', 'sgn'], (op, x) => {
  if (dtypeOf(x) === 'bool') return op.Identity([x]);
  // PyTorch gives NaN no sign: 0.
  return isFloat(dtypeOf(x)) ? op.Where([op.IsNaN([x]), op.scalar(dtypeOf(x), 0), op.Sign([x])]) : op.Sign([x]);
});
/** A power: booleans become numbers. */
export const square = unary('square', (op, self) => {
  const x = dtypeOf(self) === 'bool' ? cast(op, self, 'int64') : self;
  return op.Mul([x, x]);
});
export const relu = unary('relu', (op, x) => op.Relu([x]));
export const deg2rad = floatUnary('deg2rad', (op, x) => op.Mul([x, op.scalar(dtypeOf(x), Math.PI / 180)]));
export const rad2deg = floatUnary('rad2deg', (op, x) => op.Mul([x, op.scalar(dtypeOf(x), 180 / Math.PI)]));
