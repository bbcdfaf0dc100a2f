/** ATen operators that make tensors. */
import { addDims, ceilDivDims, type Dim, isStatic, subDims } from '../../tensor/dim.ts';
import { type Dtype, isFloat, isInteger } from '../../tensor/dtype.ts';
import type { Value } from '../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf, scalarOf } from '../promote.ts';
import { expandTo, filledTensor, rankOf, shapeOf, slice, staticSize } from '../shape.ts';
import type { ScalarArg } from '../schema.ts';

const OPTIONS = 'ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None';

/** A full tensor takes the type of its number unless one is asked for. */
const numberDtype = (value: ScalarArg): Dtype => (value.kind === 'run-time' ? dtypeOf(value.value) : ({ int: 'int64', float: DEFAULT_FLOAT, bool: 'bool', complex: 'complex64' } as const)[value.kind]);

function filled(op: AtenBuilder, size: readonly Dim[], value: ScalarArg, dtype: Dtype): Value {
  if (value.kind === 'run-time' || value.kind === 'complex') return expandTo(op, scalarOf(op, value, dtype), size);
  // Fractions given to integer types are cut off, as PyTorch does.
  const number = typeof value.value === 'boolean' ? Number(value.value) : value.value;
  if (dtype === 'bool') return filledTensor(op, size, 'bool', number ? 1 : 0);
  return filledTensor(op, size, dtype, typeof number === 'number' && isInteger(dtype) ? Math.trunc(number) : number);
}
const constant = (value: number): ScalarArg => ({ kind: 'int', value });

