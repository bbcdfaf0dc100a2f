/**
 * Sums of uint8 x int8 products as x64 processors without VNNI compute them: products of neighbours are added in 16
 * bits and saturate there (vpmaddubsw), everything else in 32.
 */
const clamp16 = (x: number): number => Math.max(-32768, Math.min(32767, x));

/** Factors in the order in which the kernel adds their products. */
export function narrowSum(x: readonly number[], w: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < w.length; k += 2) sum += clamp16(x[k]! * w[k]! + (x[k + 1] ?? 0) * (w[k + 1] ?? 0));
  return sum;
}

export const exactSum = (x: readonly number[], w: readonly number[]): number =>
  w.reduce((sum, factor, k) => sum + x[k]! * factor, 0);

/** The columns of `[K, N]`. */
export const columnsOf = ([rows, columns]: readonly [number, number], values: ArrayLike<number>): number[][] =>
  Array.from({ length: columns }, (_, n) => Array.from({ length: rows }, (_, k) => values[k * columns + n]!));

/** Each filter of `[M, C, kh, kw]`, or one image `[1, C, kh, kw]`, with its channels last: kh x kw x C. */
export function channelsLast(shape: readonly number[], values: ArrayLike<number>): number[][] {
  const [filters, channels, height, width] = shape as readonly [number, number, number, number];
  const all: number[][] = [];
  for (let m = 0; m < filters; m++) {
    const one: number[] = [];
    for (let h = 0; h < height; h++)
      for (let w = 0; w < width; w++)
        for (let c = 0; c < channels; c++) one.push(values[((m * channels + c) * height + h) * width + w]!);
    all.push(one);
  }
  return all;
}

/** Rows of a tensor along its first axis, as they lie. */
export function rowsOf(shape: readonly number[], values: ArrayLike<number>): number[][] {
  const width = values.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) =>
    Array.from({ length: width }, (_, i) => values[row * width + i]!),
  );
}
