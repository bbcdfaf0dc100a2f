/**
 * ATen functions around the normal distribution: the error function's complement, its scaled form and inverses, in
 * double.
 */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { inDouble, log1p, num, rational } from '../../series.ts';

// W. J. Cody, Rational Chebyshev approximations for the error function (1969): three ranges, highest power first.
const ERF = {
  over: [
    1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3,
  ],
  under: [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
};
const MIDDLE = {
  over: [
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
  ],
  under: [
    1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
  ],
};
const TAIL = {
  over: [
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
  ],
  under: [
    1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3,
  ],
};
const SQRT_HALF = Math.SQRT1_2;

interface Parts {
  /** |x| is small: erf itself is precise. */
  readonly small: Value;
  readonly erf: Value;
  /** exp(x^2) erfc(|x|) for the others. */
  readonly scaled: Value;
}

function parts(op: AtenBuilder, x: Value): Parts {
  const size = op.Abs([x]);
  const square = op.Mul([x, x]);
  const erf = op.Mul([x, rational(op, square, ERF.over, ERF.under)]);
  const middle = rational(op, size, MIDDLE.over, MIDDLE.under);
  const inverse = op.Reciprocal([square]);
  const rest = op.Mul([inverse, rational(op, inverse, TAIL.over, TAIL.under)]);
  const tail = op.Div([op.Sub([num(op, 1 / Math.sqrt(Math.PI)), rest]), size]);
  return {
    small: op.LessOrEqual([size, num(op, 0.46875)]),
    erf,
    scaled: op.Where([op.LessOrEqual([size, num(op, 4)]), middle, tail]),
  };
}

const isNegative = (op: AtenBuilder, x: Value): Value => op.Less([x, num(op, 0)]);

function complement(op: AtenBuilder, x: Value): Value {
  const { small, erf, scaled } = parts(op, x);
  const far = op.Mul([op.Exp([op.Neg([op.Mul([x, x])])]), scaled]);
  return op.Where([small, op.Sub([num(op, 1), erf]), op.Where([isNegative(op, x), op.Sub([num(op, 2), far]), far])]);
}

function scaledComplement(op: AtenBuilder, x: Value): Value {
  const { small, erf, scaled } = parts(op, x);
  const growth = op.Exp([op.Mul([x, x])]);
  const left = op.Sub([op.Mul([num(op, 2), growth]), scaled]);
  return op.Where([small, op.Mul([growth, op.Sub([num(op, 1), erf])]), op.Where([isNegative(op, x), left, scaled])]);
}

// M. J. Wichura, Algorithm AS 241 (1988): percentage points of the normal distribution, highest power first.
const CENTRE = {
  over: [
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.387132872796366608,
  ],
  under: [
    5.226495278852854561e3, 2.8729085735721942674e4, 3.930789580009271061e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.871870074920579083e2, 4.2313330701600911252e1, 1,
  ],
};
const SIDE = {
  over: [
    7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.4178072517745061177e-1, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  ],
  under: [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2, 1.4810397642748007459e-1,
    6.8976733498510000455e-1, 1.6763848301838038494, 2.05319162663775882187, 1,
  ],
};
const FAR = {
  over: [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3, 2.6532189526576123093e-2,
    2.9656057182850489123e-1, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
  ],
  under: [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    1.48753612908506148525e-2, 1.3692988092273580531e-1, 5.9983220655588793769e-1, 1,
  ],
};

/** The point whose probability differs from a half by `q`; `rest` is the probability beyond it, on its side. */
function percentagePoint(op: AtenBuilder, q: Value, rest: Value): Value {
  const centre = op.Mul([q, rational(op, op.Sub([num(op, 0.180625), op.Mul([q, q])]), CENTRE.over, CENTRE.under)]);
  const depth = op.Sqrt([op.Neg([op.Log([rest])])]);
  const side = rational(op, op.Sub([depth, num(op, 1.6)]), SIDE.over, SIDE.under);
  const far = rational(op, op.Sub([depth, num(op, 5)]), FAR.over, FAR.under);
  const size = op.Where([
    op.Equal([rest, num(op, 0)]),
    num(op, Infinity),
    op.Where([op.LessOrEqual([depth, num(op, 5)]), side, far]),
  ]);
  return op.Where([
    op.Greater([op.Abs([q]), num(op, 0.425)]),
    op.Where([isNegative(op, q), op.Neg([size]), size]),
    centre,
  ]);
}

function inverse(op: AtenBuilder, y: Value): Value {
  const half = num(op, 0.5);
  const point = percentagePoint(op, op.Mul([y, half]), op.Mul([op.Sub([num(op, 1), op.Abs([y])]), half]));
  return op.Mul([point, num(op, SQRT_HALF)]);
}

const normalInverse = (op: AtenBuilder, p: Value): Value =>
  percentagePoint(op, op.Sub([p, num(op, 0.5)]), op.Min([p, op.Sub([num(op, 1), p])]));
export const normal = (op: AtenBuilder, x: Value): Value =>
  op.Mul([complement(op, op.Mul([x, num(op, -SQRT_HALF)])), num(op, 0.5)]);

function logNormal(op: AtenBuilder, x: Value): Value {
  const t = op.Mul([x, num(op, SQRT_HALF)]);
  const half = num(op, 0.5);
  const left = op.Sub([op.Log([op.Mul([scaledComplement(op, op.Neg([t])), half])]), op.Mul([t, t])]);
  const right = log1p(op, op.Neg([op.Mul([complement(op, t), half])]));
  return op.Where([op.Less([x, num(op, -1)]), left, right]);
}

const unary = (names: readonly string[], f: (op: AtenBuilder, x: Value) => Value): OpConverter[] =>
  names.flatMap((name) =>
    aten(`aten::${name}(Tensor self) -> Tensor`, (op, { self }) => inDouble(op, self, (x) => f(op, x))),
  );

export const erfinv = unary(['erfinv', 'special_erfinv'], inverse);
export const erfcx = unary(['special_erfcx'], scaledComplement);
export const ndtr = unary(['special_ndtr'], normal);
export const ndtri = unary(['special_ndtri'], normalInverse);
export const log_ndtr = unary(['special_log_ndtr'], logNormal);