export const full = aten(`aten::full(SymInt[] size, Scalar fill_value, *, ${OPTIONS}) -> Tensor`, (op, { size, fill_value, dtype }) => filled(op, size, fill_value, dtype ?? numberDtype(fill_value)));
export const zeros = aten(`aten::zeros(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) => filled(op, size, constant(0), dtype ?? DEFAULT_FLOAT));
export const ones = aten(`aten::ones(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) => filled(op, size, constant(1), dtype ?? DEFAULT_FLOAT));
/** What an empty tensor holds is undefined: zeros are as good as any. */
export const empty = aten(`aten::empty.memory_format(SymInt[] size, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, (op, { size, dtype }) => filled(op, size, constant(0), dtype ?? DEFAULT_FLOAT));

export const new_full = aten(`aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ${OPTIONS}) -> Tensor`, (op, { self, size, fill_value, dtype }) => filled(op, size, fill_value, dtype ?? dtypeOf(self)));
export const new_zeros = aten([`aten::new_zeros(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`, `aten::new_empty(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`], (op, { self, size, dtype }) =>
  filled(op, size, constant(0), dtype ?? dtypeOf(self)),
);
export const new_ones = aten(`aten::new_ones(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { self, size, dtype }) => filled(op, size, constant(1), dtype ?? dtypeOf(self)));

export const full_like = aten(`aten::full_like(Tensor self, Scalar fill_value, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, (op, { self, fill_value, dtype }) =>
  filled(op, shapeOf(self), fill_value, dtype ?? dtypeOf(self)),
);
export const zeros_like = aten(
  [`aten::zeros_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, `aten::empty_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`],
  (op, { self, dtype }) => filled(op, shapeOf(self), constant(0), dtype ?? dtypeOf(self)),
);
export const ones_like = aten(`aten::ones_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, (op, { self, dtype }) => filled(op, shapeOf(self), constant(1), dtype ?? dtypeOf(self)));
export const fill = aten('aten::fill.Scalar(Tensor self, Scalar value) -> Tensor', (op, { self, value }) => filled(op, shapeOf(self), value, dtypeOf(self)));
export const fillTensor = aten('aten::fill.Tensor(Tensor self, Tensor value) -> Tensor', (op, { self, value }) => expandTo(op, cast(op, value, dtypeOf(self)), shapeOf(self)));
export const zero = aten('aten::zero(Tensor self) -> Tensor', (op, { self }) => filled(op, shapeOf(self), constant(0), dtypeOf(self)));
export const scalar_tensor = aten(`aten::scalar_tensor(Scalar s, *, ${OPTIONS}) -> Tensor`, (op, { s, dtype }) => op.Identity([scalarOf(op, s, dtype ?? DEFAULT_FLOAT)]));

/** Numbers from `start` to `end`, `step` apart; any float makes them float. */
function range(op: AtenBuilder, start: ScalarArg, end: ScalarArg, step: ScalarArg, dtype: Dtype | null): Value {
  const parts = [start, end, step];
  const result = dtype ?? (parts.some((p) => (p.kind === 'run-time' ? isFloat(dtypeOf(p.value)) : p.kind === 'float')) ? DEFAULT_FLOAT : 'int64');
  const numbers = parts.map((p) => (p.kind === 'run-time' || p.kind === 'complex' ? null : Number(p.value)));
  const [from, to, by] = numbers;
  if (from != null && to != null && by != null) {
    const count = Math.max(0, Math.ceil((to - from) / by));
    const whole = isInteger(result);
    return op.Identity([op.tensor(result, [count], Float64Array.from({ length: count }, (_, i) => (whole ? Math.trunc(from) + i * Math.trunc(by) : from + i * by)))]);
  }
  const compute: Dtype = isFloat(result) ? result : 'int64';
  const values = op.Range(parts.map((p) => scalarOf(op, p, compute)));
  const length = rangeLength(parts);
  if (length !== null) values.type = { dtype: compute, shape: [length] };
  return cast(op, values, result);
}

/** Elements of a Range over symbolic integers. */
function rangeLength(parts: readonly ScalarArg[]): Dim | null {
  const dims = parts.map((p): Dim | null => (p.kind === 'run-time' ? (p.value.content?.[0] ?? null) : p.kind === 'int' ? Number(p.value) : null));
  const [start, end, step] = dims;
  return start != null && end != null && typeof step === 'number' && step > 0 ? ceilDivDims(subDims(end, start), step) : null;
}
export const arange = aten(`aten::arange(Scalar end, *, ${OPTIONS}) -> Tensor`, (op, { end, dtype }) => range(op, constant(0), end, constant(1), dtype));
export const arangeStart = aten(`aten::arange.start(Scalar start, Scalar end, *, ${OPTIONS}) -> Tensor`, (op, { start, end, dtype }) => range(op, start, end, constant(1), dtype));
export const arangeStep = aten(`aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ${OPTIONS}) -> Tensor`, (op, { start, end, step, dtype }) => range(op, start, end, step, dtype));

/** PyTorch counts from both ends, so that the last number is exact. */
function spaced(op: AtenBuilder, start: ScalarArg, end: ScalarArg, steps: Dim, dtype: Dtype): Value {
  if (!isStatic(steps) || [start, end].some((p) => p.kind === 'run-time' || p.kind === 'complex')) return op.aten.refuse('steps', steps, 'numbers known when the model is converted');
  const [from, to] = [start, end].map((p) => Number((p as { value: number }).value)) as [number, number];
  if (isInteger(dtype)) return op.aten.refuse('dtype', dtype, 'floating-point types');
  const step = steps > 1 ? (to - from) / (steps - 1) : 0;
  const half = Math.floor(steps / 2);
  return op.Identity([op.tensor(dtype, [steps], Float64Array.from({ length: steps }, (_, i) => (i < half || steps === 1 ? from + step * i : to - step * (steps - i - 1))))]);
}
export const linspace = aten(`aten::linspace(Scalar start, Scalar end, int steps, *, ${OPTIONS}) -> Tensor`, (op, { start, end, steps, dtype }) => spaced(op, start, end, steps, dtype ?? DEFAULT_FLOAT));

const identity = (op: AtenBuilder, n: Dim, m: Dim, dtype: Dtype): Value => {
  const rows = op.Unsqueeze([range(op, constant(0), dimNumber(op, n), constant(1), 'int64'), op.ints([1])]);
  const columns = op.Unsqueeze([range(op, constant(0), dimNumber(op, m), constant(1), 'int64'), op.ints([0])]);
  return cast(op, op.Equal([rows, columns]), dtype);
};
const dimNumber = (op: AtenBuilder, dim: Dim): ScalarArg => (isStatic(dim) ? constant(dim) : { kind: 'run-time', value: op.dim(dim) });
export const eye = aten(`aten::eye(SymInt n, *, ${OPTIONS}) -> Tensor`, (op, { n, dtype }) => identity(op, n, n, dtype ?? DEFAULT_FLOAT));
export const eyeM = aten(`aten::eye.m(SymInt n, SymInt m, *, ${OPTIONS}) -> Tensor`, (op, { n, m, dtype }) => identity(op, n, m, dtype ?? DEFAULT_FLOAT));

/** Keep one side of the diagonal; Trilu has kernels for these types, the others go through int64. */
function triangle(op: AtenBuilder, self: Value, upper: number, diagonal: Dim): Value {
  const through = dtypeOf(self) === 'bool' || !/^(float32|float64|int64)$/.test(dtypeOf(self)) ? 'int64' : dtypeOf(self);
  const x = isFloat(dtypeOf(self)) && through === 'int64' ? cast(op, self, 'float32') : cast(op, self, through);
  return cast(op, op.Trilu([x, op.dim(diagonal)], { upper }), dtypeOf(self));
}
export const tril = aten('aten::tril(Tensor self, SymInt diagonal=0) -> Tensor', (op, { self, diagonal }) => triangle(op, self, 0, diagonal));
export const triu = aten('aten::triu(Tensor self, SymInt diagonal=0) -> Tensor', (op, { self, diagonal }) => triangle(op, self, 1, diagonal));

/** Random numbers differ on every run, so only their type and shape can be held to PyTorch's. */
function random(op: AtenBuilder, how: 'RandomUniformLike' | 'RandomNormalLike', size: readonly Dim[], dtype: Dtype): Value {
  // onnxruntime has no kernel for the versions of opset 22.
  if (op.opset >= 22) return op.aten.refuse('opset_version', op.opset, 'opset 21 or lower for models that draw random numbers');
  op.aten.warn('the model draws random numbers: its outputs differ from run to run');
  return cast(op, op[how]([filledTensor(op, size, 'float32', 0)], { dtype: 'float32' }), dtype);
}
export const rand = aten(`aten::rand(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) => random(op, 'RandomUniformLike', size, dtype ?? DEFAULT_FLOAT));
export const randn = aten(`aten::randn(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) => random(op, 'RandomNormalLike', size, dtype ?? DEFAULT_FLOAT));
export const rand_like = aten(`aten::rand_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, (op, { self, dtype }) => random(op, 'RandomUniformLike', shapeOf(self), dtype ?? dtypeOf(self)));
export const randn_like = aten(`aten::randn_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`, (op, { self, dtype }) => random(op, 'RandomNormalLike', shapeOf(self), dtype ?? dtypeOf(self)));

