/**
 * The free oracle: PyTorch recorded dtype and shape of every value, so every lowered value is held against its record.
 */
import { fail } from '../errors.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { type TensorType, typeText } from '../tensor/type.ts';
import { isUnknownDim } from '../onnx/unknown-dim.ts';
import type { Value } from '../onnx/ir.ts';
import type { RecordedSizes } from './recorded-sizes.ts';

/** ONNX runtimes compute on reals: a complex tensor is a real one with a last axis of 2 (real, imaginary). */
const REAL_PAIR: Partial<Record<Dtype, Dtype>> = { complex32: 'float16', complex64: 'float32', complex128: 'float64' };

export function representedType(recorded: TensorType): TensorType {
  const real = REAL_PAIR[recorded.dtype];
  return real ? { dtype: real, shape: [...recorded.shape, 2] } : recorded;
}

export interface Recorded {
  readonly name: string;
  /** With friendly names. */
  readonly type: TensorType;
  readonly operator: string;
  readonly at: string;
}

/** Hold a lowered value against its record and give it the recorded type, whose symbols have names. */
export function assertRecorded(value: Value, { name, type, operator, at }: Recorded, sizes: RecordedSizes): void {
  const expected = representedType(type);
  const found = value.type;
  if (found && !agrees(found, expected, sizes)) {
    fail('RecordedTypeDiffers', { operator, value: name, recorded: typeText(expected), lowered: typeText(found), at });
  }
  value.type = expected;
}

const agrees = (found: TensorType, expected: TensorType, sizes: RecordedSizes): boolean =>
  found.dtype === expected.dtype &&
  found.shape.length === expected.shape.length &&
  found.shape.every((dim, i) => isUnknownDim(dim) || sizes.agree(dim, expected.shape[i]!));
