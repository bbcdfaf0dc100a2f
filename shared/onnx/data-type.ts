/** ONNX's numbers for element types (TensorProto.DataType). */
import type { Dtype } from '../tensor/dtype.ts';

export const DATA_TYPES: Readonly<Partial<Record<Dtype, number>>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float8e8m0fnu: 24,
};

const BY_NUMBER = new Map(Object.entries(DATA_TYPES).map(([dtype, number]) => [number, dtype as Dtype]));

export function dataTypeNumber(dtype: Dtype): number {
  const number = DATA_TYPES[dtype];
  if (number === undefined) throw new Error(`ONNX has no element type ${dtype}`);
  return number;
}

export const dtypeOfNumber = (number: number): Dtype | null => BY_NUMBER.get(number) ?? null;
