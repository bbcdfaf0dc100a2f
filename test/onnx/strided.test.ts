import { expect, test } from 'vitest';
import { stridedCopy } from '../../shared/onnx/passes/evaluate/strided.ts';

/** The definition, element by element. */
function expected(
  elements: readonly number[],
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): number[] {
  const [length, ...inner] = shape;
  if (length === undefined) return [elements[offset]!];
  return Array.from({ length }, (_, i) => expected(elements, inner, strides.slice(1), offset + i * strides[0]!)).flat();
}

const VIEWS: Readonly<Record<string, { shape: number[]; strides: number[]; offset: number }>> = {
  'transposed, larger than a block': { shape: [70, 130], strides: [1, 70], offset: 0 },
  'three axes turned': { shape: [5, 3, 7], strides: [1, 35, 5], offset: 0 },
  'a transposition inside a batch': { shape: [4, 6, 5], strides: [30, 1, 6], offset: 2 },
  'every second, backwards': { shape: [4, 3], strides: [12, -2], offset: 5 },
  repeated: { shape: [3, 2, 4], strides: [0, 4, 1], offset: 8 },
  'as it is': { shape: [2, 3, 4], strides: [12, 4, 1], offset: 0 },
  'one element': { shape: [], strides: [], offset: 7 },
  nothing: { shape: [0, 3], strides: [3, 1], offset: 0 },
};
const ARRAYS = [Uint8Array, Uint16Array, Float32Array, Float64Array] as const;

test.each(Object.entries(VIEWS))('%s', (_, { shape, strides, offset }) => {
  const elements = Array.from({ length: 70 * 130 }, (_, i) => i % 251);
  for (const NumberArray of ARRAYS) {
    const size = NumberArray.BYTES_PER_ELEMENT;
    // Not aligned, as a tensor in the middle of a file.
    const bytes = new Uint8Array(elements.length * size + 1).subarray(1);
    bytes.set(new Uint8Array(new NumberArray(elements).buffer));
    const copied = stridedCopy(bytes, { size, shape, strides, offset });
    const copiedElements: ArrayLike<number> = new NumberArray(copied.buffer as ArrayBuffer);
    expect(Array.from(copiedElements)).toEqual(expected(elements, shape, strides, offset));
  }
});
