/** Functions of one tensor, element by element. */
import { negDim } from '../../tensor/dim.ts';
import { isInteger } from '../../tensor/dtype.ts';
import type { OpRow } from './row.ts';
import { requireDtype, sameAs, sameFloat, typed } from './shape-rules.ts';

const float = (since: readonly number[], inputs = 'X', outputs = 'Y'): OpRow => ({
  since,
  inputs,
  outputs,
  infer: sameFloat,
});
const numeric = (since: readonly number[], inputs = 'X', outputs = 'Y'): OpRow => ({
  since,
  inputs,
  outputs,
  infer: sameAs(),
});

const trigonometric = float([7, 22], 'input', 'output');
const hyperbolic = float([9, 22], 'input', 'output');

export const UNARY = {
  Abs: {
    since: [1, 6, 13],
    inputs: 'X',
    infer: (c) => ({ type: c.type(0), content: c.numbers(0)?.map(Math.abs) ?? null }),
  },
  Neg: {
    since: [1, 6, 13],
    inputs: 'X',
    infer: (c) => ({ type: c.type(0), content: isInteger(c.dtypeOf(0)) ? (c.content(0)?.map(negDim) ?? null) : null }),
  },
  Sqrt: float([1, 6, 13]),
  Exp: float([1, 6, 13], 'input', 'output'),
  Log: float([1, 6, 13], 'input', 'output'),
  Reciprocal: float([1, 6, 13]),
  Sin: trigonometric,
  Cos: trigonometric,
  Tan: trigonometric,
  Asin: trigonometric,
  Acos: trigonometric,
  Atan: trigonometric,
  Sinh: hyperbolic,
  Cosh: hyperbolic,
  Asinh: hyperbolic,
  Acosh: hyperbolic,
  Atanh: hyperbolic,
  Tanh: float([1, 6, 13], 'input', 'output'),
  Erf: numeric([9, 13], 'input', 'output'),
  Floor: float([1, 6, 13]),
  Ceil: float([1, 6, 13]),
  Round: float([11, 22]),
  Sign: numeric([9, 13], 'input', 'output'),
  Det: {
    since: [11, 22],
    inputs: 'X',
    infer: (c) => {
      if (c.rank(0) < 2) throw new Error('Det takes square matrices');
      return typed(c.dtypeOf(0), c.shape(0).slice(0, -2));
    },
  },
  Not: {
    since: [1],
    inputs: 'X',
    infer: (c) => {
      requireDtype(c, 0, 'bool');
      return { type: c.type(0) };
    },
  },
  BitwiseNot: { since: [18], inputs: 'X', infer: sameAs() },
  IsNaN: { since: [9, 13, 20], inputs: 'X', infer: (c) => typed('bool', sameFloat(c).type!.shape) },
  IsInf: {
    since: [10, 20],
    inputs: 'X',
    attributes: { detect_negative: { kind: 'int', default: 1 }, detect_positive: { kind: 'int', default: 1 } },
    infer: (c) => typed('bool', sameFloat(c).type!.shape),
  },
} as const satisfies Record<string, OpRow>;
