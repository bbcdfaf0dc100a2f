/**
 * Arithmetic and comparisons on symbolic numbers whose result is a float or a bool; ints are recorded as expressions.
 */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, numberOperand } from '../../promote.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { ScalarArg } from '../../schema.ts';

/** Sizes compare as int64, anything with a fraction as float64. */
function operands(op: AtenBuilder, a: ScalarArg, b: ScalarArg): [Value, Value] {
  const values = [numberOperand(op, a), numberOperand(op, b)] as const;
  const dtype = values.some((v) => isFloat(dtypeOf(v))) ? 'float64' : 'int64';
  return [cast(op, values[0], dtype), cast(op, values[1], dtype)];
}

const binary = (names: readonly string[], convert: (op: AtenBuilder, a: Value, b: Value) => Value): OpConverter[] =>
  names.flatMap((name) =>
    aten(`${name}(Scalar a, Scalar b) -> Scalar`, (op, { a, b }) => convert(op, ...operands(op, a, b))),
  );

const real = (op: AtenBuilder, x: Value): Value => cast(op, x, 'float64');

export const comparisons = [
  ...binary(['_operator::ge'], (op, a, b) => op.GreaterOrEqual([a, b])),
  ...binary(['_operator::gt'], (op, a, b) => op.Greater([a, b])),
  ...binary(['_operator::le'], (op, a, b) => op.LessOrEqual([a, b])),
  ...binary(['_operator::lt'], (op, a, b) => op.Less([a, b])),
  ...binary(['_operator::eq'], (op, a, b) => op.Equal([a, b])),
  ...binary(['_operator::ne'], (op, a, b) => op.Not([op.Equal([a, b])])),
];
export const logic = [
  ...aten('_operator::and_(Scalar a, Scalar b) -> Scalar', (op, { a, b }) =>
    op.And([numberOperand(op, a), numberOperand(op, b)].map((v) => cast(op, v, 'bool'))),
  ),
  ...aten('_operator::or_(Scalar a, Scalar b) -> Scalar', (op, { a, b }) =>
    op.Or([numberOperand(op, a), numberOperand(op, b)].map((v) => cast(op, v, 'bool'))),
  ),
  ...aten('torch::sym_not(Scalar a) -> Scalar', (op, { a }) => op.Not([cast(op, numberOperand(op, a), 'bool')])),
];
export const floats = [
  ...binary(['_operator::truediv'], (op, a, b) => op.Div([real(op, a), real(op, b)])),
  ...binary(['_operator::add'], (op, a, b) => op.Add([a, b])),
  ...binary(['_operator::sub'], (op, a, b) => op.Sub([a, b])),
  ...binary(['_operator::mul'], (op, a, b) => op.Mul([a, b])),
  ...binary(['_operator::pow'], (op, a, b) => op.Pow([real(op, a), real(op, b)])),
  ...aten('_operator::neg(Scalar a) -> Scalar', (op, { a }) => op.Neg([numberOperand(op, a)])),
  ...aten('torch::sym_float(Scalar a) -> Scalar', (op, { a }) => real(op, numberOperand(op, a))),
  ...aten('torch::_sym_sqrt(Scalar a) -> Scalar', (op, { a }) => op.Sqrt([real(op, numberOperand(op, a))])),
];
