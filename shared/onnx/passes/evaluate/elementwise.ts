/**
 * Element-wise operators on constants. A row gives null where the result is not exactly what every runtime computes.
 */
import { type Dtype, integerRange, isFloat } from '../../../tensor/dtype.ts';
import {
  type Constant,
  broadcastIndices,
  broadcastShape,
  constant,
  floatsOf,
  isExactFloat,
  isWhole,
  take,
  wholesOf,
} from './constant.ts';
import type { Evaluate } from './evaluator.ts';

type FloatFn = (a: number, b: number) => number;
type WholeFn = (a: bigint, b: bigint) => bigint | null;

/** Types whose elements can be read as numbers. */
const isNumber = (dtype: Dtype): boolean =>
  isExactFloat(dtype) || dtype === 'bfloat16' || isWhole(dtype) || dtype === 'bool';

/** All inputs at the elements they broadcast to. */
function spread(inputs: readonly Constant[]): { shape: number[]; parts: Constant[] } | null {
  const shape = broadcastShape(inputs.map((i) => i.shape));
  return shape && { shape, parts: inputs.map((input) => take(input, broadcastIndices(input.shape, shape), shape)) };
}

/** Same type in and out; null for a kind without a function. */
const arithmetic =
  (float: FloatFn | null, whole: WholeFn | null): Evaluate =>
  ({ inputs }) => {
    const operands = inputs.filter((i) => i !== null);
    const dtype = operands[0]!.dtype;
    const all = spread(operands);
    if (!all || operands.some((o) => o.dtype !== dtype)) return null;
    if (isExactFloat(dtype) && float) {
      const [first, ...rest] = all.parts.map(floatsOf);
      return constant(
        dtype,
        all.shape,
        rest.length ? rest.reduce((a, b) => a.map((x, i) => float(x, b[i]!)), first!) : first!,
      );
    }
    if (!isWhole(dtype) || !whole) return null;
    const [first, ...rest] = all.parts.map(wholesOf);
    const result = rest.reduce<(bigint | null)[]>(
      (a, b) => a.map((x, i) => (x === null ? null : whole(x, b[i]!))),
      first!,
    );
    return result.includes(null) ? null : constant(dtype, all.shape, result as bigint[]);
  };

const comparison =
  (compare: (a: number | bigint, b: number | bigint) => boolean): Evaluate =>
  ({ inputs }) => {
    const [a, b] = inputs as [Constant, Constant];
    const all = spread([a, b]);
    if (!all || a.dtype !== b.dtype || !isNumber(a.dtype)) return null;
    const [x, y] = all.parts.map((part): ArrayLike<number | bigint> =>
      isFloat(a.dtype) ? floatsOf(part) : wholesOf(part),
    );
    return constant(
      'bool',
      all.shape,
      Array.from(x!, (v, i) => Number(compare(v, y![i]!))),
    );
  };

const logical = (fn: (a: boolean, b: boolean) => boolean): Evaluate => comparison((a, b) => fn(Boolean(a), Boolean(b)));

const unary =
  (float: ((x: number) => number) | null, whole: ((x: bigint) => bigint) | null): Evaluate =>
  ({ inputs }) => {
    const x = inputs[0]!;
    if (isExactFloat(x.dtype) && float) return constant(x.dtype, x.shape, floatsOf(x).map(float));
    return isWhole(x.dtype) && whole ? constant(x.dtype, x.shape, wholesOf(x).map(whole)) : null;
  };

/** Half to even, as ONNX and PyTorch round; what rounds to zero keeps its sign. */
function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  const rounded = rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
  return rounded === 0 && x < 0 ? -0 : rounded;
}

/** The sign of the divisor, as Python's. */
const floorMod = (a: bigint, b: bigint): bigint | null => (b === 0n ? null : ((a % b) + b) % b);

const power: WholeFn = (a, b) => (b < 0n || b > 63n ? null : a ** b);

const mod: Evaluate = (call) =>
  call.node.int('fmod') === 1
    ? arithmetic(
        (a, b) => a % b,
        (a, b) => (b === 0n ? null : a % b),
      )(call)
    : arithmetic(null, floorMod)(call);

