/**
 * The numbers of a tensor as a promise: in memory, stored in a file, or computed from others when they are written out.
 */
import { type ByteSource, readVerified } from '../bytes/byte-source.ts';
import { byteLength, type Dtype } from './dtype.ts';
import { elementCount } from './type.ts';

/** Little-endian, row-major, packed as ONNX raw_data. */
export interface TensorData {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Present when the numbers are in memory: only such data can be folded into a graph at once. */
  readonly memory: Uint8Array | null;
  /** Present when the bytes lie as they are, contiguous, in a file: external data may point there. */
  readonly stored: ByteSource | null;
  /** The same object for the same numbers: tied weights stay one initializer. */
  readonly identity: object;
  read(): Promise<Uint8Array>;
}

const sized = (dtype: Dtype, shape: readonly number[]): number => byteLength(dtype, elementCount(shape));

export function memoryData(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): TensorData {
  const expected = sized(dtype, shape);
  if (bytes.byteLength !== expected)
    throw new Error(`${dtype}[${shape.join(',')}] takes ${expected} bytes, got ${bytes.byteLength}`);
  return {
    dtype,
    shape,
    byteLength: expected,
    memory: bytes,
    stored: null,
    identity: bytes,
    read: () => Promise.resolve(bytes),
  };
}

/** The identity is the source; give two views of the same numbers the same one. */
export function storedData(dtype: Dtype, shape: readonly number[], source: ByteSource): TensorData {
  return {
    dtype,
    shape,
    byteLength: sized(dtype, shape),
    memory: null,
    stored: source,
    identity: source,
    read: () => readVerified(source),
  };
}

/** Data computed only when it is read, every time. */
export function computedData(
  { dtype, shape }: Pick<TensorData, 'dtype' | 'shape'>,
  compute: () => Promise<Uint8Array>,
): TensorData {
  const expected = sized(dtype, shape);
  const read = async (): Promise<Uint8Array> => {
    const bytes = await compute();
    if (bytes.byteLength !== expected)
      throw new Error(`computed ${dtype}[${shape.join(',')}] takes ${expected} bytes, got ${bytes.byteLength}`);
    return bytes;
  };
  return { dtype, shape, byteLength: expected, memory: null, stored: null, identity: read, read };
}

/** Data computed from others, so that rewriting a weight stays a synchronous graph edit. */
export const derivedData = (
  type: Pick<TensorData, 'dtype' | 'shape'>,
  from: readonly TensorData[],
  compute: (...inputs: Uint8Array[]) => Uint8Array,
): TensorData =>
  computedData(type, async () => {
    const inputs: Uint8Array[] = [];
    for (const data of from) inputs.push(await data.read());
    return compute(...inputs);
  });

/**
 * The bytes in pieces of `size`, one after the other: of a file as they are read, else of what is computed or in memory
 * at once. A damaged record is refused after its last piece.
 */
export async function* piecesOf({ stored, read }: TensorData, size: number): AsyncGenerator<Uint8Array> {
  if (stored === null) return yield* cut(await read(), size);
  for (let at = 0; at < stored.size; at += size) yield stored.slice(at, Math.min(stored.size, at + size)).read();
  await stored.verify?.();
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

/** The same numbers under another shape of the same size; still stored or in memory if they were. */
export function reshapedData(data: TensorData, shape: readonly number[]): TensorData {
  if (elementCount(shape) !== elementCount(data.shape))
    throw new Error(`cannot reshape [${data.shape.join(',')}] to [${shape.join(',')}]`);
  return { ...data, shape };
}
