/** ATen gamma function's logarithm, its derivatives and the Hurwitz zeta function, in double. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, promotedToFloat } from '../../promote.ts';
import { inDouble, num, polynomial, sinPi } from '../../series.ts';

/** Lanczos' approximation with g = 7 and nine terms. */
const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGammaAbove(op: AtenBuilder, x: Value): Value {
  const z = op.Sub([x, num(op, 1)]);
  const series = LANCZOS.reduce<Value>(
    (sum, c, i) => op.Add([sum, op.Div([num(op, c), op.Add([z, num(op, i + 1)])])]),
    num(op, 0.99999999999980993),
  );
  const t = op.Add([z, num(op, 7.5)]);
  const power = op.Sub([op.Mul([op.Add([z, num(op, 0.5)]), op.Log([t])]), t]);
  return op.Add([op.Add([power, op.Log([series])]), num(op, 0.5 * Math.log(2 * Math.PI))]);
}

/** Below a half by reflection: log(pi / |sin(pi x)|) - lgamma(1 - x); the poles are infinite. */
export function logGamma(op: AtenBuilder, x: Value): Value {
  const mirrored = op.Less([x, num(op, 0.5)]);
  const above = logGammaAbove(op, op.Where([mirrored, op.Sub([num(op, 1), x]), x]));
  const reflected = op.Sub([op.Log([op.Div([num(op, Math.PI), op.Abs([sinPi(op, x)])])]), above]);
  return op.Where([op.IsInf([x]), num(op, Infinity), op.Where([mirrored, reflected, above])]);
}

/** Asymptotic series in 1/y^2 (Bernoulli numbers over 2k), after eight steps up. */
const DIGAMMA = [691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12, 0];
const STEPS = 8;

function digammaAbove(op: AtenBuilder, x: Value): Value {
  const steps = Array.from({ length: STEPS }, (_, k) => op.Reciprocal([op.Add([x, num(op, k)])])).reduce((a, b) =>
    op.Add([a, b]),
  );
  const y = op.Add([x, num(op, STEPS)]);
  const inverse = op.Reciprocal([y]);
  const tail = op.Sub([op.Mul([inverse, num(op, 0.5)]), polynomial(op, op.Mul([inverse, inverse]), DIGAMMA)]);
  return op.Sub([op.Sub([op.Log([y]), tail]), steps]);
}

function digammaOf(op: AtenBuilder, x: Value): Value {
  const zero = num(op, 0);
  const negative = op.Less([x, zero]);
  const above = digammaAbove(op, op.Where([negative, op.Sub([num(op, 1), x]), x]));
  const turned = op.Mul([op.Sub([x, op.Round([x])]), num(op, Math.PI)]);
  const reflected = op.Sub([above, op.Div([op.Mul([num(op, Math.PI), op.Cos([turned])]), op.Sin([turned])])]);
  const pole = op.Or([op.Equal([x, op.Floor([x])]), op.IsInf([x])]);
  const below = op.Where([pole, num(op, NaN), reflected]);
  // 1 / 0 has the sign of the zero.
  return op.Where([op.Equal([x, zero]), op.Neg([op.Reciprocal([x])]), op.Where([negative, below, above])]);
}

// Euler-Maclaurin: (2k)! / B2k, as in the Cephes Math Library.
const EULER = [
  12, -720, 30240, -1209600, 47900160, -1.8924375803183791606e9, 7.47242496e10, -2.950130727918164224e12,
  1.1646782814350067249e14, -4.5979787224074726105e15, 1.8152105401943546773e17, -7.1661652561756670113e18,
];
const TERMS = 10;

/** Sum of (q + k)^-s for q > 0 and s > 1: ten terms, then the series for the rest. */
function zetaAbove(op: AtenBuilder, s: Value, q: Value): Value {
  const minus = op.Neg([s]);
  const direct = Array.from({ length: TERMS }, (_, k) => op.Pow([op.Add([q, num(op, k)]), minus])).reduce((a, b) =>
    op.Add([a, b]),
  );
  const w = op.Add([q, num(op, TERMS)]);
  const power = op.Pow([w, minus]);
  // For larger s the rest is nothing beside the terms, and its factors would overflow.
  const order = op.Min([s, num(op, 300)]);
  const inverse = op.Reciprocal([w]);
  let factor = op.Mul([order, inverse]);
  let series = op.Div([factor, num(op, EULER[0]!)]);
  EULER.slice(1).forEach((c, i) => {
    const next = op.Mul([
      op.Mul([op.Add([order, num(op, 2 * i + 1)]), inverse]),
      op.Mul([op.Add([order, num(op, 2 * i + 2)]), inverse]),
    ]);
    factor = op.Mul([factor, next]);
    series = op.Add([series, op.Div([factor, num(op, c)])]);
  });
  const integral = op.Div([op.Mul([power, w]), op.Sub([s, num(op, 1)])]);
  return op.Add([op.Add([direct, integral]), op.Mul([power, op.Add([series, num(op, 0.5)])])]);
}