/** Last axis first: [left, right, top, bottom, ...]. */
function padded(op: AtenBuilder, self: Value, pad: readonly Dim[], mode: string, value: Value | null): Value {
  const rank = rankOf(self);
  const begins = new Array<Dim>(rank).fill(0);
  const ends = new Array<Dim>(rank).fill(0);
  for (let i = 0; i < pad.length / 2; i++) {
    begins[rank - 1 - i] = pad[2 * i]!;
    ends[rank - 1 - i] = pad[2 * i + 1]!;
  }
  if (mode === 'circular') return circular(op, self, begins, ends);
  // A negative pad takes elements away; only constant padding has that in every runtime.
  if (mode !== 'constant' && pad.some((d) => isStatic(d) && d < 0)) return picked(op, self, begins, ends, mode);
  return op.Pad([self, op.dims([...begins, ...ends]), value], { mode: mode === 'replicate' ? 'edge' : mode });
}

/** Every output position's input position, as PyTorch computes it: clamped for replicate, mirrored for reflect. */
function picked(op: AtenBuilder, self: Value, begins: readonly Dim[], ends: readonly Dim[], mode: string): Value {
  return shapeOf(self).reduce<Value>((x, dim, axis) => {
    if (begins[axis] === 0 && ends[axis] === 0) return x;
    const [size, before, after] = [dim, begins[axis]!, ends[axis]!].map((d) => staticSize(op, d, 'pad')) as [number, number, number];
    const last = size + before - 1;
    const inside = (j: number): number => {
      if (mode === 'replicate') return Math.min(Math.max(j, before), last);
      return j < before ? 2 * before - j : j > last ? 2 * last - j : j;
    };
    return op.Gather([x, op.ints(Array.from({ length: Math.max(0, size + before + after) }, (_, j) => inside(j) - before))], { axis });
  }, self);
}

