/** Hot loops over matrices whose blocks share a scale: rounding, and the ways codes are laid out and packed. */
import { roundHalfEven } from './arithmetic.ts';

/**
 * `[K, N]` or `[N, K]` in memory, seen as N columns of K elements that a product sums; `size` of them in a row share a
 * scale. The last block of a column may be shorter.
 */
export interface BlockLayout {
  readonly k: number;
  readonly n: number;
  readonly strideK: number;
  readonly strideN: number;
  readonly size: number;
}

export const blocksIn = ({ k, size }: BlockLayout): number => Math.ceil(k / size);

/** Of every block, column by column: `[N, blocks]`. */
export interface BlockParams {
  readonly scale: Float64Array;
  /** Codes are unsigned here. */
  readonly zeroPoint: Uint8Array;
}

/** Codes as `[N, K]`, a byte each. */
export interface Blocks extends BlockParams {
  readonly codes: Uint8Array;
}

export interface BlockCodes {
  /** The largest code. */
  readonly high: number;
  readonly symmetric: boolean;
}

/**
 * Of the range of each block, which includes 0: scale `(max - min) / high`, the difference in float32; zero point
 * `round_half_even(-min / scale)`. Symmetric: `2 * absmax / high` and the middle code. A block of zeros has scale 1.
 */
export function paramsOfBlocks(
  values: Float32Array,
  layout: BlockLayout,
  { high, symmetric }: BlockCodes,
): BlockParams {
  const { k, n, strideK, strideN, size } = layout;
  const blocks = blocksIn(layout);
  const scale = new Float64Array(n * blocks);
  const zeroPoint = new Uint8Array(n * blocks);
  const middle = (high + 1) / 2;
  for (let b = 0; b < blocks; b++) {
    const end = Math.min(k, (b + 1) * size);
    for (let c = 0; c < n; c++) {
      let min = 0;
      let max = 0;
      for (let i = b * size, at = i * strideK + c * strideN; i < end; i++, at += strideK) {
        const v = values[at]!;
        if (v < min) min = v;
        if (v > max) max = v;
      }
      const range = symmetric ? 2 * Math.max(-min, max) : Math.fround(max - min);
      const s = range / high;
      const isNormal = s >= SMALLEST_NORMAL;
      scale[c * blocks + b] = isNormal ? s : 1;
      zeroPoint[c * blocks + b] = symmetric ? middle : isNormal ? roundHalfEven(-min / s) : 0;
    }
  }
  return { scale, zeroPoint };
}

const SMALLEST_NORMAL = 1.1754943508222875e-38;

/** `clamp(round_half_even(x / scale + zero_point), 0, high)`, in float64. */
export function codesOfBlocks(
  values: Float32Array,
  layout: BlockLayout,
  { scale, zeroPoint, high }: BlockParams & Pick<BlockCodes, 'high'>,
): Uint8Array {
  const { k, n, strideK, strideN, size } = layout;
  const blocks = blocksIn(layout);
  const codes = new Uint8Array(n * k);
  for (let b = 0; b < blocks; b++) {
    const end = Math.min(k, (b + 1) * size);
    for (let c = 0; c < n; c++) {
      const s = scale[c * blocks + b]!;
      const z = zeroPoint[c * blocks + b]!;
      for (let i = b * size, at = i * strideK + c * strideN; i < end; i++, at += strideK) {
        const q = roundHalfEven(values[at]! / s + z);
        codes[c * k + i] = q < 0 ? 0 : q > high ? high : q;
      }
    }
  }
  return codes;
}

/** A matrix turned: `[rows, columns]` to `[columns, rows]`. */
export function transposeFloats(values: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++, i++) out[c * rows + r] = values[i]!;
  return out;
}

/** Two codes of four bits to a byte, the first in the low half. `flip` 8 turns unsigned codes to signed ones. */
export function packNibbles(codes: Uint8Array, flip = 0): Uint8Array {
  const out = new Uint8Array(Math.ceil(codes.length / 2));
  for (let i = 0; i < codes.length; i++) out[i >> 1]! |= ((codes[i]! ^ flip) & 15) << ((i & 1) * 4);
  return out;
}

/** The inverse of `packNibbles`, unsigned. */
export function unpackNibbles(packed: Uint8Array, count: number): Uint8Array {
  const codes = new Uint8Array(count);
  for (let i = 0; i < count; i++) codes[i] = (packed[i >> 1]! >> ((i & 1) * 4)) & 15;
  return codes;
}

/** The highest bit turned over: unsigned codes of eight bits to signed ones. */
export function flipSigns(codes: Uint8Array): Uint8Array {
  const out = new Uint8Array(codes.length);
  for (let i = 0; i < out.length; i++) out[i] = codes[i]! ^ 128;
  return out;
}

/** Rows of `length` made `padded` long by `fill(row)`. */
export function padRows(
  rows: Uint8Array,
  { length, padded }: { readonly length: number; readonly padded: number },
  fill: (row: number) => number,
): Uint8Array {
  if (length === padded) return rows;
  const count = length === 0 ? 0 : rows.length / length;
  const out = new Uint8Array(count * padded);
  for (let r = 0; r < count; r++) {
    out.set(rows.subarray(r * length, (r + 1) * length), r * padded);
    out.fill(fill(r), r * padded + length, (r + 1) * padded);
  }
  return out;
}

/** One block of a column as float64, in `into` where it is full. */
export function gatherBlock(
  into: Float64Array,
  values: Float32Array,
  { layout, column, block }: { readonly layout: BlockLayout; readonly column: number; readonly block: number },
): Float64Array {
  const { k, strideK, strideN, size } = layout;
  const count = Math.min(size, k - block * size);
  for (let i = 0, at = block * size * strideK + column * strideN; i < count; i++, at += strideK) into[i] = values[at]!;
  return into.subarray(0, count);
}