/** Below zero for whole s: the terms on both sides of zero, each a difference of sums above zero. */
function hurwitz(op: AtenBuilder, s: Value, q: Value): Value {
  const [zero, one] = [num(op, 0), num(op, 1)];
  const below = op.LessOrEqual([q, zero]);
  const part = op.Sub([q, op.Floor([q])]);
  const right = zetaAbove(op, s, op.Where([below, part, q]));
  const [left, beyond] = [op.Sub([one, part]), op.Sub([one, op.Where([below, q, zero])])].map((v) =>
    zetaAbove(op, s, v),
  ) as [Value, Value];
  const even = op.Equal([op.Sub([s, op.Mul([op.Floor([op.Mul([s, num(op, 0.5)])]), num(op, 2)])]), zero]);
  // In this order: for odd s the first two may cancel.
  const both = op.Where([even, op.Sub([op.Add([right, left]), beyond]), op.Add([op.Sub([right, left]), beyond])]);
  const whole = op.Where([op.Equal([s, op.Floor([s])]), both, num(op, NaN)]);
  const any = op.Where([below, op.Where([op.Equal([part, zero]), num(op, Infinity), whole]), right]);
  return op.Where([op.Equal([s, one]), num(op, Infinity), op.Where([op.Less([s, one]), num(op, NaN), any])]);
}

const unary = (names: readonly string[], f: (op: AtenBuilder, x: Value) => Value): OpConverter[] =>
  names.flatMap((name) =>
    aten(`aten::${name}(Tensor self) -> Tensor`, (op, { self }) => inDouble(op, self, (x) => f(op, x))),
  );

export const lgamma = unary(['lgamma', 'special_gammaln'], logGamma);
export const digamma = unary(['digamma', 'special_digamma', 'special_psi'], digammaOf);

export const polygamma = aten(
  ['aten::polygamma(int n, Tensor self) -> Tensor', 'aten::special_polygamma(int n, Tensor self) -> Tensor'],
  (op, { n, self }) => {
    // Factorials beyond this are infinite in float32, and PyTorch's products with them undefined.
    if (n < 0 || n > 30) return op.aten.refuse('n', n, 'orders 0 to 30');
    if (n === 0) return inDouble(op, self, (x) => digammaOf(op, x));
    const factor = Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => a * b, n % 2 ? 1 : -1);
    return inDouble(op, self, (x) => {
      const result = op.Mul([num(op, factor), hurwitz(op, num(op, n + 1), x)]);
      // PyTorch has the first derivative as a function of its own, which knows what infinity gives.
      return n === 1 ? op.Where([op.IsInf([x], { detect_negative: 0 }), num(op, 0), result]) : result;
    });
  },
);

/** Sum of lgamma at steps of one half down. */
export const mvlgamma = aten(
  ['aten::mvlgamma(Tensor self, int p) -> Tensor', 'aten::special_multigammaln(Tensor self, int p) -> Tensor'],
  (op, { self, p }) => {
    if (p < 1 || p > 64) return op.aten.refuse('p', p, '1 to 64');
    return inDouble(op, self, (x) =>
      Array.from({ length: p }, (_, j) => logGamma(op, op.Sub([x, num(op, j / 2)]))).reduce(
        (a, b) => op.Add([a, b]),
        num(op, (p * (p - 1) * Math.log(Math.PI)) / 4),
      ),
    );
  },
);

function zetaOf(op: AtenBuilder, self: Value, other: Value): Value {
  const [s, q] = promotedToFloat(op, [self, other]) as [Value, Value];
  return cast(op, hurwitz(op, cast(op, s, 'float64'), cast(op, q, 'float64')), dtypeOf(s));
}
export const special_zeta = [
  ...aten('aten::special_zeta(Tensor self, Tensor other) -> Tensor', (op, a) => zetaOf(op, a.self, a.other)),
  ...aten('aten::special_zeta.other_scalar(Tensor self, Scalar other) -> Tensor', (op, a) =>
    zetaOf(op, a.self, numberOperand(op, a.other)),
  ),
  ...aten('aten::special_zeta.self_scalar(Scalar self, Tensor other) -> Tensor', (op, a) =>
    zetaOf(op, numberOperand(op, a.self), a.other),
  ),
];
