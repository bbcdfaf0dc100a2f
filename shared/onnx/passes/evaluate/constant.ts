/** Tensors in memory while constants are folded: their bytes, and views of them as numbers. */
import { type Dtype, DTYPES, isFloat } from '../../../tensor/dtype.ts';
import { decodeBigInts, decodeNumbers, encodeNumbers } from '../../../tensor/numbers.ts';
import { elementCount, rowMajorStrides } from '../../../tensor/type.ts';

export interface Constant {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Types whose arithmetic is exact here: one rounding of a double is the rounding of the type itself. */
export const isExactFloat = (dtype: Dtype): boolean =>
  dtype === 'float16' || dtype === 'float32' || dtype === 'float64';
export const isWhole = (dtype: Dtype): boolean =>
  (DTYPES[dtype].kind === 'int' || DTYPES[dtype].kind === 'uint') && DTYPES[dtype].bits >= 8;

export const floatsOf = ({ dtype, bytes }: Constant): Float64Array => decodeNumbers(dtype, bytes);
export const wholesOf = ({ dtype, bytes }: Constant): bigint[] => decodeBigInts(dtype, bytes);
export const indicesOf = (constant: Constant): number[] => wholesOf(constant).map(Number);

export const constant = (dtype: Dtype, shape: readonly number[], values: ArrayLike<number | bigint>): Constant => ({
  dtype,
  shape,
  bytes: encodeNumbers(dtype, isFloat(dtype) ? values : Array.from(values, (value) => wrap(dtype, BigInt(value)))),
});

/** Two's complement, as C computes. */
export function wrap(dtype: Dtype, value: bigint): bigint {
  const { kind, bits } = DTYPES[dtype];
  if (kind === 'bool') return value === 0n ? 0n : 1n;
  return kind === 'int' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** Bytes of one element; 0 for packed types. */
export const elementSize = (dtype: Dtype): number => (DTYPES[dtype].bits >= 8 ? DTYPES[dtype].bits / 8 : 0);

export function broadcastShape(shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      const size = shape[i]!;
      if (size === 1 || size === out[at]) continue;
      if (out[at] !== 1) return null;
      out[at] = size;
    }
  }
  return out;
}

/** For every element of `to`, the element of a tensor of shape `from` that stands there. */
export function broadcastIndices(from: readonly number[], to: readonly number[]): Int32Array {
  const strides = rowMajorStrides(from);
  const lead = to.length - from.length;
  return combine(
    to.map((size, axis) =>
      Array.from({ length: size }, (_, i) => (axis < lead || from[axis - lead] === 1 ? 0 : i * strides[axis - lead]!)),
    ),
  );
}

/** Sums of one number from each list, the last list fastest: element positions from positions along each axis. */
export function combine(lists: readonly (readonly number[])[]): Int32Array {
  let sums: Int32Array = new Int32Array(1);
  for (const list of lists) {
    const next = new Int32Array(sums.length * list.length);
    let at = 0;
    for (let i = 0; i < sums.length; i++) for (let j = 0; j < list.length; j++) next[at++] = sums[i]! + list[j]!;
    sums = next;
  }
  return sums;
}

/** The elements of `data` at these positions. */
export function take(data: Constant, positions: Int32Array, shape: readonly number[]): Constant {
  const size = elementSize(data.dtype);
  if (elementCount(shape) !== positions.length)
    throw new Error(`${positions.length} elements for the shape [${shape.join(',')}]`);
  const bytes = new Uint8Array(positions.length * size);
  for (let i = 0; i < positions.length; i++) {
    const from = positions[i]! * size;
    for (let b = 0; b < size; b++) bytes[i * size + b] = data.bytes[from + b]!;
  }
  return { dtype: data.dtype, shape, bytes };
}
