/** PyTorch's type promotion: tensors with dimensions outrank 0-d tensors, which outrank Python numbers. */
import { type Dtype, DTYPES, isComplex, isFloat } from '../tensor/dtype.ts';
import { combineTypes, promoteTypes } from '../tensor/promotion.ts';
import { memoryData } from '../tensor/data.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import type { Value } from '../onnx/ir.ts';
import type { Scalar } from '../torch/program.ts';
import type { AtenBuilder } from './converter.ts';
import type { ScalarArg } from './schema.ts';

/** torch.get_default_dtype(): what a Python float and an integer made real become. */
export const DEFAULT_FLOAT: Dtype = 'float32';

const kindDtype = (number: Scalar): Dtype =>
  (({ int: 'int64', float: DEFAULT_FLOAT, bool: 'bool', complex: 'complex64' }) as const)[number.kind];

const isNumber = (op: AtenBuilder, value: Value): boolean => op.aten.numbers.has(value);

export const dtypeOf = (value: Value): Dtype => value.type!.dtype;

/** torch.result_type of tensors and Python numbers. */
export function resultDtype(op: AtenBuilder, values: readonly Value[]): Dtype {
  const groups: (Dtype | null)[] = [null, null, null];
  for (const value of values) {
    const rank = isNumber(op, value) ? 2 : value.type!.shape.length === 0 ? 1 : 0;
    const number = op.aten.numbers.get(value);
    const dtype = number ? kindDtype(number) : dtypeOf(value);
    groups[rank] = groups[rank] === null ? dtype : promoteTypes(groups[rank]!, dtype);
  }
  return combineTypes(groups[0]!, combineTypes(groups[1]!, groups[2]!))!;
}

/** A real number that stands in the file; null for complex ones and those known only when the model runs. */
export const knownNumber = (number: ScalarArg): number | null =>
  number.kind === 'run-time' || number.kind === 'complex' ? null : Number(number.value);

/** What was given for a number that may be left out. */
export const numberOr = (number: ScalarArg | null, fallback: number): number =>
  number === null ? fallback : Number(number.value);

/** Cast unless it is there already; Python numbers are written in the wanted type at once. */
export function cast(op: AtenBuilder, value: Value, dtype: Dtype): Value {
  const number = op.aten.numbers.get(value);
  if (number && number.kind !== 'complex' && value.data) return scalarOf(op, number, dtype);
  return dtypeOf(value) === dtype ? value : op.Cast([value], { to: dtype });
}

/** A 0-d tensor of the given type; a float given to an integer type is cut off as PyTorch does, integers wrap. */
export function scalarOf(op: AtenBuilder, number: ScalarArg, dtype: Dtype): Value {
  if (number.kind === 'run-time')
    return dtypeOf(number.value) === dtype ? number.value : op.Cast([number.value], { to: dtype });
  if (number.kind === 'complex')
    return op.aten.refuse('scalar', `${number.value[0]}+${number.value[1]}j`, 'real numbers');
  const value = number.value;
  if (isFloat(dtype)) return op.scalar(dtype, Number(value));
  if (dtype === 'bool') return op.scalar('bool', Boolean(value) && value !== 0n);
  const whole =
    typeof value === 'bigint'
      ? value
      : typeof value === 'boolean'
        ? BigInt(value)
        : Number.isFinite(value)
          ? BigInt(Math.trunc(value))
          : null;
  if (whole === null) return op.aten.refuse('scalar', value, `a finite number for ${dtype}`);
  const { bits, kind } = DTYPES[dtype];
  return op.scalar(dtype, kind === 'uint' ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole));
}

/** All operands in their common type. */
export function promoted(op: AtenBuilder, values: readonly Value[], extra: readonly Value[] = []): Value[] {
  const dtype = resultDtype(op, [...values, ...extra]);
  return values.map((v) => cast(op, v, dtype));
}

/** As `promoted`, with integers and bools made real first (true division, exp, mean ...). */
export function promotedToFloat(op: AtenBuilder, values: readonly Value[]): Value[] {
  const dtype = floatOf(resultDtype(op, values));
  return values.map((v) => cast(op, v, dtype));
}

export const floatOf = (dtype: Dtype): Dtype => (isFloat(dtype) || isComplex(dtype) ? dtype : DEFAULT_FLOAT);

/** A Python number as a tensor operand: gives way in promotion. */
export function numberOperand(op: AtenBuilder, number: ScalarArg): Value {
  if (number.kind === 'run-time') {
    op.aten.numbers.set(number.value, null);
    return number.value;
  }
  // Converters of complex operators read the number, not the pair.
  const data =
    number.kind === 'complex'
      ? memoryData(DEFAULT_FLOAT, [2], encodeNumbers(DEFAULT_FLOAT, number.value))
      : scalarOf(op, number, kindDtype(number)).data!;
  const value = op.constant(data, op.freshName('number'));
  op.aten.numbers.set(value, number);
  return value;
}
