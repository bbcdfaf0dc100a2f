/** Hot loops over typed arrays: views, ranges, quantization, transposition. Plain loops, no closure per element. */
import { fail } from '../errors.ts';
import type { Dtype } from './dtype.ts';
import { bfloat16Bits } from './numbers.ts';
import type { CodeDtype } from './qparams.ts';

// 1.5 * 2^52: adding and taking it away again leaves no room for a fraction, and the processor rounds half to even.
const ROUNDER = 6755399441055744;

/** Round half to even, as numpy.rint, for |x| < 2^51. */
export const roundHalfEven = (x: number): number => x + ROUNDER - ROUNDER;

/**
 * The bytes where a typed array of such elements can be laid over them: themselves, or a copy. (`slice` of a Buffer
 * would not copy.)
 */
export const alignedTo = (size: number, bytes: Uint8Array): Uint8Array =>
  bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);

/** Bytes as float32: a view where the bytes are aligned, else a copy. */
export function asFloat32(bytes: Uint8Array): Float32Array {
  const aligned = alignedTo(4, bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

export const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Floating-point elements of any dtype as numbers; float32 and float64 without a copy where they are aligned. */
export function asFloats(dtype: Dtype, bytes: Uint8Array): Float32Array | Float64Array {
  const reader = FLOAT_READERS[dtype];
  return reader
    ? reader(bytes)
    : fail('UnsupportedType', {
        what: 'arithmetic',
        dtype,
        hint: 'only float16, bfloat16, float32 and float64 have it',
      });
}

const FLOAT_READERS: Partial<Record<Dtype, (bytes: Uint8Array) => Float32Array | Float64Array>> = {
  float16: float16ToFloat32,
  bfloat16: bfloat16ToFloat32,
  float32: asFloat32,
  float64: (bytes) => {
    const aligned = alignedTo(8, bytes);
    return new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8);
  },
};

const asUint16 = (bytes: Uint8Array): Uint16Array => {
  const aligned = alignedTo(2, bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
};

export function float16ToFloat32(bytes: Uint8Array): Float32Array {
  const bits = asUint16(bytes);
  return new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}

export const float32ToFloat16 = (values: Float32Array): Uint8Array => bytesOf(new Float16Array(values));

export function bfloat16ToFloat32(bytes: Uint8Array): Float32Array {
  const source = asUint16(bytes);
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Rounds to nearest even; NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i]!;
    // All exponent bits set: NaN and infinities keep to the careful path.
    out[i] =
      (word & 0x7f800000) === 0x7f800000 ? bfloat16Bits(values[i]!) : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bytesOf(out);
}

export interface Extent {
  readonly min: number;
  readonly max: number;
  /** False when a NaN or an infinity is among the values. */
  readonly finite: boolean;
}

/** Smallest and largest value; an empty array gives min Infinity and max -Infinity. */
export function extentOf(values: Float32Array | Float64Array): Extent {
  let min = Infinity;
  let max = -Infinity;
  let finite = true;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v < min) min = v;
    if (v > max) max = v;
    if (v - v !== 0) finite = false;
  }
  return { min, max, finite };
}

/** A tensor seen along one axis: `outer` blocks of `channels` runs of `inner` elements. Axis null: one channel. */
export interface Channels {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

export function channelsOf(shape: readonly number[], axis: number | null): Channels {
  const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
  if (axis === null) return { outer: 1, channels: 1, inner: product(shape) };
  return { outer: product(shape.slice(0, axis)), channels: shape[axis]!, inner: product(shape.slice(axis + 1)) };
}

/** Smallest and largest value of each channel. */
export function extentsOf(values: Float32Array, { outer, channels, inner }: Channels): Extent[] {
  const min = new Float32Array(channels).fill(Infinity);
  const max = new Float32Array(channels).fill(-Infinity);
  const finite = new Array<boolean>(channels).fill(true);
  for (let o = 0, i = 0; o < outer; o++)
    for (let c = 0; c < channels; c++)
      for (const end = i + inner; i < end; i++) {
        const v = values[i]!;
        if (v < min[c]!) min[c] = v;
        if (v > max[c]!) max[c] = v;
        if (v - v !== 0) finite[c] = false;
      }
  return Array.from(finite, (isFinite, c) => ({ min: min[c]!, max: max[c]!, finite: isFinite }));
}

/** Largest magnitude of each channel; NaN where a channel holds a NaN or an infinity. */
export function absMaxOf(values: Float32Array, { outer, channels, inner }: Channels): Float32Array {
  const result = new Float32Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      let most = result[c]!;
      for (const end = i + inner; i < end; i++) {
        const size = Math.abs(values[i]!);
        if (size > most) most = size;
        else if (size !== size) most = NaN;
      }
      result[c] = most === Infinity ? NaN : most;
    }
  }
  return result;
}

