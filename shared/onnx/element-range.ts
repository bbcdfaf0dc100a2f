/** Between which numbers the elements of an integer tensor lie, as far as the nodes that compute it tell. */
import { isStatic, mulDims } from '../tensor/dim.ts';
import { type Dtype, DTYPES, integerRange, isInteger } from '../tensor/dtype.ts';
import { decodeBigInts } from '../tensor/numbers.ts';
import type { Node, Value } from './ir.ts';
import { int } from './match.ts';

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Long chains say little more than their ends, and would be walked again for every node. */
const DEPTH = 12;
/** More elements than any tensor in memory has. */
const ELEMENTS = 2 ** 40;

export const rangeOf = (value: Value): Range => within(value, DEPTH);

/** The largest distance from zero. */
export const magnitudeOf = (value: Value): number => {
  const { low, high } = rangeOf(value);
  return Math.max(Math.abs(low), Math.abs(high));
};

const wholeType = (dtype: Dtype | undefined): Range => {
  if (dtype === undefined || !(isInteger(dtype) || dtype === 'bool')) return { low: -Infinity, high: Infinity };
  const [low, high] = integerRange(dtype);
  return { low: Number(low), high: Number(high) };
};

function within(value: Value, depth: number): Range {
  const whole = wholeType(value.type?.dtype);
  const known = contentRange(value) ?? constantRange(value);
  if (known) return known;
  const rule = ruleOf(value);
  const range = rule && depth > 0 ? rule(value.producer!, (v) => within(v, depth - 1)) : null;
  // What leaves the type wraps around to anywhere in it; what doubles cannot hold may have left it.
  const [low, high] = [Math.max(whole.low, -(2 ** 53)), Math.min(whole.high, 2 ** 53)];
  return range && range.low >= low && range.high <= high ? range : whole;
}

/** TopK and Unique give the places of elements beside them. */
function ruleOf(value: Value): Rule | undefined {
  const { producer } = value;
  if (producer?.domain !== '') return undefined;
  return WITH_PLACES.includes(producer.op) && producer.outputs[0] !== value ? places : RANGES[producer.op];
}

const spanOf = (numbers: readonly number[]): Range | null =>
  numbers.length
    ? { low: numbers.reduce((a, b) => Math.min(a, b)), high: numbers.reduce((a, b) => Math.max(a, b)) }
    : null;

const contentRange = ({ content }: Value): Range | null =>
  content?.every(isStatic) ? spanOf(content as readonly number[]) : null;

const LARGEST_READ = 1 << 16;

function constantRange({ data }: Value): Range | null {
  if (!data?.memory || data.byteLength > LARGEST_READ || DTYPES[data.dtype].bits < 8) return null;
  if (!isInteger(data.dtype) && data.dtype !== 'bool') return null;
  return spanOf(decodeBigInts(data.dtype, data.memory).map(Number));
}

type Rule = (node: Node, of: (value: Value) => Range) => Range | null;

const input = (node: Node, i: number, of: (value: Value) => Range): Range => of(node.inputs[i]!);
const moved: Rule = (node, of) => input(node, 0, of);
const anyOf = (ranges: readonly Range[]): Range => ({
  low: Math.min(...ranges.map((r) => r.low)),
  high: Math.max(...ranges.map((r) => r.high)),
});
const places: Rule = () => ({ low: 0, high: ELEMENTS });

const arithmetic =
  (combine: (a: Range, b: Range) => Range): Rule =>
  (node, of) =>
    node.inputs.slice(1).reduce((a, x) => combine(a, of(x!)), input(node, 0, of));

const product = (a: Range, b: Range): Range => {
  const ends = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return { low: Math.min(...ends), high: Math.max(...ends) };
};

/** The number of elements along axes that are fixed, else more than there can be. */
function total(node: Node, of: (value: Value) => Range): Range {
  const count = mulDims(...(node.inputs[0]!.type?.shape ?? []));
  const times = isStatic(count) ? count : ELEMENTS;
  const { low, high } = input(node, 0, of);
  return { low: Math.min(0, low * times), high: Math.max(0, high * times) };
}

/** The sign of the divisor, or with `fmod` that of the dividend. */
function remainder(node: Node, of: (value: Value) => Range): Range {
  const [x, y] = [input(node, 0, of), input(node, 1, of)];
  const most = Math.max(Math.abs(y.low), Math.abs(y.high));
  const sign = int(node, 'fmod') === 1 ? x : y;
  return { low: sign.low < 0 ? -most : 0, high: sign.high > 0 ? most : 0 };
}

function quotient(node: Node, of: (value: Value) => Range): Range {
  const x = input(node, 0, of);
  const most = Math.max(Math.abs(x.low), Math.abs(x.high));
  return { low: x.low >= 0 && input(node, 1, of).low >= 0 ? 0 : -most, high: most };
}

/** A cast from floating point or text tells nothing. */
function converted(node: Node, of: (value: Value) => Range): Range | null {
  const from = node.inputs[0]!.type?.dtype;
  return from && (isInteger(from) || from === 'bool') ? input(node, 0, of) : null;
}

const WITH_PLACES = ['TopK', 'Unique'];
const MOVERS = [
  ...['Identity', 'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze', 'Slice'],
  ...['Gather', 'GatherElements', 'GatherND', 'Expand', 'Tile', 'Split', ...WITH_PLACES],
];
const PLACES = ['ArgMax', 'ArgMin', 'NonZero', 'Shape', 'Size'];

const RANGES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(MOVERS.map((name) => [name, moved])),
  ...Object.fromEntries(PLACES.map((name) => [name, places])),
  Concat: (node, of) => anyOf(node.inputs.map((x) => of(x!))),
  Where: (node, of) => anyOf([input(node, 1, of), input(node, 2, of)]),
  Cast: converted,
  Add: arithmetic((a, b) => ({ low: a.low + b.low, high: a.high + b.high })),
  Sub: arithmetic((a, b) => ({ low: a.low - b.high, high: a.high - b.low })),
  Mul: arithmetic(product),
  Max: arithmetic((a, b) => ({ low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) })),
  Min: arithmetic((a, b) => ({ low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) })),
  Mod: remainder,
  Div: quotient,
  CumSum: total,
  ReduceSum: total,
};