const where: Evaluate = ({ inputs }) => {
  const [condition, x, y] = inputs as [Constant, Constant, Constant];
  const all = spread([condition, x, y]);
  if (!all || x.dtype !== y.dtype) return null;
  const [chosen, yes, no] = all.parts;
  const size = chosen!.bytes.length ? yes!.bytes.length / chosen!.bytes.length : 0;
  const bytes = no!.bytes.slice();
  chosen!.bytes.forEach((on, i) => {
    if (on) bytes.set(yes!.bytes.subarray(i * size, (i + 1) * size), i * size);
  });
  return { dtype: x.dtype, shape: all.shape, bytes };
};

const clip: Evaluate = ({ inputs }) => {
  const [x, low = null, high = null] = inputs as [Constant, Constant | null, Constant | null];
  if (!isWhole(x.dtype)) return null;
  const min = low && wholesOf(low)[0]!;
  const max = high && wholesOf(high)[0]!;
  return constant(
    x.dtype,
    x.shape,
    wholesOf(x).map((v) => {
      const raised = min !== null && v < min ? min : v;
      return max !== null && raised > max ? max : raised;
    }),
  );
};

const cast: Evaluate = ({ node, inputs }) => {
  const to = node.dtype('to');
  const values = castValues(inputs[0]!, to);
  return values && constant(to, inputs[0]!.shape, values);
};

/** Numbers that the target type holds after one rounding; null where the conversion is left to the machine. */
function castValues(from: Constant, to: Dtype): ArrayLike<number | bigint> | null {
  if (!isNumber(from.dtype) || !isNumber(to)) return null;
  if (!isFloat(from.dtype)) {
    const values = wholesOf(from);
    if (!isFloat(to)) return values;
    return values.every((v) => isRepresentableOnTheWay(Number(v), to) && Number.isSafeInteger(Number(v)))
      ? values.map(Number)
      : null;
  }
  const values = floatsOf(from);
  if (to === 'bool') return values.map((v) => (v === 0 ? 0 : 1));
  if (isFloat(to)) return values.every((v) => isRepresentableOnTheWay(v, to)) ? values : null;
  const [low, high] = integerRange(to);
  const whole = values.map(Math.trunc);
  return whole.every((v) => Number.isFinite(v) && BigInt(v) >= low && BigInt(v) <= high) ? whole : null;
}

/** Runtimes go to 16-bit floats by way of float32: fold only when that way rounds once. */
const isRepresentableOnTheWay = (value: number, to: Dtype): boolean =>
  (to !== 'float16' && to !== 'bfloat16') || Number.isNaN(value) || Math.fround(value) === value;

export const ELEMENTWISE: Readonly<Record<string, Evaluate>> = {
  Add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  // Integer division truncates.
  Div: arithmetic(
    (a, b) => a / b,
    (a, b) => (b === 0n ? null : a / b),
  ),
  Mod: mod,
  Pow: arithmetic(null, power),
  Min: arithmetic(Math.min, (a, b) => (a < b ? a : b)),
  Max: arithmetic(Math.max, (a, b) => (a > b ? a : b)),
  Neg: unary(
    (x) => -x,
    (x) => -x,
  ),
  Abs: unary(Math.abs, (x) => (x < 0n ? -x : x)),
  Sign: unary(null, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  Floor: unary(Math.floor, null),
  Ceil: unary(Math.ceil, null),
  Round: unary(roundHalfEven, null),
  Sqrt: unary(Math.sqrt, null),
  Reciprocal: unary((x) => 1 / x, null),
  Equal: comparison((a, b) => a === b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  And: logical((a, b) => a && b),
  Or: logical((a, b) => a || b),
  Xor: logical((a, b) => a !== b),
  Not: ({ inputs }) =>
    constant(
      'bool',
      inputs[0]!.shape,
      wholesOf(inputs[0]!).map((x) => (x === 0n ? 1n : 0n)),
    ),
  Where: where,
  Clip: clip,
  Cast: cast,
};
