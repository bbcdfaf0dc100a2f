/**
 * ATen orthogonal polynomials of degree n, which is a tensor: closed forms for Chebyshev's, recurrences for the others,
 * in double.
 */
import { tensorType } from '../../../tensor/type.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, promotedToFloat } from '../../promote.ts';
import { num } from '../../series.ts';
import { commonShape, expandTo, shapeOf } from '../../shape.ts';

interface Point {
  readonly x: Value;
  /** Whole, at least 0. */
  readonly n: Value;
  readonly isOdd: Value;
}

/** The arc sine for 0 to sqrt(1/2): ONNX runtimes have it in float32, two of Newton's steps give the other digits. */
function arcSine(op: AtenBuilder, y: Value): Value {
  let angle = op.Cast([op.Asin([op.Cast([y], { to: 'float32' })])], { to: 'float64' });
  for (let i = 0; i < 2; i++) angle = op.Add([angle, op.Div([op.Sub([y, op.Sin([angle])]), op.Cos([angle])])]);
  return angle;
}

/** The arc cosine of -1 to 1, by the smaller of the half angle's sine and cosine: both have all digits. */
function arcCosine(op: AtenBuilder, x: Value): Value {
  const one = num(op, 1);
  const [sine, cosine] = [op.Sub([one, x]), op.Add([one, x])].map((v) => op.Sqrt([half(op, v)])) as [Value, Value];
  const angle = arcSine(op, op.Min([sine, cosine]));
  return op.Mul([op.Where([op.LessOrEqual([sine, cosine]), angle, op.Sub([num(op, Math.PI / 2), angle])]), num(op, 2)]);
}

/** Angles of x = cos(inside) within [-1, 1] and of |x| = cosh(outside) beyond. */
function angles(op: AtenBuilder, x: Value): { inside: Value; outside: Value } {
  const one = num(op, 1);
  const size = op.Max([op.Abs([x]), one]);
  // size^2 - 1 as a product: its square would overflow for large x.
  const root = op.Mul([op.Sqrt([op.Sub([size, one])]), op.Sqrt([op.Add([size, one])])]);
  return { inside: arcCosine(op, op.Max([op.Min([x, one]), num(op, -1)])), outside: op.Log([op.Add([size, root])]) };
}
const half = (op: AtenBuilder, x: Value): Value => op.Mul([x, num(op, 0.5)]);
const hyperbolic = (op: AtenBuilder, x: Value, sign: 'Add' | 'Sub'): Value =>
  half(op, op[sign]([op.Exp([x]), op.Exp([op.Neg([x])])]));
const cosh = (op: AtenBuilder, x: Value): Value => hyperbolic(op, x, 'Add');
const sinh = (op: AtenBuilder, x: Value): Value => hyperbolic(op, x, 'Sub');

interface Chebyshev {
  inside(op: AtenBuilder, angle: Value, n: Value): Value;
  /** Above 1, and for |x| below -1 (the sign of odd degrees is put on afterwards). */
  above(op: AtenBuilder, angle: Value, n: Value): Value;
  below(op: AtenBuilder, angle: Value, n: Value): Value;
  /** At 1 and at -1, likewise without the sign. */
  ends(op: AtenBuilder, n: Value): readonly [Value, Value];
}

const more = (op: AtenBuilder, n: Value, by: number): Value => op.Add([n, num(op, by)]);
const times = (op: AtenBuilder, a: Value, b: Value): Value => op.Mul([a, b]);
/** 2n + 1. */
const steps = (op: AtenBuilder, n: Value): Value => more(op, op.Add([n, n]), 1);
const evenRatio = (op: AtenBuilder, angle: Value, n: Value): Value =>
  op.Div([cosh(op, times(op, more(op, n, 0.5), angle)), cosh(op, half(op, angle))]);
const oddRatio = (op: AtenBuilder, angle: Value, n: Value): Value =>
  op.Div([sinh(op, times(op, more(op, n, 0.5), angle)), sinh(op, half(op, angle))]);

const T: Chebyshev = {
  inside: (op, angle, n) => op.Cos([times(op, n, angle)]),
  above: (op, angle, n) => cosh(op, times(op, n, angle)),
  below: (op, angle, n) => cosh(op, times(op, n, angle)),
  ends: (op) => [num(op, 1), num(op, 1)],
};
const grown = (op: AtenBuilder, angle: Value, n: Value): Value =>
  op.Div([sinh(op, times(op, more(op, n, 1), angle)), sinh(op, angle)]);
