/**
 * ATen evenly and logarithmically spaced numbers, from numbers or 0-d tensors; and tensors whose contents are
 * undefined.
 */
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf, scalarOf } from '../../promote.ts';
import { filledTensor, reshape } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';
import { OPTIONS } from '../../tensor-options.ts';

const ofTensor = (value: Value): ScalarArg => ({ kind: 'run-time', value });

/** Counted from both ends, so that the last number is exact; in double, then rounded. */
function spaced(op: AtenBuilder, start: ScalarArg, end: ScalarArg, steps: number): Value {
  const [from, to] = [start, end].map((n) => reshape(op, scalarOf(op, n, 'float64'), [])) as [Value, Value];
  const numbers = (f: (i: number) => number): Value =>
    op.tensor(
      'float64',
      [steps],
      Float64Array.from({ length: steps }, (_, i) => f(i)),
    );
  if (steps <= 1) return op.Add([from, numbers(() => 0)]);
  const step = op.Div([op.Sub([to, from]), op.scalar('float64', steps - 1)]);
  const early = op.tensor(
    'bool',
    [steps],
    Array.from({ length: steps }, (_, i) => (i < Math.floor(steps / 2) ? 1 : 0)),
  );
  return op.Where([
    early,
    op.Add([from, op.Mul([step, numbers((i) => i)])]),
    op.Sub([to, op.Mul([step, numbers((i) => steps - 1 - i)])]),
  ]);
}

interface Spacing {
  readonly start: ScalarArg;
  readonly end: ScalarArg;
  readonly steps: number;
  readonly base: number | null;
  readonly dtype: Dtype | null;
}

function spacing(op: AtenBuilder, { start, end, steps, base, dtype }: Spacing): Value {
  const result = dtype ?? DEFAULT_FLOAT;
  if (!isFloat(result)) return op.aten.refuse('dtype', result, 'floating-point types');
  if ([start, end].some((n) => n.kind === 'complex'))
    return op.aten.refuse('start', 'a complex number', 'real numbers');
  const line = spaced(op, start, end, steps);
  return op.Identity([cast(op, base === null ? line : op.Pow([op.scalar('float64', base), line]), result)]);
}

export const linspaces = [
  ...aten(`aten::linspace.Tensor_Tensor(Tensor start, Tensor end, int steps, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    spacing(op, { ...a, start: ofTensor(a.start), end: ofTensor(a.end), base: null }),
  ),
  ...aten(`aten::linspace.Tensor_Scalar(Tensor start, Scalar end, int steps, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    spacing(op, { ...a, start: ofTensor(a.start), base: null }),
  ),
  ...aten(`aten::linspace.Scalar_Tensor(Scalar start, Tensor end, int steps, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    spacing(op, { ...a, end: ofTensor(a.end), base: null }),
  ),
];
export const logspaces = [
  ...aten(`aten::logspace(Scalar start, Scalar end, int steps, float base=10., *, ${OPTIONS}) -> Tensor`, (op, a) =>
    spacing(op, a),
  ),
  ...aten(
    `aten::logspace.Tensor_Tensor(Tensor start, Tensor end, int steps, float base=10., *, ${OPTIONS}) -> Tensor`,
    (op, a) => spacing(op, { ...a, start: ofTensor(a.start), end: ofTensor(a.end) }),
  ),
  ...aten(
    `aten::logspace.Tensor_Scalar(Tensor start, Scalar end, int steps, float base=10., *, ${OPTIONS}) -> Tensor`,
    (op, a) => spacing(op, { ...a, start: ofTensor(a.start) }),
  ),
  ...aten(
    `aten::logspace.Scalar_Tensor(Scalar start, Tensor end, int steps, float base=10., *, ${OPTIONS}) -> Tensor`,
    (op, a) => spacing(op, { ...a, end: ofTensor(a.end) }),
  ),
];

/** Strides say how a tensor lies in memory, which ONNX does not have. */
export const empties = [
  ...aten(`aten::empty_strided(SymInt[] size, SymInt[] stride, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    filledTensor(op, a.size, a.dtype ?? DEFAULT_FLOAT, 0),
  ),
  ...aten(`aten::empty_permuted(SymInt[] size, int[] physical_layout, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    filledTensor(op, a.size, a.dtype ?? DEFAULT_FLOAT, 0),
  ),
  ...aten(`aten::new_empty_strided(Tensor self, SymInt[] size, SymInt[] stride, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    filledTensor(op, a.size, a.dtype ?? dtypeOf(a.self), 0),
  ),
];
