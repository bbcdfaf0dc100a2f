/** ATen comparisons, logic on bools and bits, and selection by condition. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { OnnxOp } from '../../../onnx/schema/index.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder, type OpConverter, type OperatorFacts } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, promoted, resultDtype } from '../../promote.ts';

type Compare = 'Equal' | 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual';

function compared(op: AtenBuilder, how: Compare, a: Value, b: Value): Value {
  const operands = promoted(op, [a, b]);
  // Order is defined on numbers only; False < True.
  const comparable =
    how !== 'Equal' && dtypeOf(operands[0]!) === 'bool' ? operands.map((v) => cast(op, v, 'int32')) : operands;
  return op[how](comparable);
}

/** `name.Tensor` and `name.Scalar`, with their longer names. */
function comparison(
  names: readonly string[],
  convert: (op: AtenBuilder, a: Value, b: Value) => Value,
  facts: OperatorFacts = {},
): OpConverter[] {
  return names.flatMap((name) => [
    ...aten(
      `aten::${name}.Tensor(Tensor self, Tensor other) -> Tensor`,
      (op, { self, other }) => convert(op, self, other),
      facts,
    ),
    ...aten(
      `aten::${name}.Scalar(Tensor self, Scalar other) -> Tensor`,
      (op, { self, other }) => convert(op, self, numberOperand(op, other)),
      facts,
    ),
  ]);
}

export const eq = comparison(['eq'], (op, a, b) => compared(op, 'Equal', a, b));
export const ne = comparison(['ne', 'not_equal'], (op, a, b) => op.Not([compared(op, 'Equal', a, b)]));
export const lt = comparison(['lt', 'less'], (op, a, b) => compared(op, 'Less', a, b));
export const le = comparison(['le', 'less_equal'], (op, a, b) => compared(op, 'LessOrEqual', a, b));
export const gt = comparison(['gt', 'greater'], (op, a, b) => compared(op, 'Greater', a, b));
export const ge = comparison(['ge', 'greater_equal'], (op, a, b) => compared(op, 'GreaterOrEqual', a, b));

const truth = (op: AtenBuilder, x: Value): Value => cast(op, x, 'bool');

export const logical_and = aten('aten::logical_and(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  op.And([truth(op, self), truth(op, other)]),
);
export const logical_or = aten('aten::logical_or(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  op.Or([truth(op, self), truth(op, other)]),
);
export const logical_xor = aten('aten::logical_xor(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  op.Xor([truth(op, self), truth(op, other)]),
);
export const logical_not = aten('aten::logical_not(Tensor self) -> Tensor', (op, { self }) =>
  op.Not([truth(op, self)]),
);

const ON_BITS = { limits: [{ since: 18, when: 'integers' }] } as const;

/** On bools the logical operator, on integers the bitwise one. */
function bitwise(
  names: readonly string[],
  logical: OnnxOp & ('And' | 'Or' | 'Xor'),
  bits: 'BitwiseAnd' | 'BitwiseOr' | 'BitwiseXor',
): OpConverter[] {
  const convert = (op: AtenBuilder, a: Value, b: Value): Value => {
    const operands = promoted(op, [a, b]);
    return dtypeOf(operands[0]!) === 'bool' ? op[logical](operands) : op[bits](operands);
  };
  return [
    ...comparison(names, convert, ON_BITS),
    ...aten(
      `aten::${names[0]!}.Scalar_Tensor(Scalar self, Tensor other) -> Tensor`,
      (op, { self, other }) => convert(op, numberOperand(op, self), other),
      ON_BITS,
    ),
  ];
}
export const bitwise_and = bitwise(['bitwise_and', '__and__'], 'And', 'BitwiseAnd');
export const bitwise_or = bitwise(['bitwise_or', '__or__'], 'Or', 'BitwiseOr');
export const bitwise_xor = bitwise(['bitwise_xor', '__xor__'], 'Xor', 'BitwiseXor');
export const bitwise_not = aten(
  'aten::bitwise_not(Tensor self) -> Tensor',
  (op, { self }) => (dtypeOf(self) === 'bool' ? op.Not([self]) : op.BitwiseNot([self])),
  ON_BITS,
);

