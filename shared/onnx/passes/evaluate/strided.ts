/**
 * Copies elements out of a tensor along strides: what Transpose, Slice, Split and Expand do, for weights of any size.
 */
import { elementCount } from '../../../tensor/type.ts';

export interface StridedView {
  /** Bytes of one element: 1, 2, 4, 8 or 16. */
  readonly size: number;
  readonly shape: readonly number[];
  /** In elements of the source, by axis of `shape`; 0 repeats, negative goes backwards. */
  readonly strides: readonly number[];
  readonly offset: number;
}

type Elements = Uint8Array | Uint16Array | Uint32Array;
const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const;

/** Elements of both sides that stay in the cache while a block of a transposition is copied. */
const TILE = 64;

export function stridedCopy(bytes: Uint8Array, view: StridedView): Uint8Array {
  const { size, shape, strides, offset } = merged(inWords(view));
  const out = new Uint8Array(elementCount(view.shape) * view.size);
  if (out.byteLength === 0) return out;
  const ElementArray = ARRAYS[size as keyof typeof ARRAYS];
  const source = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const from: Elements = new ElementArray(
    source.buffer as ArrayBuffer,
    source.byteOffset,
    Math.floor(source.byteLength / size),
  );
  copyAxes(from, new ElementArray(out.buffer), { shape, strides, offset, into: 0, axis: 0 });
  return out;
}

/** Larger elements are runs of 32-bit words, so that no number type can change their bits. */
function inWords({ size, shape, strides, offset }: StridedView): StridedView {
  const words = size / 4;
  if (words <= 1) return { size, shape, strides, offset };
  return { size: 4, shape: [...shape, words], strides: [...strides.map((s) => s * words), 1], offset: offset * words };
}

/** Neighbouring axes that lie in one run become one axis. */
function merged({ size, shape, strides, offset }: StridedView): StridedView {
  const axes: { length: number; stride: number }[] = [];
  shape.forEach((length, i) => {
    if (length === 1) return;
    const last = axes.at(-1);
    if (last && last.stride === strides[i]! * length)
      axes[axes.length - 1] = { length: last.length * length, stride: strides[i]! };
    else axes.push({ length, stride: strides[i]! });
  });
  if (axes.length === 0) axes.push({ length: 1, stride: 1 });
  return { size, shape: axes.map((a) => a.length), strides: axes.map((a) => a.stride), offset };
}

interface Copy {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  /** Where this part of the result starts. */
  readonly into: number;
  readonly axis: number;
}

function copyAxes(from: Elements, to: Elements, { shape, strides, offset, into, axis }: Copy): void {
  const remaining = shape.length - axis;
  const [length, stride] = [shape[axis]!, strides[axis]!];
  if (remaining === 1) {
    if (stride === 1) to.set(from.subarray(offset, offset + length), into);
    else for (let i = 0; i < length; i++) to[into + i] = from[offset + i * stride]!;
  } else if (remaining === 2 && stride === 1) {
    copyTransposed(from, to, { offset, into, rows: length, columns: shape[axis + 1]!, stride: strides[axis + 1]! });
  } else {
    const step = elementCount(shape.slice(axis + 1));
    for (let i = 0; i < length; i++)
      copyAxes(from, to, { shape, strides, offset: offset + i * stride, into: into + i * step, axis: axis + 1 });
  }
}

/** Rows of the result are columns of the source: block by block, so that both sides stay in the cache. */
function copyTransposed(
  from: Elements,
  to: Elements,
  {
    offset,
    into,
    rows,
    columns,
    stride,
  }: { offset: number; into: number; rows: number; columns: number; stride: number },
): void {
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(rows, top + TILE);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(columns, left + TILE);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++)
          to[into + row * columns + column] = from[offset + row + column * stride]!;
      }
    }
  }
}