/** Arrays that hold codes; two 4-bit codes share a byte and have none. */
const CODE_ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
} as const satisfies Partial<Record<CodeDtype, unknown>>;

export type CodeArray = InstanceType<(typeof CODE_ARRAYS)[keyof typeof CODE_ARRAYS]>;

export const hasCodeArray = (dtype: Dtype): dtype is keyof typeof CODE_ARRAYS => Object.hasOwn(CODE_ARRAYS, dtype);

export function codeArray(dtype: Dtype, count: number): CodeArray {
  const hint = 'codes of 8, 16 or 32 bits are computed';
  return hasCodeArray(dtype)
    ? new CODE_ARRAYS[dtype](count)
    : fail('UnsupportedType', { what: 'quantization', dtype, hint });
}

/** Scales and zero points, one per channel, and the ends of the codes. */
export interface ChannelParams {
  readonly channels: Channels;
  readonly scale: ArrayLike<number>;
  readonly zeroPoint: ArrayLike<number>;
  readonly low: number;
  readonly high: number;
}

/**
 * `clamp(round_half_even(f32(x / scale)) + zero_point, low, high)` per channel, into `codes`: the arithmetic of
 * QuantizeLinear, with the quotient in float32.
 */
export function quantizeInto<T extends CodeArray>(codes: T, values: Float32Array, params: ChannelParams): T {
  const { scale, zeroPoint, low, high } = params;
  const { outer, channels, inner } = params.channels;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const s = scale[c]!;
      const z = zeroPoint[c]!;
      for (const end = i + inner; i < end; i++) {
        const q = Math.fround(values[i]! / s) + ROUNDER - ROUNDER + z;
        codes[i] = q < low ? low : q > high ? high : q;
      }
    }
  }
  return codes;
}

/**
 * `clamp(round_half_even(x * inverse) + zero_point, low, high)` per channel: PyTorch's arithmetic. `scale` holds the
 * inverses; products are rounded to float32 unless `isDouble`.
 */
export function quantizeByInverse<T extends CodeArray | Float64Array>(
  codes: T,
  values: ArrayLike<number>,
  params: ChannelParams & { readonly isDouble: boolean },
): T {
  const { scale, zeroPoint, low, high, isDouble } = params;
  const { outer, channels, inner } = params.channels;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const inverse = scale[c]!;
      const z = zeroPoint[c]!;
      for (const end = i + inner; i < end; i++) {
        const product = values[i]! * inverse;
        const q = (isDouble ? product : Math.fround(product)) + ROUNDER - ROUNDER + z;
        codes[i] = q < low ? low : q > high ? high : q;
      }
    }
  }
  return codes;
}

/** `round_half_even(x / scale)` in float64, clipped to int32: biases. One scale, or one per element. */
export function quantizeBias(values: Float32Array, scale: Float32Array): Int32Array {
  const codes = new Int32Array(values.length);
  for (let i = 0; i < codes.length; i++) {
    const q = values[i]! / scale[scale.length === 1 ? 0 : i]! + ROUNDER - ROUNDER;
    codes[i] = q < -2147483648 ? -2147483648 : q > 2147483647 ? 2147483647 : q;
  }
  return codes;
}

/** `code * scale` in float32, the inverse of `quantizeBias`. */
export function dequantizeBias(codes: Uint8Array, scale: Float32Array): Float32Array {
  const source = alignedTo(4, codes);
  const integers = new Int32Array(source.buffer, source.byteOffset, source.byteLength / 4);
  const values = new Float32Array(integers.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(integers[i]!) * scale[scale.length === 1 ? 0 : i]!;
  return values;
}

/** Rows become columns, for elements of one byte. */
export function transposeBytes(bytes: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++, i++) out[c * rows + r] = bytes[i]!;
  return out;
}
