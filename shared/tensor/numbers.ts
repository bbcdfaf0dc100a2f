/** Numbers to bytes and back, for every dtype: little-endian, as files hold them. */
import { fail } from '../errors.ts';
import { type Dtype, DTYPES, integerRange } from './dtype.ts';

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** float32 to bfloat16 bits, rounding to nearest even. */
export function bfloat16Bits(value: number): number {
  const scratch = new DataView(new ArrayBuffer(4));
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function bfloat16Value(bits: number): number {
  const scratch = new DataView(new ArrayBuffer(4));
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

type Put = (v: DataView, at: number, value: number) => void;
type Get = (v: DataView, at: number) => number;

const FLOATS: Partial<Record<Dtype, { readonly size: number; readonly put: Put; readonly get: Get }>> = {
  float16: { size: 2, put: (v, at, x) => v.setFloat16(at, x, true), get: (v, at) => v.getFloat16(at, true) },
  bfloat16: {
    size: 2,
    put: (v, at, x) => v.setUint16(at, bfloat16Bits(x), true),
    get: (v, at) => bfloat16Value(v.getUint16(at, true)),
  },
  float32: { size: 4, put: (v, at, x) => v.setFloat32(at, x, true), get: (v, at) => v.getFloat32(at, true) },
  float64: { size: 8, put: (v, at, x) => v.setFloat64(at, x, true), get: (v, at) => v.getFloat64(at, true) },
};

const unsupported = (dtype: Dtype): never =>
  fail('UnsupportedType', { what: 'reading numbers', dtype, hint: 'cast the tensor to a plain number type' });

/** Integers must fit their dtype; floats are rounded to it. */
export function encodeNumbers(dtype: Dtype, values: ArrayLike<number | bigint>): Uint8Array {
  const { bits, kind } = DTYPES[dtype];
  const float = FLOATS[dtype];
  if (float) {
    const bytes = new Uint8Array(values.length * float.size);
    const out = view(bytes);
    for (let i = 0; i < values.length; i++) float.put(out, i * float.size, Number(values[i]!));
    return bytes;
  }
  if (kind !== 'int' && kind !== 'uint' && kind !== 'bool') return unsupported(dtype);
  const [low, high] = integerRange(dtype);
  const size = bits / 8;
  const put = PUT_INTEGER[size];
  if (!put) return unsupported(dtype);
  const bytes = new Uint8Array(values.length * size);
  const out = view(bytes);
  for (let i = 0; i < values.length; i++) {
    const raw = values[i]!;
    const value = typeof raw === 'bigint' ? raw : BigInt(raw);
    if (value < low || value > high) throw new Error(`${value} does not fit ${dtype}`);
    put(out, i * size, value);
  }
  return bytes;
}

/** By bytes: writes the low bits of an integer, signed or not. */
const PUT_INTEGER: Readonly<Record<number, (out: DataView, at: number, value: bigint) => void>> = {
  1: (out, at, value) => out.setInt8(at, Number(BigInt.asIntN(8, value))),
  2: (out, at, value) => out.setInt16(at, Number(BigInt.asIntN(16, value)), true),
  4: (out, at, value) => out.setInt32(at, Number(BigInt.asIntN(32, value)), true),
  8: (out, at, value) => out.setBigInt64(at, BigInt.asIntN(64, value), true),
};

/** Every element as a number; int64 beyond 2^53 loses digits, so use `decodeInts` where they matter. */
export function decodeNumbers(dtype: Dtype, bytes: Uint8Array): Float64Array {
  const float = FLOATS[dtype];
  if (!float) return Float64Array.from(decodeBigInts(dtype, bytes), Number);
  const count = bytes.byteLength / float.size;
  const source = view(bytes);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = float.get(source, i * float.size);
  return values;
}

export function decodeBigInts(dtype: Dtype, bytes: Uint8Array): bigint[] {
  const { bits, kind } = DTYPES[dtype];
  if (kind === 'float' || kind === 'complex' || kind === 'string' || bits < 8) return unsupported(dtype);
  const size = bits / 8;
  const source = view(bytes);
  const get = (kind === 'int' ? GET_SIGNED : GET_UNSIGNED)[size]!;
  return Array.from({ length: bytes.byteLength / size }, (_, i) => get(source, i * size));
}

/** By bytes. */
type GetInteger = Readonly<Record<number, (source: DataView, at: number) => bigint>>;
const GET_SIGNED: GetInteger = {
  1: (source, at) => BigInt(source.getInt8(at)),
  2: (source, at) => BigInt(source.getInt16(at, true)),
  4: (source, at) => BigInt(source.getInt32(at, true)),
  8: (source, at) => source.getBigInt64(at, true),
};
const GET_UNSIGNED: GetInteger = {
  1: (source, at) => BigInt(source.getUint8(at)),
  2: (source, at) => BigInt(source.getUint16(at, true)),
  4: (source, at) => BigInt(source.getUint32(at, true)),
  8: (source, at) => source.getBigUint64(at, true),
};

/** Integers as numbers, or null when one is beyond 2^53. */
export function decodeInts(dtype: Dtype, bytes: Uint8Array): number[] | null {
  const values = decodeBigInts(dtype, bytes).map(Number);
  return values.every(Number.isSafeInteger) ? values : null;
}