function trimmed(op: AtenBuilder, x: Value, begins: readonly Dim[], ends: readonly Dim[]): Value {
  return shapeOf(x).reduce<Value>((v, size, axis) => {
    const [b, e] = [begins[axis]!, ends[axis]!];
    const from = isStatic(b) && b < 0 ? -b : 0;
    const to = isStatic(e) && e < 0 ? addDims(size, e) : Infinity;
    return from === 0 && to === Infinity ? v : slice(op, v, axis, from, to);
  }, x);
}

/** Around the end: pieces of the other side, cut where pads are negative. */
function circular(op: AtenBuilder, self: Value, begins: readonly Dim[], ends: readonly Dim[]): Value {
  return shapeOf(self).reduce<Value>((x, size, axis) => {
    const [b, e] = [begins[axis]!, ends[axis]!];
    if (b === 0 && e === 0) return x;
    if (!isStatic(b) || !isStatic(e)) return op.aten.refuse('pad', [b, e], 'numbers known when the model is converted');
    const inner = trimmed(op, x, begins.map((v, i) => (i === axis ? v : 0)), ends.map((v, i) => (i === axis ? v : 0)));
    const left = b > 0 ? [slice(op, x, axis, subDims(addDims(size, Math.min(e, 0)), b), addDims(size, Math.min(e, 0)))] : [];
    const right = e > 0 ? [slice(op, x, axis, Math.max(0, -b), Math.max(0, -b) + e)] : [];
    return op.Concat([...left, inner, ...right], { axis });
  }, self);
}

export const pad = aten('aten::pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor', (op, { self, pad: sizes, mode, value }) =>
  padded(op, self, sizes, mode, mode === 'constant' ? padValue(op, self, { kind: 'float', value: value ?? 0 }) : null),
);
export const constant_pad_nd = aten('aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor', (op, { self, pad: sizes, value }) => padded(op, self, sizes, 'constant', padValue(op, self, value)));
const padValue = (op: AtenBuilder, self: Value, value: ScalarArg): Value => scalarOf(op, value, dtypeOf(self));
type PadSchema = 'aten::pad(Tensor self, SymInt[2] padding) -> Tensor';
export const paddings = [1, 2, 3].flatMap((rank) => [
  ...aten(`aten::reflection_pad${rank}d(Tensor self, SymInt[${2 * rank}] padding) -> Tensor` as PadSchema, (op, { self, padding }) => padded(op, self, padding, 'reflect', null)),
  ...aten(`aten::replication_pad${rank}d(Tensor self, SymInt[${2 * rank}] padding) -> Tensor` as PadSchema, (op, { self, padding }) => padded(op, self, padding, 'replicate', null)),
]);
