/** ATen Bessel and Airy functions, in double; formulas of the Cephes Math Library, which PyTorch uses. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { chebyshev, inDouble, num, polynomial, rational } from '../../series.ts';
import { AIRY, MODIFIED, ORDER_0, ORDER_1 } from './bessel-tables.ts';

const TWO_OVER_PI = 2 / Math.PI;

interface Waves {
  readonly even: Value;
  readonly odd: Value;
  readonly phase: Value;
  readonly scale: Value;
}

/** Beyond 5: waves of slowly falling size, sqrt(2 / (pi x)) (even cos - odd sin). */
function waves(op: AtenBuilder, x: Value, table: typeof ORDER_0 | typeof ORDER_1, shift: number): Waves {
  const inverse = op.Div([num(op, 5), x]);
  const square = op.Mul([inverse, inverse]);
  return {
    even: rational(op, square, table.pp, table.pq),
    odd: op.Mul([inverse, rational(op, square, table.qp, table.qq)]),
    phase: op.Sub([x, num(op, shift)]),
    scale: op.Div([num(op, Math.sqrt(TWO_OVER_PI)), op.Sqrt([x])]),
  };
}
const firstKind = (op: AtenBuilder, { even, odd, phase, scale }: Waves): Value =>
  op.Mul([op.Sub([op.Mul([even, op.Cos([phase])]), op.Mul([odd, op.Sin([phase])])]), scale]);
const secondKind = (op: AtenBuilder, { even, odd, phase, scale }: Waves): Value =>
  op.Mul([op.Add([op.Mul([even, op.Sin([phase])]), op.Mul([odd, op.Cos([phase])])]), scale]);

const isNear = (op: AtenBuilder, x: Value): Value => op.LessOrEqual([x, num(op, 5)]);
const roots = (op: AtenBuilder, square: Value, first: number, second: number): Value =>
  op.Mul([op.Sub([square, num(op, first)]), op.Sub([square, num(op, second)])]);

function j0(op: AtenBuilder, given: Value): Value {
  const x = op.Abs([given]);
  const square = op.Mul([x, x]);
  const near = op.Mul([
    roots(op, square, 5.78318596294678452118, 30.4712623436620863991),
    rational(op, square, ORDER_0.rp, ORDER_0.rq),
  ]);
  return op.Where([isNear(op, x), near, firstKind(op, waves(op, x, ORDER_0, Math.PI / 4))]);
}
function j1(op: AtenBuilder, given: Value): Value {
  const x = op.Abs([given]);
  const square = op.Mul([x, x]);
  const near = op.Mul([
    op.Mul([rational(op, square, ORDER_1.rp, ORDER_1.rq), x]),
    roots(op, square, 14.6819706421238932572, 49.2184563216946036703),
  ]);
  const size = op.Where([isNear(op, x), near, firstKind(op, waves(op, x, ORDER_1, 0.75 * Math.PI))]);
  return op.Where([op.Less([given, num(op, 0)]), op.Neg([size]), size]);
}

/** The second kind has a pole at 0 and is not real below. */
const onPositive = (op: AtenBuilder, x: Value, pole: number, value: Value): Value =>
  op.Where([op.Equal([x, num(op, 0)]), num(op, pole), op.Where([op.Less([x, num(op, 0)]), num(op, NaN), value])]);

function y0(op: AtenBuilder, x: Value): Value {
  const near = op.Add([
    rational(op, op.Mul([x, x]), ORDER_0.yp, ORDER_0.yq),
    op.Mul([op.Mul([num(op, TWO_OVER_PI), op.Log([x])]), j0(op, x)]),
  ]);
  return onPositive(
    op,
    x,
    -Infinity,
    op.Where([isNear(op, x), near, secondKind(op, waves(op, x, ORDER_0, Math.PI / 4))]),
  );
}
function y1(op: AtenBuilder, x: Value): Value {
  const singular = op.Mul([num(op, TWO_OVER_PI), op.Sub([op.Mul([j1(op, x), op.Log([x])]), op.Reciprocal([x])])]);
  const near = op.Add([op.Mul([x, rational(op, op.Mul([x, x]), ORDER_1.yp, ORDER_1.yq)]), singular]);
  return onPositive(
    op,
    x,
    -Infinity,
    op.Where([isNear(op, x), near, secondKind(op, waves(op, x, ORDER_1, 0.75 * Math.PI))]),
  );
}

interface Series {
  readonly near: readonly number[];
  readonly far: readonly number[];
  readonly odd?: boolean;
}

/** exp(-|x|) I(|x|), without x's sign. */
function scaledI(op: AtenBuilder, x: Value, { near, far, odd = false }: Series): Value {
  const low = chebyshev(op, op.Sub([op.Mul([x, num(op, 0.5)]), num(op, 2)]), near);
  const high = op.Div([chebyshev(op, op.Sub([op.Div([num(op, 32), x]), num(op, 2)]), far), op.Sqrt([x])]);
  return op.Where([op.LessOrEqual([x, num(op, 8)]), odd ? op.Mul([low, x]) : low, high]);
}
const i0e = (op: AtenBuilder, x: Value): Value =>
  scaledI(op, op.Abs([x]), { near: MODIFIED.i0Near, far: MODIFIED.i0Far });
const i1e = (op: AtenBuilder, x: Value): Value => {
  const size = scaledI(op, op.Abs([x]), { near: MODIFIED.i1Near, far: MODIFIED.i1Far, odd: true });
  return op.Where([op.Less([x, num(op, 0)]), op.Neg([size]), size]);
};
const i0 = (op: AtenBuilder, x: Value): Value => op.Mul([op.Exp([op.Abs([x])]), i0e(op, x)]);
const i1 = (op: AtenBuilder, x: Value): Value => op.Mul([op.Exp([op.Abs([x])]), i1e(op, x)]);