function select(op: AtenBuilder, condition: Value, a: Value, b: Value): Value {
  const [x, y] = promoted(op, [a, b]) as [Value, Value];
  return op.Where([cast(op, condition, 'bool'), x, y]);
}
export const where = aten(
  'aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor',
  (op, { condition, self, other }) => select(op, condition, self, other),
);
export const whereScalar = aten(
  'aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor',
  (op, { condition, self, other }) => select(op, condition, numberOperand(op, self), numberOperand(op, other)),
);
export const whereScalarOther = aten(
  'aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor',
  (op, { condition, self, other }) => select(op, condition, self, numberOperand(op, other)),
);
export const whereScalarSelf = aten(
  'aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor',
  (op, { condition, self, other }) => select(op, condition, numberOperand(op, self), other),
);

/** The value takes self's type; the mask broadcasts against self. */
const filled = (op: AtenBuilder, self: Value, mask: Value, value: Value): Value =>
  op.Where([mask, cast(op, value, dtypeOf(self)), self]);
export const masked_fill = aten(
  'aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor',
  (op, { self, mask, value }) => filled(op, self, mask, value),
);
export const masked_fillScalar = aten(
  'aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor',
  (op, { self, mask, value }) => filled(op, self, mask, numberOperand(op, value)),
);

/** A bound promotes as in torch.clamp, whose result_type includes both bounds. */
function clamped(op: AtenBuilder, self: Value, low: Value | null, high: Value | null): Value {
  const dtype = resultDtype(
    op,
    [self, low, high].filter((v) => v !== null),
  );
  let x = cast(op, self, dtype);
  // Lower bound first: where they cross, PyTorch gives the upper one.
  if (low) x = op.Max([x, cast(op, low, dtype)]);
  return high ? op.Min([x, cast(op, high, dtype)]) : low ? x : op.Identity([x]);
}
export const clamp = aten(
  [
    'aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor',
    'aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor',
  ],
  (op, { self, min, max }) => {
    const [low, high] = [min, max].map((b) => (b === null ? null : numberOperand(op, b)));
    const dtype = resultDtype(
      op,
      [self, low, high].filter((v) => v != null),
    );
    // Clip does not agree with PyTorch where the bounds cross, and ONNX has it for numbers only.
    const crossing =
      min !== null &&
      max !== null &&
      (min.kind === 'run-time' || max.kind === 'run-time' || Number(min.value) > Number(max.value));
    if (crossing || !isFloat(dtype) || isFloat(dtypeOf(self)) === false)
      return clamped(op, self, low ?? null, high ?? null);
    if (!low && !high) return op.Identity([self]);
    const bound = (given: Value | null | undefined, open: number): Value | null =>
      given ? cast(op, given, dtype) : isMet(FAULTS.openClip, dtype) ? op.scalar(dtype, open) : null;
    return op.Clip([self, bound(low, -Infinity), bound(high, Infinity)]);
  },
);
export const clampTensor = aten(
  [
    'aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor',
    'aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor',
  ],
  (op, { self, min, max }) => clamped(op, self, min, max),
);
export const clamp_min = aten('aten::clamp_min(Tensor self, Scalar min) -> Tensor', (op, { self, min }) =>
  clamped(op, self, numberOperand(op, min), null),
);
export const clamp_max = aten('aten::clamp_max(Tensor self, Scalar max) -> Tensor', (op, { self, max }) =>
  clamped(op, self, null, numberOperand(op, max)),
);
export const clamp_minTensor = aten('aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor', (op, { self, min }) =>
  clamped(op, self, min, null),
);
export const clamp_maxTensor = aten('aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor', (op, { self, max }) =>
  clamped(op, self, null, max),
);

export const isnan = aten('aten::isnan(Tensor self) -> Tensor', (op, { self }) =>
  isFloat(dtypeOf(self)) ? op.IsNaN([self]) : op.Not([op.Equal([self, self])]),
);
const infinite = (
  op: AtenBuilder,
  self: Value,
  signs: { detect_negative?: number; detect_positive?: number },
): Value => (isFloat(dtypeOf(self)) ? op.IsInf([self], signs) : op.Not([op.Equal([self, self])]));
export const isinf = aten('aten::isinf(Tensor self) -> Tensor', (op, { self }) => infinite(op, self, {}));
export const isposinf = aten('aten::isposinf(Tensor self) -> Tensor', (op, { self }) =>
  infinite(op, self, { detect_negative: 0 }),
);
export const isneginf = aten('aten::isneginf(Tensor self) -> Tensor', (op, { self }) =>
  infinite(op, self, { detect_positive: 0 }),
);
export const isfinite = aten('aten::isfinite(Tensor self) -> Tensor', (op, { self }) =>
  isFloat(dtypeOf(self)) ? op.Not([op.Or([op.IsNaN([self]), op.IsInf([self])])]) : op.Equal([self, self]),
);