const U: Chebyshev = {
  inside: (op, angle, n) => op.Div([op.Sin([times(op, more(op, n, 1), angle)]), op.Sin([angle])]),
  above: grown,
  below: grown,
  ends: (op, n) => [more(op, n, 1), more(op, n, 1)],
};
const V: Chebyshev = {
  inside: (op, angle, n) => op.Div([op.Cos([times(op, more(op, n, 0.5), angle)]), op.Cos([half(op, angle)])]),
  above: evenRatio,
  below: oddRatio,
  ends: (op, n) => [num(op, 1), steps(op, n)],
};
const W: Chebyshev = {
  inside: (op, angle, n) => op.Div([op.Sin([times(op, more(op, n, 0.5), angle)]), op.Sin([half(op, angle)])]),
  above: oddRatio,
  below: evenRatio,
  ends: (op, n) => [steps(op, n), num(op, 1)],
};

function chebyshev(op: AtenBuilder, { x, n, isOdd }: Point, kind: Chebyshev): Value {
  const { inside, outside } = angles(op, x);
  const one = num(op, 1);
  const signed = (v: Value): Value => op.Where([isOdd, op.Neg([v]), v]);
  const [atOne, atMinusOne] = kind.ends(op, n);
  const right = op.Where([
    op.Greater([x, one]),
    kind.above(op, outside, n),
    op.Where([op.Equal([x, one]), atOne, kind.inside(op, inside, n)]),
  ]);
  const minusOne = num(op, -1);
  return op.Where([
    op.Less([x, minusOne]),
    signed(kind.below(op, outside, n)),
    op.Where([op.Equal([x, minusOne]), signed(atMinusOne), right]),
  ]);
}

/** Degree k + 1 from k (`q`) and k - 1 (`p`). */
interface Step {
  readonly k: Value;
  readonly q: Value;
  readonly p: Value;
}

interface Recurrence {
  /** The polynomial of degree 1. */
  first(op: AtenBuilder, x: Value): Value;
  next(op: AtenBuilder, x: Value, step: Step): Value;
  /** PyTorch gives NaN for higher degrees than these, by type. */
  readonly limit?: Readonly<Record<string, number>>;
  /** Where the value is known. */
  fixed?(op: AtenBuilder, point: Point, value: Value): Value;
}
const HERMITE_LIMIT = { float32: 128, float64: 512, float16: 1024, bfloat16: 1024 };
/** `a q - k p`. */
const weighted = (op: AtenBuilder, a: Value, { k, q, p }: Step): Value => op.Sub([op.Mul([a, q]), op.Mul([k, p])]);

const HERMITE_H: Recurrence = {
  first: (op, x) => op.Add([x, x]),
  next: (op, x, { k, q, p }) => weighted(op, op.Add([x, x]), { k: op.Add([k, k]), q, p }),
  limit: HERMITE_LIMIT,
};
const HERMITE_HE: Recurrence = {
  first: (_, x) => x,
  next: weighted,
  limit: HERMITE_LIMIT,
};
const LAGUERRE: Recurrence = {
  first: (op, x) => op.Sub([num(op, 1), x]),
  next: (op, x, step) => op.Div([weighted(op, op.Sub([steps(op, step.k), x]), step), more(op, step.k, 1)]),
  fixed: (op, { x }, value) => op.Where([op.Equal([x, num(op, 0)]), num(op, 1), value]),
};
const LEGENDRE: Recurrence = {
  first: (_, x) => x,
  next: (op, x, step) => op.Div([weighted(op, op.Mul([steps(op, step.k), x]), step), more(op, step.k, 1)]),
  fixed: (op, { x, isOdd }, value) => {
    const sign = op.Where([op.And([isOdd, op.Less([x, num(op, 0)])]), num(op, -1), num(op, 1)]);
    return op.Where([op.Equal([op.Abs([x]), num(op, 1)]), sign, value]);
  },
};

