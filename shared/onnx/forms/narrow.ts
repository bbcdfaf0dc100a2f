/**
 * Arithmetic on element types that ONNX does not define it for: small integers go through wider ones, whose low bits
 * are
 * the same, and booleans through logic. Tried before the older forms of an operator, which then see the wider type.
 */
import type { OnnxOp } from '../schema/index.ts';
import type { Form, Forms } from './form.ts';
import type { Gap } from '../runtime-facts/element-types.ts';
import { widened } from './kernel.ts';

const SMALL = { int8: 'int32', uint8: 'int32', int16: 'int32', uint16: 'int32' } as const;
const ORDERED = { int16: 'int32', uint16: 'int32', uint32: 'int64' } as const;

const GAPS = {
  MatMul: { through: SMALL, outputs: [0] },
  Einsum: { through: SMALL, outputs: [0] },
  CumSum: { through: SMALL, inputs: [0], outputs: [0] },
  CumProd: { through: SMALL, inputs: [0], outputs: [0] },
  ReduceSum: { through: SMALL, inputs: [0], outputs: [0] },
  ReduceProd: { through: { ...SMALL, bool: 'int32' }, inputs: [0], outputs: [0] },
  ReduceMax: { through: ORDERED, inputs: [0], outputs: [0] },
  ReduceMin: { through: ORDERED, inputs: [0], outputs: [0] },
  // Floating point of enough digits: only the order counts.
  MaxPool: { through: { int16: 'float32', uint16: 'float32', int32: 'float64', uint32: 'float64' }, outputs: [0] },
  TopK: { through: { bool: 'int32' }, inputs: [0], outputs: [0] },
  Less: { through: { bool: 'int32' }, outputs: [] },
  LessOrEqual: { through: { bool: 'int32' }, outputs: [] },
  Greater: { through: { bool: 'int32' }, outputs: [] },
  GreaterOrEqual: { through: { bool: 'int32' }, outputs: [] },
} as const satisfies Partial<Record<OnnxOp, Gap>>;

/** Small integers have arithmetic since opset 14. */
const early = (name: 'Add' | 'Sub' | 'Mul' | 'Div'): Form => ({
  ...widened(name, { through: SMALL, outputs: [0] }),
  below: 14,
});

const onBooleans = (how: 'And' | 'Or'): Form => ({
  below: Infinity,
  when: (c) => c.isOf(0, 'bool'),
  write: (c, op) => c.inputs.map((x) => x!).reduce((a, b) => op[how]([a, b])),
});

/** Without a sign: what wraps around. */
const zeroLess: Form = {
  below: Infinity,
  when: (c) => c.isOf(0, 'uint8', 'uint16', 'uint32', 'uint64'),
  write: (c, op) => op.Sub([op.scalar(c.dtypeOf(0), 0), c.input(0)]),
};

export const NARROW_FORMS: Forms = {
  ...Object.fromEntries(Object.entries(GAPS).map(([name, gap]) => [name, [widened(name as OnnxOp, gap)]])),
  Add: [onBooleans('Or'), early('Add')],
  Sub: [early('Sub')],
  Mul: [onBooleans('And'), early('Mul')],
  Div: [early('Div')],
  Max: [onBooleans('Or')],
  Min: [onBooleans('And')],
  Neg: [zeroLess],
};
