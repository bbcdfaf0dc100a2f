/** Element types: one name for each, with size and the typed array that holds it. */
import { fail } from '../errors.ts';

interface DtypeRow {
  readonly bits: number;
  readonly kind: 'bool' | 'int' | 'uint' | 'float' | 'complex' | 'string';
}

/** Names are numpy's where numpy has one; packed and small types follow ONNX. */
export const DTYPES = {
  bool: { bits: 8, kind: 'bool' },
  uint8: { bits: 8, kind: 'uint' },
  int8: { bits: 8, kind: 'int' },
  uint16: { bits: 16, kind: 'uint' },
  int16: { bits: 16, kind: 'int' },
  uint32: { bits: 32, kind: 'uint' },
  int32: { bits: 32, kind: 'int' },
  uint64: { bits: 64, kind: 'uint' },
  int64: { bits: 64, kind: 'int' },
  float16: { bits: 16, kind: 'float' },
  bfloat16: { bits: 16, kind: 'float' },
  float32: { bits: 32, kind: 'float' },
  float64: { bits: 64, kind: 'float' },
  complex32: { bits: 32, kind: 'complex' },
  complex64: { bits: 64, kind: 'complex' },
  complex128: { bits: 128, kind: 'complex' },
  float8e4m3fn: { bits: 8, kind: 'float' },
  float8e5m2: { bits: 8, kind: 'float' },
  float8e4m3fnuz: { bits: 8, kind: 'float' },
  float8e5m2fnuz: { bits: 8, kind: 'float' },
  float8e8m0fnu: { bits: 8, kind: 'float' },
  uint4: { bits: 4, kind: 'uint' },
  int4: { bits: 4, kind: 'int' },
  string: { bits: 0, kind: 'string' },
} as const satisfies Record<string, DtypeRow>;

export type Dtype = keyof typeof DTYPES;

export const isFloat = (dtype: Dtype): boolean => DTYPES[dtype].kind === 'float';
export const isInteger = (dtype: Dtype): boolean => DTYPES[dtype].kind === 'int' || DTYPES[dtype].kind === 'uint';
export const isComplex = (dtype: Dtype): boolean => DTYPES[dtype].kind === 'complex';

/** Bytes of `count` elements, packed as ONNX raw_data packs them (4-bit types two per byte). */
export const byteLength = (dtype: Dtype, count: number): number => Math.ceil((DTYPES[dtype].bits * count) / 8);

/** Smallest and largest value of an integer dtype. */
export function integerRange(dtype: Dtype): readonly [bigint, bigint] {
  const { bits, kind } = DTYPES[dtype];
  if (kind === 'bool') return [0n, 1n];
  if (kind === 'uint') return [0n, (1n << BigInt(bits)) - 1n];
  if (kind === 'int') return [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
  return fail('UnsupportedType', { what: 'integer range', dtype, hint: 'only integer types have one' });
}
