/** ATen operators that make tensors. */
import { ceilDivDims, type Dim, isStatic, subDims } from '../../../tensor/dim.ts';
import { type Dtype, DTYPES, isFloat, isInteger } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf, scalarOf } from '../../promote.ts';
import { expandTo, filledTensor, shapeOf } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';
import { OPTIONS } from '../../tensor-options.ts';

/** A full tensor takes the type of its number unless one is asked for. */
const numberDtype = (value: ScalarArg): Dtype =>
  value.kind === 'run-time'
    ? dtypeOf(value.value)
    : ({ int: 'int64', float: DEFAULT_FLOAT, bool: 'bool', complex: 'complex64' } as const)[value.kind];

function filled(op: AtenBuilder, size: readonly Dim[], value: ScalarArg, dtype: Dtype): Value {
  if (value.kind === 'run-time' || value.kind === 'complex') return expandTo(op, scalarOf(op, value, dtype), size);
  const number = typeof value.value === 'boolean' ? Number(value.value) : value.value;
  if (dtype === 'bool') return filledTensor(op, size, 'bool', number ? 1 : 0);
  return filledTensor(op, size, dtype, isInteger(dtype) ? wrapped(op, number, dtype) : number);
}
/** Fractions given to integer types are cut off and large numbers wrap, as PyTorch does. */
function wrapped(op: AtenBuilder, number: number | bigint, dtype: Dtype): bigint {
  if (typeof number === 'number' && !Number.isFinite(number))
    return op.aten.refuse('fill_value', number, `a finite number for ${dtype}`);
  const whole = BigInt(typeof number === 'number' ? Math.trunc(number) : number);
  const { bits, kind } = DTYPES[dtype];
  return kind === 'uint' ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole);
}
const constant = (value: number): ScalarArg => ({ kind: 'int', value });

