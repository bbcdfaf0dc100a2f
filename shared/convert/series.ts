/** Polynomials and expansions, for functions that ONNX does not have: computed in double, where their digits are. */
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';
import { cast, dtypeOf, floatOf } from './promote.ts';

export const num = (op: AtenBuilder, value: number): Value => op.scalar('float64', value);

/** `f` of x in double, back in x's floating type (integers become float32). */
export function inDouble(op: AtenBuilder, x: Value, f: (x: Value) => Value): Value {
  return cast(op, f(cast(op, x, 'float64')), floatOf(dtypeOf(x)));
}

/** Horner's rule; highest power first. */
export function polynomial(op: AtenBuilder, x: Value, coefficients: readonly number[]): Value {
  const [first, ...rest] = coefficients;
  return rest.reduce<Value>((sum, c) => op.Add([op.Mul([sum, x]), num(op, c)]), num(op, first!));
}

export const rational = (op: AtenBuilder, x: Value, over: readonly number[], under: readonly number[]): Value =>
  op.Div([polynomial(op, x, over), polynomial(op, x, under)]);

/** Clenshaw's rule for a Chebyshev series in y/2, highest order first, the constant term halved. */
export function chebyshev(op: AtenBuilder, y: Value, coefficients: readonly number[]): Value {
  let [now, before, older] = [num(op, coefficients[0]!), num(op, 0), num(op, 0)];
  for (const c of coefficients.slice(1)) {
    [older, before] = [before, now];
    now = op.Add([op.Sub([op.Mul([y, before]), older]), num(op, c)]);
  }
  return op.Mul([op.Sub([now, older]), num(op, 0.5)]);
}

/** log(1 + x) with all digits, also where 1 + x rounds to 1. */
export function log1p(op: AtenBuilder, x: Value): Value {
  const one = num(op, 1);
  const sum = op.Add([one, x]);
  const gained = op.Sub([sum, one]);
  const corrected = op.Div([op.Mul([op.Log([sum]), x]), gained]);
  // Where nothing was gained x is its own logarithm, -0 with its sign, which Where keeps in its last operand alone;
  // infinity is, too, and its negative has none.
  const isGained = op.And([op.Greater([op.Abs([gained]), num(op, 0)]), op.Less([sum, num(op, Infinity)])]);
  return op.Where([isGained, corrected, x]);
}

/** exp(x) - 1 with all digits, also where exp(x) rounds to 1 (Kahan). */
export function expm1(op: AtenBuilder, x: Value): Value {
  const one = num(op, 1);
  const grown = op.Exp([x]);
  const plain = op.Sub([grown, one]);
  const corrected = op.Div([op.Mul([plain, x]), op.Log([grown])]);
  // Far from zero the difference has its digits; where the exponential is 1, x is its own result.
  const far = op.Greater([op.Abs([x]), num(op, 0.5)]);
  return op.Where([op.Greater([op.Abs([plain]), num(op, 0)]), op.Where([far, plain, corrected]), x]);
}

/** sin(pi x) from the distance to the nearest whole number. */
export const sinPi = (op: AtenBuilder, x: Value): Value => {
  const nearest = op.Round([x]);
  const odd = op.Sub([nearest, op.Mul([op.Floor([op.Mul([nearest, num(op, 0.5)])]), num(op, 2)])]);
  const size = op.Sin([op.Mul([op.Sub([x, nearest]), num(op, Math.PI)])]);
  return op.Mul([size, op.Sub([num(op, 1), op.Mul([odd, num(op, 2)])])]);
};
