/**
 * What strides decide: whether a reshape can be a view, whether a tensor is contiguous already. Formulas of PyTorch's
 * ATen (TensorUtils, TensorImpl).
 */

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Whether a tensor with these strides can be seen in another shape without a copy. */
export function isViewable(shape: readonly number[], strides: readonly number[], to: readonly number[]): boolean {
  if (count(shape) === 0 || shape.length === 0) return true;
  let at = to.length - 1;
  let base = strides.at(-1)!;
  let elements = 1;
  let seen = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    elements *= shape[d]!;
    // A run of axes that lie densely behind each other ends here.
    const ends = d === 0 || (shape[d - 1] !== 1 && strides[d - 1] !== elements * base);
    if (!ends) continue;
    while (at >= 0 && (seen < elements || to[at] === 1)) seen *= to[at--]!;
    if (seen !== elements) return false;
    if (d > 0) [base, elements, seen] = [strides[d - 1]!, 1, 1];
  }
  return at < 0;
}

export type MemoryFormat = 'contiguous' | 'channels_last' | 'channels_last_3d' | 'preserve';

/** Axes from the innermost to the outermost. */
const ORDERS: Readonly<Record<string, readonly number[]>> = {
  channels_last: [1, 3, 2, 0],
  channels_last_3d: [1, 4, 3, 2, 0],
};

const rowMajorOrder = (rank: number): number[] => Array.from({ length: rank }, (_, i) => rank - 1 - i);

export function isContiguous(
  shape: readonly number[],
  strides: readonly number[],
  format: MemoryFormat = 'contiguous',
): boolean {
  if (count(shape) === 0) return true;
  const order = ORDERS[format] ?? rowMajorOrder(shape.length);
  if (order.length !== shape.length) return false;
  let expected = 1;
  for (const d of order) {
    if (shape[d] === 1) continue;
    if (strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/** Tensor.suggest_memory_format: what `to(memory_format=)` compares with. */
export function suggestedFormat(shape: readonly number[], strides: readonly number[]): MemoryFormat {
  if (shape.length === 4 && looksChannelsLast(shape, strides, ORDERS['channels_last']!)) return 'channels_last';
  return shape.length === 5 && looksChannelsLast(shape, strides, ORDERS['channels_last_3d']!)
    ? 'channels_last_3d'
    : 'contiguous';
}

function looksChannelsLast(shape: readonly number[], strides: readonly number[], order: readonly number[]): boolean {
  if (strides[1] === 0) return false;
  let least = 0;
  for (const d of order) {
    if (shape[d] === 0 || strides[d]! < least) return false;
    // [N,1,1,1] fits both formats and counts as contiguous.
    if (d === 0 && least === strides[1]) return false;
    least = strides[d]! * Math.max(shape[d]!, 1);
  }
  return true;
}

/** Whether no two elements share memory, as far as nested strides show. */
export function isNonOverlapping(shape: readonly number[], strides: readonly number[]): boolean {
  if (count(shape) === 0) return true;
  const axes = shape
    .map((size, i) => ({ size, stride: strides[i]! }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  let reach = 0;
  for (const { size, stride } of axes) {
    if (stride <= reach) return false;
    reach += (size - 1) * stride;
  }
  return true;
}

/** First and last element, relative to the storage. */
export function extent(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): readonly [number, number] {
  if (count(shape) === 0) return [offset, offset - 1];
  return [offset, offset + shape.reduce((n, size, i) => n + (size - 1) * strides[i]!, 0)];
}

export const isDense = (shape: readonly number[], strides: readonly number[]): boolean => {
  const [first, last] = extent(shape, strides, 0);
  return isNonOverlapping(shape, strides) && last - first + 1 === count(shape);
};
