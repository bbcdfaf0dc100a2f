/**
 * The free oracle: PyTorch recorded dtype and shape of every value, so every lowered value is held against its record.
 */
import { fail } from '../errors.ts';
import { type Dim, sameDim } from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { type TensorType, typeText } from '../tensor/type.ts';
import { isUnknownDim } from '../onnx/unknown-dim.ts';
import type { Value } from '../onnx/ir.ts';

/** ONNX runtimes compute on reals: a complex tensor is a real one with a last axis of 2 (real, imaginary). */
const REAL_PAIR: Partial<Record<Dtype, Dtype>> = { complex32: 'float16', complex64: 'float32', complex128: 'float64' };

export function representedType(recorded: TensorType): TensorType {
  const real = REAL_PAIR[recorded.dtype];
  return real ? { dtype: real, shape: [...recorded.shape, 2] } : recorded;
}

/** Hold a lowered value against its record and give it the recorded type, whose symbols have names. */
export function assertRecorded(value: Value, name: string, recorded: TensorType, operator: string, at: string): void {
  const expected = representedType(recorded);
  const found = value.type;
  if (found && !agrees(found, expected)) {
    fail('RecordedTypeDiffers', { operator, value: name, recorded: typeText(expected), lowered: typeText(found), at });
  }
  value.type = expected;
}

const agrees = (found: TensorType, expected: TensorType): boolean =>
  found.dtype === expected.dtype &&
  found.shape.length === expected.shape.length &&
  found.shape.every((dim, i) => fits(dim, expected.shape[i]!));

const fits = (found: Dim, expected: Dim): boolean => isUnknownDim(found) || sameDim(found, expected);