/** exp(x) K(x), where `near` gives K itself. */
function scaledK(op: AtenBuilder, x: Value, near: Value, far: readonly number[]): Value {
  const high = op.Div([chebyshev(op, op.Sub([op.Div([num(op, 8), x]), num(op, 2)]), far), op.Sqrt([x])]);
  return onPositive(op, x, Infinity, op.Where([op.LessOrEqual([x, num(op, 2)]), op.Mul([near, op.Exp([x])]), high]));
}
const squareLess2 = (op: AtenBuilder, x: Value): Value => op.Sub([op.Mul([x, x]), num(op, 2)]);
const logHalf = (op: AtenBuilder, x: Value): Value => op.Log([op.Mul([x, num(op, 0.5)])]);
const k0e = (op: AtenBuilder, x: Value): Value =>
  scaledK(
    op,
    x,
    op.Sub([chebyshev(op, squareLess2(op, x), MODIFIED.k0Near), op.Mul([logHalf(op, x), i0(op, x)])]),
    MODIFIED.k0Far,
  );
const k1e = (op: AtenBuilder, x: Value): Value =>
  scaledK(
    op,
    x,
    op.Add([op.Div([chebyshev(op, squareLess2(op, x), MODIFIED.k1Near), x]), op.Mul([logHalf(op, x), i1(op, x)])]),
    MODIFIED.k1Far,
  );
const unscaled =
  (f: typeof k0e) =>
  (op: AtenBuilder, x: Value): Value =>
    op.Mul([f(op, x), op.Exp([op.Neg([x])])]);

/** Powers of z = x^3 around zero; 20 terms are enough up to 2.09 on either side. */
function airyNear(op: AtenBuilder, x: Value): Value {
  const coefficients = (from: number): number[] => {
    const list = [1];
    for (let k = 1; k < 20; k++) list.push(list[k - 1]! / ((3 * k - 1 + from) * (3 * k + from)));
    return list.reverse();
  };
  const cube = op.Mul([op.Mul([x, x]), x]);
  const [f, g] = [polynomial(op, cube, coefficients(0)), op.Mul([x, polynomial(op, cube, coefficients(1))])];
  return op.Sub([op.Mul([num(op, 0.35502805388781723926), f]), op.Mul([num(op, 0.258819403792806798405), g])]);
}

function airy(op: AtenBuilder, x: Value): Value {
  const size = op.Abs([x]);
  const zeta = op.Mul([op.Mul([size, op.Sqrt([size])]), num(op, 2 / 3)]);
  const inverse = op.Reciprocal([zeta]);
  const square = op.Mul([inverse, inverse]);
  const spread = op.Div([num(op, 1 / Math.sqrt(Math.PI)), op.Sqrt([op.Sqrt([size])])]);
  const right = op.Mul([
    op.Mul([op.Mul([spread, num(op, 0.5)]), rational(op, inverse, AIRY.an, AIRY.ad)]),
    op.Exp([op.Neg([zeta])]),
  ]);
  const phase = op.Add([zeta, num(op, Math.PI / 4)]);
  const even = op.Add([num(op, 1), op.Mul([square, rational(op, square, AIRY.afn, AIRY.afd)])]);
  const odd = op.Mul([inverse, rational(op, square, AIRY.agn, AIRY.agd)]);
  const left = op.Mul([spread, op.Sub([op.Mul([op.Sin([phase]), even]), op.Mul([op.Cos([phase]), odd])])]);
  const ends = op.Where([
    op.GreaterOrEqual([x, num(op, 2.09)]),
    right,
    op.Where([op.Less([x, num(op, -2.09)]), left, airyNear(op, x)]),
  ]);
  return op.Where([op.IsInf([x]), num(op, NaN), op.Where([op.Greater([x, num(op, 103.892)]), num(op, 0), ends])]);
}

/** sin(x) / x, with its series where the quotient loses digits. */
function sphericalJ0(op: AtenBuilder, x: Value): Value {
  const series = polynomial(op, op.Mul([x, x]), [
    1 / 6227020800,
    -1 / 39916800,
    1 / 362880,
    -1 / 5040,
    1 / 120,
    -1 / 6,
    1,
  ]);
  const value = op.Where([op.Less([op.Abs([x]), num(op, 0.5)]), series, op.Div([op.Sin([x]), x])]);
  return op.Where([op.IsInf([x]), num(op, 0), value]);
}

type Function = (op: AtenBuilder, x: Value) => Value;
const unary = (argument: 'self' | 'x', table: Readonly<Record<string, Function>>): OpConverter[] =>
  Object.entries(table).flatMap(([name, f]) =>
    aten(`aten::${name}(Tensor ${argument}) -> Tensor`, (op, a) =>
      inDouble(op, (a as Readonly<Record<string, Value>>)[argument]!, (x) => f(op, x)),
    ),
  );

export const bessel = [
  ...unary('self', {
    i0,
    special_i0: i0,
    special_i0e: i0e,
    special_i1: i1,
    special_i1e: i1e,
    special_bessel_j0: j0,
    special_bessel_j1: j1,
    special_bessel_y0: y0,
    special_bessel_y1: y1,
    special_modified_bessel_i0: i0,
    special_modified_bessel_i1: i1,
    special_modified_bessel_k0: unscaled(k0e),
    special_modified_bessel_k1: unscaled(k1e),
  }),
  ...unary('x', {
    special_airy_ai: airy,
    special_scaled_modified_bessel_k0: k0e,
    special_scaled_modified_bessel_k1: k1e,
    special_spherical_bessel_j0: sphericalJ0,
  }),
];
