/** Shapes while lowering: axes, sizes and reshapes, with symbolic dimensions where they are. */
import {
  type Dim,
  dimText,
  divideExactly,
  floorDivDims,
  isStatic,
  mulDims,
  sameDim,
  symbolsOf,
} from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { memoryData } from '../tensor/data.ts';
import type { Value } from '../onnx/ir.ts';
import { broadcastDim } from '../onnx/schema/shape-rules.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';

export const shapeOf = (value: Value): readonly Dim[] => value.type!.shape;
export const rankOf = (value: Value): number => shapeOf(value).length;

/** `dim` counted from the front; a 0-d tensor has axes 0 and -1, as in PyTorch. */
export function axisOf(op: AtenBuilder, dim: number, rank: number): number {
  const axis = dim < 0 ? dim + Math.max(rank, 1) : dim;
  if (axis < 0 || axis >= Math.max(rank, 1)) op.aten.refuse('dim', dim, `an axis of ${rank} dimensions`);
  return axis;
}

/** The size as a number, or a refusal that names the argument it was needed for. */
export function staticSize(op: AtenBuilder, dim: Dim, what: string): number {
  return isStatic(dim) ? dim : op.aten.refuse(what, dimText(dim), 'a size that is fixed when the model is converted');
}

export const staticSizes = (op: AtenBuilder, value: Value, what: string): number[] =>
  shapeOf(value).map((d) => staticSize(op, d, what));

/** `size` with its -1 worked out from the number of elements. */
export function resolveSize(own: readonly Dim[], size: readonly Dim[]): Dim[] {
  const open = size.indexOf(-1);
  if (open < 0) return [...size];
  // Sizes that stand on both sides cancel first: a quotient of sums has no normal form.
  const left = [...own];
  const known = size.filter((dim, i) => {
    const at = i === open || dim === 0 ? -1 : left.findIndex((d) => sameDim(d, dim));
    if (at >= 0) left.splice(at, 1);
    return i !== open && at < 0;
  });
  const [total, divisor] = [mulDims(...left), mulDims(...known)];
  const rest = divideExactly(total, divisor) ?? (divisor === 0 ? 0 : floorDivDims(total, divisor));
  return size.map((d, i) => (i === open ? rest : d));
}

/** Reshape to resolved dimensions, with as little shape arithmetic as the symbols allow. */
export function reshape(op: AtenBuilder, x: Value, dims: readonly Dim[]): Value {
  const own = shapeOf(x);
  if (own.length === dims.length && dims.every((d, i) => sameDim(d, own[i]!))) return op.Identity([x]);
  const reshaped = reshapeCall(op, x, dims);
  // The table may know less of a 0 or -1 than we do.
  reshaped.type = { dtype: dtypeOf(x), shape: dims };
  return reshaped;
}

function reshapeCall(op: AtenBuilder, x: Value, dims: readonly Dim[]): Value {
  // A literal 0 means "copy" in ONNX; an empty tensor needs it taken at its word.
  if (dims.includes(0)) return op.Reshape([x, op.dims(dims)], { allowzero: 1 });
  const own = shapeOf(x);
  const symbolic = dims.flatMap((d, i) => (isStatic(d) ? [] : [i]));
  if (symbolic.length === 0) return op.Reshape([x, op.dims(dims)]);
  const copied = symbolic.filter((i) => own[i] !== undefined && sameDim(own[i], dims[i]!));
  const left = symbolic.length === 1 ? symbolic : symbolic.filter((i) => !copied.includes(i));
  if (left.length > 1) return op.Reshape([x, op.dims(dims)]);
  return op.Reshape([x, op.ints(dims.map((d, i) => (left.includes(i) ? -1 : isStatic(d) ? d : 0)))]);
}

/**
 * The shape that shapes broadcast to. Where two sizes are called differently, the run tells which of them counts: the
 * one that is not 1.
 */
export function commonShape(op: AtenBuilder, shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes
      .map((shape) => shape[shape.length - rank + i] ?? 1)
      .reduce((a, b) => broadcastDim(a, b, () => eitherSize(op, a, b)), 1),
  );
}

function eitherSize(op: AtenBuilder, a: Dim, b: Dim): Dim {
  const size = op.unknownDim();
  if ([...symbolsOf(b, symbolsOf(a))].every((name) => op.dimValues.knows(name)))
    op.dimValues.bindScalar(
      dimText(size),
      op.Where([op.Equal([op.dim(a), op.scalar('int64', 1)]), op.dim(b), op.dim(a)]),
    );
  return size;
}

/** Broadcast to `dims`; sizes that stay are written as 1. */
export function expandTo(op: AtenBuilder, x: Value, dims: readonly Dim[]): Value {
  const own = shapeOf(x);
  const lead = dims.length - own.length;
  const stays = (i: number): boolean => i >= lead && sameDim(own[i - lead]!, dims[i]!);
  if (lead === 0 && dims.every((_, i) => stays(i))) return op.Identity([x]);
  const expanded = op.Expand([x, op.dims(dims.map((d, i) => (stays(i) ? 1 : d)))]);
  expanded.type = { dtype: dtypeOf(x), shape: dims };
  return expanded;
}

export function transpose(op: AtenBuilder, x: Value, perm: readonly number[]): Value {
  return perm.every((p, i) => p === i) ? op.Identity([x]) : op.Transpose([x], { perm });
}

export function swapAxes(op: AtenBuilder, x: Value, a: number, b: number): Value {
  const perm = shapeOf(x).map((_, i) => (i === a ? b : i === b ? a : i));
  return transpose(op, x, perm);
}

export const unsqueeze = (op: AtenBuilder, x: Value, axes: readonly number[]): Value =>
  axes.length ? op.Unsqueeze([x, op.ints(axes)]) : x;
export const squeeze = (op: AtenBuilder, x: Value, axes: readonly number[]): Value =>
  axes.length ? op.Squeeze([x, op.ints(axes)]) : x;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** One bound of a Slice as int64[1]; infinite bounds are the ends of the axis. */
function bound(op: AtenBuilder, value: Dim): Value {
  if (value === Infinity) return op.tensor('int64', [1], [INT64_MAX]);
  return value === -Infinity ? op.tensor('int64', [1], [INT64_MIN]) : op.dims([value]);
}

export interface Range {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step?: number;
}

/** `x[start:end:step]` along one axis. */
export function slice(op: AtenBuilder, x: Value, { axis, start, end, step = 1 }: Range): Value {
  const size = shapeOf(x)[axis]!;
  const cut = isStatic(size) && isStatic(end) && step > 0 ? Math.min(end, size) : end;
  if (start === 0 && step === 1 && (cut === Infinity || sameDim(cut, size))) return op.Identity([x]);
  return op.Slice([x, bound(op, start), bound(op, cut), op.ints([axis]), op.ints([step])]);
}

/** A tensor with every element `value`, by ConstantOfShape: no large constants in the file. */
export function filledTensor(op: AtenBuilder, dims: readonly Dim[], dtype: Dtype, value: number | bigint): Value {
  const filled = op.ConstantOfShape([op.dims(dims)], { value: memoryData(dtype, [1], encodeNumbers(dtype, [value])) });
  filled.type = { dtype, shape: dims };
  return filled;
}
