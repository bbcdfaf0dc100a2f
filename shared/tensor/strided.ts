/** Tensors as windows on a storage: shape, strides and offset in elements, copied out row-major. */
import { elementCount } from './type.ts';

export interface Window {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Whether the elements lie one after the other, row-major. */
export function isContiguous({ shape, strides }: Window): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size === 0) return true;
    if (size !== 1 && strides[axis] !== step) return false;
    step *= size;
  }
  return true;
}

/** One past the last element a window reaches; 0 when it is empty. Exact: sizes of hostile files overflow numbers. */
export function reach({ shape, strides, offset }: Window): bigint {
  if (shape.includes(0)) return 0n;
  return shape.reduce((end, size, axis) => end + BigInt(size - 1) * BigInt(strides[axis]!), BigInt(offset) + 1n);
}

/** Copy a window of `itemSize`-byte elements out of its storage. */
export function gather(storage: Uint8Array, itemSize: number, window: Window): Uint8Array<ArrayBuffer> {
  const { shape, strides, offset } = window;
  const out = new Uint8Array(elementCount(shape) * itemSize);
  if (out.byteLength === 0) return out;
  if (shape.length === 0) return new Uint8Array(storage.subarray(offset * itemSize, (offset + 1) * itemSize));
  const last = shape.length - 1;
  const copyRow = rowCopier(storage, out, { itemSize, count: shape[last]!, stride: strides[last]! });
  const index = new Array<number>(last).fill(0);
  let from = offset;
  for (let to = 0; ;) {
    copyRow(from, to);
    to += shape[last]!;
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return out;
  }
}

type RowCopier = (from: number, to: number) => void;

const WORDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/** Copies `count` elements that lie `stride` apart; positions in elements. */
function rowCopier(
  storage: Uint8Array,
  out: Uint8Array<ArrayBuffer>,
  { itemSize, count, stride }: { readonly itemSize: number; readonly count: number; readonly stride: number },
): RowCopier {
  if (stride === 1)
    return (from, to) => out.set(storage.subarray(from * itemSize, (from + count) * itemSize), to * itemSize);
  const word = itemSize === 16 ? 8 : (itemSize as keyof typeof WORDS);
  const Words = WORDS[word];
  const words = itemSize / word;
  const aligned = storage.byteOffset % word === 0 ? storage : new Uint8Array(storage);
  // A storage is never shared memory.
  const source = new Words(aligned.buffer as ArrayBuffer, aligned.byteOffset, Math.floor(aligned.byteLength / word));
  const target = new Words(out.buffer);
  return (from, to) => {
    for (let i = 0, s = from * words, t = to * words; i < count; i++, s += stride * words, t += words) {
      for (let part = 0; part < words; part++) target[t + part] = source[s + part]!;
    }
  };
}
