/**
 * ATen regularized incomplete gamma functions: a power series or a continued fraction, iterated in double until nothing
 * changes.
 */
import { tensorType } from '../../../tensor/type.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, promotedToFloat } from '../../promote.ts';
import { num } from '../../series.ts';
import { commonShape, expandTo, shapeOf } from '../../shape.ts';
import { normal } from './error-function.ts';
import { logGamma } from './gamma.ts';

/** Relative change below which a sum is done, and the number of steps after which the rest is given up. */
const EPSILON = 2 ** -52;
const MOST_STEPS = 1_000_000;
/** Above, a normal distribution of the cube root (Wilson and Hilferty) is closer than float32 tells. */
const LARGE = 1e7;

/**
 * Repeats `step` on values of one shape until all elements are done. `step` gives the next values and which are not
 * done.
 */
function iterated(
  op: AtenBuilder,
  name: string,
  initial: readonly Value[],
  step: (body: AtenBuilder, values: readonly Value[]) => { next: readonly Value[]; open: Value },
): Value[] {
  const body = op.sub(name) as AtenBuilder;
  body.graph.addInput(body.freshName('step'), tensorType('int64', []));
  body.graph.addInput(body.freshName('going'), tensorType('bool', []));
  const values = initial.map((v) => body.graph.addInput(body.freshName('value'), v.type!));
  const { next, open } = step(body, values);
  const flat = body.Reshape([body.Cast([open], { to: 'int32' }), op.ints([-1])]);
  const some = body.ReduceMax([body.Concat([op.tensor('int32', [1], [0]), flat], { axis: 0 }), op.ints([0])], {
    keepdims: 0,
  });
  body.graph.outputs.push(body.Cast([some], { to: 'bool' }), ...next);
  return op.Loop(
    [op.scalar('int64', MOST_STEPS), op.scalar('bool', true), ...initial],
    { body: body.graph },
    initial.length,
  );
}

/** 1 + x / (a + 1) + x^2 / ((a + 1)(a + 2)) + ... */
function powerSeries(op: AtenBuilder, a: Value, x: Value): Value {
  const one = expandTo(op, num(op, 1), shapeOf(x));
  const [, , sum] = iterated(op, 'series', [op.Identity([a]), one, op.Identity([one])], (body, [r, term, total]) => {
    const next = body.Add([r!, num(op, 1)]);
    const now = body.Mul([term!, body.Div([x, next])]);
    const more = body.Add([total!, now]);
    return { next: [next, now, more], open: body.Greater([now, body.Mul([more, num(op, EPSILON)])]) };
  });
  return sum!;
}

/** 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)) by Lentz's method. */
function continuedFraction(op: AtenBuilder, a: Value, x: Value): Value {
  const tiny = num(op, 1e-300);
  const notZero = (b: AtenBuilder, v: Value): Value => b.Where([b.Less([b.Abs([v]), tiny]), tiny, v]);
  const start = op.Add([op.Sub([x, a]), num(op, 1)]);
  const d0 = op.Reciprocal([notZero(op, start)]);
  const c0 = expandTo(op, num(op, 1e300), shapeOf(x));
  const k0 = expandTo(op, num(op, 0), shapeOf(x));
  const [, , , , h] = iterated(
    op,
    'fraction',
    [k0, op.Identity([start]), c0, d0, op.Identity([d0])],
    (body, [k, b, c, d, value]) => {
      const i = body.Add([k!, num(op, 1)]);
      const factor = body.Mul([i, body.Sub([a, i])]);
      const under = body.Add([b!, num(op, 2)]);
      const inverse = body.Reciprocal([notZero(body, body.Add([body.Mul([factor, d!]), under]))]);
      const over = notZero(body, body.Add([under, body.Div([factor, c!])]));
      const change = body.Mul([inverse, over]);
      const open = body.Greater([body.Abs([body.Sub([change, num(op, 1)])]), num(op, 2 * EPSILON)]);
      return { next: [i, under, over, inverse, body.Mul([value!, change])], open };
    },
  );
  return h!;
}

