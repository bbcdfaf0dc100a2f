/** Linear and cubic interpolation by a given scale, where only the run tells the sizes: gathers and weights. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf, reshape, shapeOf } from '../../shape.ts';
import { windowNumbers } from '../../sliding-windows.ts';
import type { Axis } from './nearest.ts';

interface Tap {
  /** int64 (out): the elements that are read. */
  readonly places: Value;
  /** float32 (out) */
  readonly weights: Value;
}

type Interpolation = 'linear' | 'cubic';
const CUBIC = -0.75;

/** Weights of the four elements around a place that lies `t` behind the second. */
function cubicWeights(op: AtenBuilder, t: Value): Value[] {
  const num = (value: number): Value => op.scalar('float32', value);
  const polynomial = (x: Value, factors: readonly number[]): Value =>
    factors.slice(1).reduce((sum, f) => op.Add([op.Mul([sum, x]), num(f)]), num(factors[0]!));
  const near = (x: Value): Value => polynomial(x, [CUBIC + 2, -(CUBIC + 3), 0, 1]);
  const far = (x: Value): Value => polynomial(x, [CUBIC, -5 * CUBIC, 8 * CUBIC, -4 * CUBIC]);
  const rest = op.Sub([num(1), t]);
  return [far(op.Add([t, num(1)])), near(t), near(rest), far(op.Add([rest, num(1)]))];
}

/** float32: input elements for one of the result. Linear interpolation copies where the size stays. */
function ratioOf(op: AtenBuilder, { size, out, given }: Axis, how: Interpolation): Value {
  const byScale = op.scalar('float32', 1 / given!);
  if (how === 'cubic' || given! < 1 || given! >= 2) return byScale;
  return op.Where([op.Equal([op.dim(size), op.dim(out)]), op.scalar('float32', 1), byScale]);
}

function tapsOf(op: AtenBuilder, axis: Axis, how: Interpolation): Tap[] {
  const { size, out } = axis;
  const num = (value: number): Value => op.scalar('float32', value);
  const middles = op.Add([op.Cast([windowNumbers(op, out)], { to: 'float32' }), num(0.5)]);
  const free = op.Sub([op.Mul([middles, ratioOf(op, axis, how)]), num(0.5)]);
  const real = how === 'linear' ? op.Max([free, num(0)]) : free;
  const last = op.Sub([op.dim(size), op.scalar('int64', 1)]);
  const before = op.Min([op.Cast([op.Floor([real])], { to: 'int64' }), last]);
  const past = op.Clip([op.Sub([real, op.Cast([before], { to: 'float32' })]), num(0), num(1)]);
  const weights = how === 'linear' ? [op.Sub([num(1), past]), past] : cubicWeights(op, past);
  const first = how === 'linear' ? 0 : -1;
  return weights.map((w, i) => {
    const moved = op.Add([before, op.scalar('int64', first + i)]);
    return { places: op.Max([op.Min([moved, last]), op.scalar('int64', 0)]), weights: w };
  });
}

/** `axes` are the last of `x`. Sums are in float32 at least, as PyTorch's. */
export function interpolatedByScale(op: AtenBuilder, x: Value, axes: readonly Axis[], how: Interpolation): Value {
  if (!isFloat(dtypeOf(x))) return op.aten.refuse('input', dtypeOf(x), 'floating-point tensors');
  const wide = dtypeOf(x) === 'float64' ? 'float64' : 'float32';
  const first = rankOf(x) - axes.length;
  const result = axes.reduce<Value>(
    (v, axis, i) => {
      const at = first + i;
      const shape = shapeOf(v).map((d, n) => (n === at ? axis.out : d));
      const column = shape.slice(at).map((d, n) => (n === 0 ? d : 1));
      const terms = tapsOf(op, axis, how).map(({ places, weights }) =>
        op.Mul([op.Gather([v, places], { axis: at }), reshape(op, cast(op, weights, wide), column)]),
      );
      const sum = terms.reduce((a, b) => op.Add([a, b]));
      sum.type = { dtype: wide, shape };
      return sum;
    },
    cast(op, x, wide),
  );
  return cast(op, result, dtypeOf(x));
}
