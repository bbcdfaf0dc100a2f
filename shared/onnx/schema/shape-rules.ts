/** Type rules that many rows share: same as an input, broadcast, and what happens to known elements. */
import { addDims, type Dim, dimText, isStatic, mulDims, sameDim } from '../../tensor/dim.ts';
import { type Dtype, isFloat, isInteger } from '../../tensor/dtype.ts';
import { isUnknownDim } from '../unknown-dim.ts';
import type { Inferred, OpCall } from './row.ts';

export const typed = (dtype: Dtype, shape: readonly Dim[], content: readonly Dim[] | null = null): Inferred => ({
  type: { dtype, shape },
  content,
});

/** Numpy broadcasting of one pair of dimensions: a known size other than 1 wins over a symbol. */
export function broadcastDim(a: Dim, b: Dim, unknown: () => Dim): Dim {
  if (a === 1) return b;
  if (b === 1 || sameDim(a, b)) return a;
  if (isStatic(a) && isStatic(b)) throw new Error(`sizes ${a} and ${b} do not broadcast`);
  if (isStatic(a)) return a;
  if (isStatic(b)) return b;
  if (isUnknownDim(a)) return b;
  return isUnknownDim(b) ? a : unknown();
}

export function broadcastShapes(shapes: readonly (readonly Dim[])[], unknown: () => Dim): Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes.map((s) => s[s.length - rank + i] ?? 1).reduce((a, b) => broadcastDim(a, b, unknown), 1),
  );
}

/** Two dimensions that must have the same size: the better known of both. */
export function agreeDim(a: Dim, b: Dim, what: string): Dim {
  if (isStatic(a) && isStatic(b) && a !== b) throw new Error(`${what}: sizes ${a} and ${b} differ`);
  if (isStatic(a)) return a;
  return isStatic(b) || isUnknownDim(a) ? b : a;
}

/** Unknown where two paths disagree. */
export function mergeShapes(a: readonly Dim[], b: readonly Dim[], unknown: () => Dim): Dim[] | null {
  return a.length === b.length ? a.map((d, i) => (sameDim(d, b[i]!) ? d : unknown())) : null;
}

/** Output typed as input `index`. */
export const sameAs =
  (index = 0) =>
  (call: OpCall): Inferred => ({ type: call.type(index) });

/** As `sameAs(0)`, for operators that take floating point only. */
export const sameFloat = (call: OpCall): Inferred => {
  requireFloat(call, 0);
  return { type: call.type(0) };
};

export function requireFloat(call: OpCall, index: number): void {
  if (!isFloat(call.dtypeOf(index))) throw new Error(`${call.op} takes floating point, not ${call.dtypeOf(index)}`);
}

export function requireDtype(call: OpCall, index: number, ...allowed: readonly Dtype[]): void {
  if (!allowed.includes(call.dtypeOf(index)))
    throw new Error(`${call.op}: input ${index} is ${call.dtypeOf(index)}, not ${allowed.join(' or ')}`);
}

/** The element type that the inputs `indices` (default: all) have in common. */
export function commonDtype(call: OpCall, indices: readonly number[] = call.inputs.map((_, i) => i)): Dtype {
  const dtypes = indices.filter((i) => call.has(i)).map((i) => call.dtypeOf(i));
  if (dtypes.some((d) => d !== dtypes[0]))
    throw new Error(`${call.op}: inputs have different element types: ${dtypes.join(', ')}`);
  return dtypes[0]!;
}

export function requireRank(call: OpCall, index: number, rank: number): void {
  if (call.rank(index) !== rank)
    throw new Error(`${call.op}: input ${index} has rank ${call.rank(index)}, not ${rank}`);
}

export const broadcastInputs = (call: OpCall): Dim[] =>
  broadcastShapes(
    call.inputs.map((_, i) => call.shape(i)),
    () => call.unknownDim(),
  );

/** Broadcast of all inputs, which have one element type; the result has it too, or the one given. */
export const broadcast =
  (dtype?: Dtype) =>
  (call: OpCall): Inferred => {
    const common = commonDtype(call);
    return typed(dtype ?? common, broadcastInputs(call));
  };

/** Broadcast arithmetic that also follows integer elements: `fn` on dimensions. */
export const integerArithmetic =
  (fn: (a: Dim, b: Dim) => Dim | null) =>
  (call: OpCall): Inferred => ({ ...broadcast()(call), content: elementwise(call, fn) });

function elementwise(call: OpCall, fn: (a: Dim, b: Dim) => Dim | null): readonly Dim[] | null {
  if (!isInteger(call.dtypeOf(0))) return null;
  return call.inputs.map((_, i) => vectorContent(call, i)).reduce((a, b) => (a && b ? zipContent(a, b, fn) : null));
}

/** Elements of a scalar or vector. */
export const vectorContent = (call: OpCall, index: number): readonly Dim[] | null =>
  call.rank(index) <= 1 ? call.content(index) : null;

export function zipContent(
  a: readonly Dim[],
  b: readonly Dim[],
  fn: (a: Dim, b: Dim) => Dim | null,
): readonly Dim[] | null {
  if (a.length !== b.length && a.length !== 1 && b.length !== 1) return null;
  const count = Math.min(a.length, b.length) === 0 ? 0 : Math.max(a.length, b.length);
  const out = Array.from({ length: count }, (_, i) => fn(a[a.length === 1 ? 0 : i]!, b[b.length === 1 ? 0 : i]!));
  return out.every((d) => d !== null && (!isStatic(d) || Number.isSafeInteger(d))) ? (out as Dim[]) : null;
}

/** `axis` counted from the front. */
export function axisIn(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= Math.max(rank, 1))
    throw new Error(`axis ${axis} is outside rank ${rank}`);
  return at;
}

export const axesIn = (axes: readonly number[], rank: number): number[] => axes.map((a) => axisIn(a, rank));

export const replaceDim = (shape: readonly Dim[], axis: number, dim: Dim): Dim[] =>
  shape.map((d, i) => (i === axis ? dim : d));

export const sumDims = (dims: readonly Dim[]): Dim => addDims(...dims);
export const productDims = (dims: readonly Dim[]): Dim => (dims.includes(0) ? 0 : mulDims(...dims));

/** As many unknown dimensions as a vector of sizes has elements; null when even that is not known. */
export function unknownShape(call: OpCall, vector: number): Dim[] | null {
  const length = call.shape(vector)[0] ?? 1;
  return isStatic(length) ? Array.from({ length }, () => call.unknownDim()) : null;
}

/** A size that came out of arithmetic on sizes: negative means the call cannot be. */
export function size(call: OpCall, dim: Dim): Dim {
  if (isStatic(dim) && (dim < 0 || !Number.isSafeInteger(dim)))
    throw new Error(`${call.op}: an output dimension would be ${dimText(dim)}`);
  return dim;
}
