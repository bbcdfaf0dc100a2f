/**
 * NumPy's .npy format: a header in Python's own syntax, then the numbers. Object arrays are pickles and are refused
 * unread.
 */
import type { ByteSource } from '../bytes/byte-source.ts';
import { joinBytes } from '../bytes/join.ts';
import { latin1Bytes, latin1Text, utf8Text } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import { derivedData, storedData, type TensorData } from './data.ts';
import { byteLength, type Dtype, DTYPES } from './dtype.ts';
import { gather } from './strided.ts';
import { rowMajorStrides } from './type.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
/** NumPy itself refuses longer headers. */
const HEADER_LIMIT = 64 * 1024;

const DESCRIPTIONS: Readonly<Record<string, Dtype>> = {
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  c8: 'complex64',
  c16: 'complex128',
};
const DTYPE_OF: ReadonlyMap<string, Dtype> = new Map(Object.entries(DESCRIPTIONS));
const DESCRIPTION_OF: ReadonlyMap<Dtype, string> = new Map(
  [...DTYPE_OF].map(([description, dtype]) => [dtype, description]),
);

interface Header {
  readonly dtype: Dtype;
  readonly isBigEndian: boolean;
  readonly isFortranOrder: boolean;
  readonly shape: readonly number[];
  readonly dataStart: number;
}

const refuse = (source: ByteSource, problem: string): never =>
  fail('CorruptArchive', { file: source.name, reason: `a .npy array in it is not readable: ${problem}` });

/** An array of a source: lazy where the numbers lie as they are, in memory where they have to be turned. */
export async function readNpy(source: ByteSource): Promise<TensorData> {
  const header = parseHeader(source, await source.slice(0, Math.min(source.size, 12 + HEADER_LIMIT)).read());
  const { dtype, shape, isBigEndian, isFortranOrder, dataStart } = header;
  const needed = shape.reduce((n, size) => n * BigInt(size), BigInt(byteLength(dtype, 1)));
  if (needed !== BigInt(source.size - dataStart))
    refuse(source, `${dtype}[${shape.join(',')}] takes ${needed} bytes, ${source.size - dataStart} are there`);
  const numbers = source.slice(dataStart, source.size);
  if (!isBigEndian && !isFortranOrder) return storedData(dtype, shape, numbers);
  const raw = storedData('uint8', [numbers.size], numbers);
  return derivedData({ dtype, shape }, [raw], (bytes) =>
    rowMajor(isBigEndian ? swapped(dtype, bytes) : bytes, { dtype, shape, isFortranOrder }),
  );
}

function parseHeader(source: ByteSource, bytes: Uint8Array): Header {
  if (bytes.byteLength < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) refuse(source, 'it has no .npy header');
  const major = bytes[6]!;
  if (major < 1 || major > 3) refuse(source, `version ${major} is unknown`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = major === 1 ? 10 : 12;
  if (length > HEADER_LIMIT || start + length > bytes.byteLength) refuse(source, 'its header is cut short or too long');
  const text = (major === 3 ? utf8Text : latin1Text)(bytes.subarray(start, start + length));
  return { ...parseDescription(source, text), dataStart: start + length };
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` */
function parseDescription(source: ByteSource, text: string): Omit<Header, 'dataStart'> {
  const description = /'descr':\s*'([<>|=]?)(\w+)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(text);
  if (!description || !order || !shape)
    return refuse(
      source,
      text.includes("'descr': [") ? 'structured arrays are not supported' : 'its header is not understood',
    );
  const [, endian, code] = description;
  if (code!.startsWith('O')) refuse(source, 'it is an array of Python objects; save plain numbers');
  const dtype = DTYPE_OF.get(code!) ?? refuse(source, `its type "${code}" is not a plain number type`);
  const sizes = shape[1]!
    .split(',')
    .map((size) => size.replace('L', '').trim())
    .filter(Boolean)
    .map(Number);
  if (!sizes.every(Number.isSafeInteger)) refuse(source, 'a size is impossible');
  return { dtype, isBigEndian: endian === '>', isFortranOrder: order[1] === 'True', shape: sizes };
}

/** Other byte order; complex numbers turn each half by itself. */
function swapped(dtype: Dtype, bytes: Uint8Array): Uint8Array {
  const size = byteLength(dtype, 1) / (DTYPES[dtype].kind === 'complex' ? 2 : 1);
  const out = new Uint8Array(bytes);
  for (let at = 0; at < out.length; at += size) out.subarray(at, at + size).reverse();
  return out;
}

interface Layout {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly isFortranOrder: boolean;
}

function rowMajor(bytes: Uint8Array, { dtype, shape, isFortranOrder }: Layout): Uint8Array {
  if (!isFortranOrder) return bytes;
  const strides = rowMajorStrides(shape.toReversed()).toReversed();
  return gather(bytes, byteLength(dtype, 1), { shape, strides, offset: 0 });
}

/** A whole .npy file of version 1, its numbers aligned to 64 bytes as NumPy writes it. */
export async function npyBytes(data: TensorData): Promise<Uint8Array> {
  const code = DESCRIPTION_OF.get(data.dtype);
  if (!code)
    return fail('UnsupportedType', {
      what: 'writing a .npy array',
      dtype: data.dtype,
      hint: 'convert it to float32 or an integer type first',
    });
  const endian = byteLength(data.dtype, 1) === 1 ? '|' : '<';
  const shape = data.shape.length === 1 ? `(${data.shape[0]},)` : `(${data.shape.join(', ')})`;
  const text = `{'descr': '${endian}${code}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = [...MAGIC, 1, 0, length & 255, length >> 8];
  return joinBytes([Uint8Array.from(head), latin1Bytes(`${text.padEnd(length - 1)}\n`), await data.read()]);
}