/** The lower half for large a. */
function byCubeRoot(op: AtenBuilder, a: Value, x: Value): { lower: Value; upper: Value } {
  const ninth = op.Reciprocal([op.Mul([a, num(op, 9)])]);
  const root = op.Pow([op.Div([x, a]), num(op, 1 / 3)]);
  const z = op.Div([op.Sub([root, op.Sub([num(op, 1), ninth])]), op.Sqrt([ninth])]);
  return { lower: normal(op, z), upper: normal(op, op.Neg([z])) };
}

/** Both halves, lower and upper; each is computed where it is the smaller one. */
function halves(op: AtenBuilder, a: Value, x: Value): { lower: Value; upper: Value } {
  const [zero, one] = [num(op, 0), num(op, 1)];
  const infinite = op.Or([op.IsInf([a]), op.IsInf([x])]);
  const positive = op.And([op.And([op.Greater([a, zero]), op.Greater([x, zero])]), op.Not([infinite])]);
  const large = op.And([positive, op.Greater([a, num(op, LARGE)])]);
  const ordinary = op.And([positive, op.Not([large])]);
  const bySeries = op.Or([op.LessOrEqual([x, one]), op.LessOrEqual([x, a])]);
  // Elements that take another way get numbers that are done at once.
  const safe = (wanted: Value, v: Value, other: number): Value => op.Where([wanted, v, num(op, other)]);
  const [low, high] = [op.And([ordinary, bySeries]), op.And([ordinary, op.Not([bySeries])])];
  const [as, xs] = [safe(ordinary, a, 1), safe(ordinary, x, 1)];
  const size = op.Exp([op.Sub([op.Sub([op.Mul([as, op.Log([xs])]), xs]), logGamma(op, as)])]);
  const series = op.Div([op.Mul([size, powerSeries(op, safe(low, a, 1), safe(low, x, 0.5))]), as]);
  const fraction = op.Mul([size, continuedFraction(op, safe(high, a, 1), safe(high, x, 20))]);
  const inside = (direct: Value, other: Value, own: Value): Value => op.Where([own, direct, op.Sub([one, other])]);
  const outside = (atZero: number, beyond: number): Value => {
    // x infinite: everything lies below; a infinite: nothing does; a = 0: everything does, except nothing of nothing.
    const limits = op.Where([op.IsInf([a]), num(op, atZero), num(op, beyond)]);
    const undefinedBoth = op.Or([
      op.And([op.IsInf([a]), op.IsInf([x])]),
      op.And([op.Equal([a, zero]), op.Equal([x, zero])]),
    ]);
    const wrong = op.Or([
      op.Or([op.Less([a, zero]), op.Less([x, zero])]),
      op.Or([op.Or([op.IsNaN([a]), op.IsNaN([x])]), undefinedBoth]),
    ]);
    const known = op.Where([op.Equal([x, zero]), num(op, atZero), limits]);
    return op.Where([wrong, num(op, NaN), known]);
  };
  const far = byCubeRoot(op, safe(large, a, 1), safe(large, x, 1));
  return {
    lower: op.Where([large, far.lower, op.Where([ordinary, inside(series, fraction, bySeries), outside(0, 1)])]),
    upper: op.Where([
      large,
      far.upper,
      op.Where([ordinary, inside(fraction, series, op.Not([bySeries])), outside(1, 0)]),
    ]),
  };
}

function incomplete(names: readonly string[], half: 'lower' | 'upper'): OpConverter[] {
  return names.flatMap((name) =>
    aten(`aten::${name}(Tensor self, Tensor other) -> Tensor`, (op, { self, other }) => {
      const operands = promotedToFloat(op, [self, other]);
      const shape = commonShape(op, operands.map(shapeOf));
      const [a, x] = operands.map((v) => expandTo(op, cast(op, v, 'float64'), shape)) as [Value, Value];
      return cast(op, halves(op, a, x)[half], dtypeOf(operands[0]!));
    }),
  );
}
export const igamma = incomplete(['igamma', 'special_gammainc'], 'lower');
export const igammac = incomplete(['igammac', 'special_gammaincc'], 'upper');