export const full = aten(
  `aten::full(SymInt[] size, Scalar fill_value, *, ${OPTIONS}) -> Tensor`,
  (op, { size, fill_value, dtype }) => filled(op, size, fill_value, dtype ?? numberDtype(fill_value)),
);
export const zeros = aten(`aten::zeros(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) =>
  filled(op, size, constant(0), dtype ?? DEFAULT_FLOAT),
);
export const ones = aten(`aten::ones(SymInt[] size, *, ${OPTIONS}) -> Tensor`, (op, { size, dtype }) =>
  filled(op, size, constant(1), dtype ?? DEFAULT_FLOAT),
);
/** What an empty tensor holds is undefined: zeros are as good as any. */
export const empty = aten(
  `aten::empty.memory_format(SymInt[] size, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  (op, { size, dtype }) => filled(op, size, constant(0), dtype ?? DEFAULT_FLOAT),
);

export const new_full = aten(
  `aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ${OPTIONS}) -> Tensor`,
  (op, { self, size, fill_value, dtype }) => filled(op, size, fill_value, dtype ?? dtypeOf(self)),
);
export const new_zeros = aten(
  [
    `aten::new_zeros(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`,
    `aten::new_empty(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`,
  ],
  (op, { self, size, dtype }) => filled(op, size, constant(0), dtype ?? dtypeOf(self)),
);
export const new_ones = aten(
  `aten::new_ones(Tensor self, SymInt[] size, *, ${OPTIONS}) -> Tensor`,
  (op, { self, size, dtype }) => filled(op, size, constant(1), dtype ?? dtypeOf(self)),
);

export const full_like = aten(
  `aten::full_like(Tensor self, Scalar fill_value, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  (op, { self, fill_value, dtype }) => filled(op, shapeOf(self), fill_value, dtype ?? dtypeOf(self)),
);
export const zeros_like = aten(
  [
    `aten::zeros_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
    `aten::empty_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  ],
  (op, { self, dtype }) => filled(op, shapeOf(self), constant(0), dtype ?? dtypeOf(self)),
);
export const ones_like = aten(
  `aten::ones_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  (op, { self, dtype }) => filled(op, shapeOf(self), constant(1), dtype ?? dtypeOf(self)),
);
export const fill = aten('aten::fill.Scalar(Tensor self, Scalar value) -> Tensor', (op, { self, value }) =>
  filled(op, shapeOf(self), value, dtypeOf(self)),
);
export const fillTensor = aten('aten::fill.Tensor(Tensor self, Tensor value) -> Tensor', (op, { self, value }) =>
  expandTo(op, cast(op, value, dtypeOf(self)), shapeOf(self)),
);
export const zero = aten('aten::zero(Tensor self) -> Tensor', (op, { self }) =>
  filled(op, shapeOf(self), constant(0), dtypeOf(self)),
);
export const scalar_tensor = aten(`aten::scalar_tensor(Scalar s, *, ${OPTIONS}) -> Tensor`, (op, { s, dtype }) =>
  op.Identity([scalarOf(op, s, dtype ?? DEFAULT_FLOAT)]),
);

interface Counting {
  readonly start?: ScalarArg;
  readonly end: ScalarArg;
  readonly step?: ScalarArg;
  readonly dtype: Dtype | null;
}

/** Numbers from `start` to `end`, `step` apart; any float makes them float. */
function range(op: AtenBuilder, { start = constant(0), end, step = constant(1), dtype }: Counting): Value {
  const parts = [start, end, step];
  const result =
    dtype ??
    (parts.some((p) => (p.kind === 'run-time' ? isFloat(dtypeOf(p.value)) : p.kind === 'float'))
      ? DEFAULT_FLOAT
      : 'int64');
  const numbers = parts.map((p) => (p.kind === 'run-time' || p.kind === 'complex' ? null : Number(p.value)));
  const [from, to, by] = numbers;
  if (from != null && to != null && by != null) {
    const count = Math.max(0, Math.ceil((to - from) / by));
    if (isInteger(result))
      return op.Identity([
        op.tensor(
          result,
          [count],
          Array.from({ length: count }, (_, i) => wrapped(op, Math.trunc(from) + i * Math.trunc(by), result)),
        ),
      ]);
    return op.Identity([
      op.tensor(
        result,
        [count],
        Float64Array.from({ length: count }, (_, i) => from + i * by),
      ),
    ]);
  }
  const compute: Dtype = isFloat(result) ? result : 'int64';
  const values = op.Range(parts.map((p) => scalarOf(op, p, compute)));
  const length = rangeLength(parts);
  if (length !== null) values.type = { dtype: compute, shape: [length] };
  return cast(op, values, result);
}

/** Elements of a Range over symbolic integers. */
function rangeLength(parts: readonly ScalarArg[]): Dim | null {
  const dims = parts.map((p): Dim | null =>
    p.kind === 'run-time' ? (p.value.content?.[0] ?? null) : p.kind === 'int' ? Number(p.value) : null,
  );
  const [start, end, step] = dims;
  return start != null && end != null && typeof step === 'number' && step > 0
    ? ceilDivDims(subDims(end, start), step)
    : null;
}
export const arange = aten(`aten::arange(Scalar end, *, ${OPTIONS}) -> Tensor`, (op, { end, dtype }) =>
  range(op, { end, dtype }),
);
export const arangeStart = aten(`aten::arange.start(Scalar start, Scalar end, *, ${OPTIONS}) -> Tensor`, (op, a) =>
  range(op, a),
);
export const arangeStep = aten(
  `aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ${OPTIONS}) -> Tensor`,
  (op, a) => range(op, a),
);

interface Spacing {
  readonly start: ScalarArg;
  readonly end: ScalarArg;
  readonly steps: Dim;
  readonly dtype: Dtype;
}

/** PyTorch counts from both ends, so that the last number is exact. */
function spaced(op: AtenBuilder, { start, end, steps, dtype }: Spacing): Value {
  if (!isStatic(steps) || [start, end].some((p) => p.kind === 'run-time' || p.kind === 'complex'))
    return op.aten.refuse('steps', steps, 'numbers known when the model is converted');
  const [from, to] = [start, end].map((p) => Number((p as { value: number }).value)) as [number, number];
  if (isInteger(dtype)) return op.aten.refuse('dtype', dtype, 'floating-point types');
  const step = steps > 1 ? (to - from) / (steps - 1) : 0;
  const half = Math.floor(steps / 2);
  return op.Identity([
    op.tensor(
      dtype,
      [steps],
      Float64Array.from({ length: steps }, (_, i) =>
        i < half || steps === 1 ? from + step * i : to - step * (steps - i - 1),
      ),
    ),
  ]);
}
export const linspace = aten(`aten::linspace(Scalar start, Scalar end, int steps, *, ${OPTIONS}) -> Tensor`, (op, a) =>
  spaced(op, { ...a, dtype: a.dtype ?? DEFAULT_FLOAT }),
);

const identity = (op: AtenBuilder, n: Dim, m: Dim, dtype: Dtype): Value => {
  const rows = op.Unsqueeze([range(op, { end: dimNumber(op, n), dtype: 'int64' }), op.ints([1])]);
  const columns = op.Unsqueeze([range(op, { end: dimNumber(op, m), dtype: 'int64' }), op.ints([0])]);
  return cast(op, op.Equal([rows, columns]), dtype);
};
const dimNumber = (op: AtenBuilder, dim: Dim): ScalarArg =>
  isStatic(dim) ? constant(dim) : { kind: 'run-time', value: op.dim(dim) };
export const eye = aten(`aten::eye(SymInt n, *, ${OPTIONS}) -> Tensor`, (op, { n, dtype }) =>
  identity(op, n, n, dtype ?? DEFAULT_FLOAT),
);
export const eyeM = aten(`aten::eye.m(SymInt n, SymInt m, *, ${OPTIONS}) -> Tensor`, (op, { n, m, dtype }) =>
  identity(op, n, m, dtype ?? DEFAULT_FLOAT),
);

export const tril = aten('aten::tril(Tensor self, SymInt diagonal=0) -> Tensor', (op, { self, diagonal }) =>
  op.Trilu([self, op.dim(diagonal)], { upper: 0 }),
);
export const triu = aten('aten::triu(Tensor self, SymInt diagonal=0) -> Tensor', (op, { self, diagonal }) =>
  op.Trilu([self, op.dim(diagonal)]),
);
