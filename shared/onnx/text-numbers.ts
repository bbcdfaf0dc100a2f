/** Tensor elements as the text syntax shows them, and back. */
import { type Dtype, DTYPES } from '../tensor/dtype.ts';
import { decodeBigInts, decodeNumbers, encodeNumbers } from '../tensor/numbers.ts';

/** Element types as ONNX text names them, where that is not our name. */
const TEXT_NAMES: Readonly<Partial<Record<Dtype, string>>> = {
  float32: 'float',
  float64: 'double',
  float8e8m0fnu: 'float8e8m0',
};
export const typeName = (dtype: Dtype): string => TEXT_NAMES[dtype] ?? dtype;
export const DTYPE_OF_NAME: ReadonlyMap<string, Dtype> = new Map(
  (Object.keys(DTYPES) as Dtype[]).map((dtype) => [typeName(dtype), dtype]),
);

const PLAIN_FLOATS: ReadonlySet<Dtype> = new Set(['float16', 'bfloat16', 'float32', 'float64']);

export type NumberText = string;

/** Floats by value (ONNX's own printer shows 16-bit floats as bits), 8-bit floats as bits, integers exactly. */
export function elementTexts(dtype: Dtype, bytes: Uint8Array, count: number): NumberText[] {
  if (PLAIN_FLOATS.has(dtype)) return Array.from(decodeNumbers(dtype, bytes), (x) => floatText(x, dtype));
  if (DTYPES[dtype].bits === 4) return Array.from({ length: count }, (_, i) => String(nibble(dtype, bytes, i)));
  return decodeBigInts(DTYPES[dtype].kind === 'float' ? 'uint8' : dtype, bytes).map(String);
}

/** Nothing for complex numbers and strings. */
export const hasElementText = (dtype: Dtype): boolean =>
  DTYPES[dtype].kind !== 'complex' && DTYPES[dtype].kind !== 'string';

export function bytesOfTexts(dtype: Dtype, texts: readonly NumberText[]): Uint8Array {
  if (PLAIN_FLOATS.has(dtype)) return encodeNumbers(dtype, texts.map(floatOfText));
  if (DTYPES[dtype].bits === 4) return packNibbles(texts.map(Number));
  return encodeNumbers(DTYPES[dtype].kind === 'float' ? 'uint8' : dtype, texts.map(BigInt));
}

function nibble(dtype: Dtype, bytes: Uint8Array, index: number): number {
  const value = (bytes[index >> 1]! >> (4 * (index & 1))) & 15;
  return DTYPES[dtype].kind === 'int' && value > 7 ? value - 16 : value;
}

function packNibbles(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  values.forEach((value, i) => {
    bytes[i >> 1]! |= (value & 15) << (4 * (i & 1));
  });
  return bytes;
}

const SPECIAL: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
export const floatOfText = (text: string): number => SPECIAL[text] ?? Number(text);

/** The shortest decimal that rounds to the same float; `-0`, `inf` and `nan` are kept apart. */
export function floatText(value: number, dtype: Dtype = 'float32'): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  if (dtype === 'float64') return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}