/** As many steps as the highest degree needs; lower degrees stop when they are reached. */
function recurred(op: AtenBuilder, point: Point, kind: Recurrence, limit: number | null): Value {
  const shape = commonShape(op, [shapeOf(point.x), shapeOf(point.n)]);
  const x = expandTo(op, point.x, shape);
  const degree = limit === null ? point.n : op.Min([point.n, num(op, limit)]);
  // One more number: an empty tensor has no maximum.
  const degrees = op.Concat([op.tensor('float64', [1], [1]), op.Reshape([degree, op.ints([-1])])], { axis: 0 });
  const highest = op.ReduceMax([degrees, op.ints([0])], { keepdims: 0 });
  const count = op.Cast([op.Sub([highest, num(op, 1)])], { to: 'int64' });
  const body = op.sub('recurrence') as AtenBuilder;
  const input = (name: string, dtype: 'int64' | 'bool' | 'float64'): Value =>
    body.graph.addInput(body.freshName(name), tensorType(dtype, dtype === 'float64' ? shape : []));
  const [step, going, p, q] = [
    input('step', 'int64'),
    input('going', 'bool'),
    input('lower', 'float64'),
    input('upper', 'float64'),
  ];
  const k = body.Cast([body.Add([step, op.scalar('int64', 1)])], { to: 'float64' });
  const reached = body.LessOrEqual([degree, k]);
  const keep = (old: Value, now: Value): Value => body.Where([reached, old, now]);
  body.graph.outputs.push(body.Identity([going]), keep(p, q), keep(q, kind.next(body, x, { k, q, p })));
  const start = expandTo(op, num(op, 1), shape);
  const last = op.Loop(
    [count, op.scalar('bool', true), start, op.Identity([kind.first(op, x)])],
    { body: body.graph },
    2,
  )[1]!;
  const value = limit === null ? last : op.Where([op.Greater([point.n, num(op, limit)]), num(op, NaN), last]);
  return kind.fixed ? kind.fixed(op, point, value) : value;
}

/** Degree 0 is 1, negative degrees (and undefined ones) are 0. */
function ofDegree(op: AtenBuilder, x: Value, n: Value, f: (point: Point, limitType: string) => Value): Value {
  const [argument, degree] = promotedToFloat(op, [x, n]) as [Value, Value];
  const dtype = dtypeOf(argument);
  const given = cast(op, degree, 'float64');
  const zero = num(op, 0);
  const finite = op.Not([op.Or([op.IsNaN([given]), op.IsInf([given])])]);
  const whole = op.Where([op.Less([given, zero]), op.Ceil([given]), op.Floor([given])]);
  const valid = op.And([finite, op.GreaterOrEqual([whole, zero])]);
  const safe = op.Where([valid, whole, zero]);
  const isOdd = op.Greater([op.Sub([safe, op.Mul([op.Floor([half(op, safe)]), num(op, 2)])]), zero]);
  const value = f({ x: cast(op, argument, 'float64'), n: safe, isOdd }, dtype);
  const any = op.Where([op.Equal([safe, zero]), num(op, 1), value]);
  return cast(op, op.Where([valid, any, zero]), dtype);
}

function polynomials(name: string, f: (op: AtenBuilder, point: Point, dtype: string) => Value): OpConverter[] {
  const convert = (op: AtenBuilder, x: Value, n: Value): Value =>
    ofDegree(op, x, n, (point, dtype) => f(op, point, dtype));
  return [
    ...aten(`aten::${name}(Tensor x, Tensor n) -> Tensor`, (op, a) => convert(op, a.x, a.n)),
    ...aten(`aten::${name}.n_scalar(Tensor x, Scalar n) -> Tensor`, (op, a) =>
      convert(op, a.x, numberOperand(op, a.n)),
    ),
    ...aten(`aten::${name}.x_scalar(Scalar x, Tensor n) -> Tensor`, (op, a) =>
      convert(op, numberOperand(op, a.x), a.n),
    ),
  ];
}

export const chebyshevs = Object.entries({ t: T, u: U, v: V, w: W }).flatMap(([letter, kind]) => [
  ...polynomials(`special_chebyshev_polynomial_${letter}`, (op, point) => chebyshev(op, point, kind)),
  ...polynomials(`special_shifted_chebyshev_polynomial_${letter}`, (op, point) =>
    chebyshev(op, { ...point, x: more(op, op.Add([point.x, point.x]), -1) }, kind),
  ),
]);
export const recurrences = Object.entries({
  hermite_polynomial_h: HERMITE_H,
  hermite_polynomial_he: HERMITE_HE,
  laguerre_polynomial_l: LAGUERRE,
  legendre_polynomial_p: LEGENDRE,
}).flatMap(([name, kind]) =>
  polynomials(`special_${name}`, (op, point, dtype) => recurred(op, point, kind, kind.limit?.[dtype] ?? null)),
);
