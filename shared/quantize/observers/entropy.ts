/** Entropy: the range around 0 whose codes lose the least information (Kullback-Leibler divergence). */
import type { Range } from '../formulas.ts';
import type { Histogram } from '../../tensor/histogram.ts';
import { aroundZero, type Extent, histogramObserver, within } from './histograms.ts';

/** `num_quantized_bins` of onnxruntime: how many bins stand for the codes. */
const QUANTIZED_BINS = 128;

/**
 * The `get_entropy_threshold` of onnxruntime's calibrator, with its quirks: shares are whole numbers, and the bins that
 * do not divide evenly lie in no share. With 128 bins there is one range to choose from, the widest.
 */
export function entropyRange({ edges, counts }: Histogram, extent: Extent): Range {
  const bins = counts.length;
  const middle = Math.floor(bins / 2);
  const below = new Float64Array(bins + 1);
  for (let i = 0; i < bins; i++) below[i + 1] = below[i]! + counts[i]!;
  let best: Range = { min: edges[0]!, max: edges[bins]! };
  let least = Infinity;
  for (let half = QUANTIZED_BINS / 2; half <= middle; half++) {
    const [start, end] = [middle - half, Math.min(middle + half + 1, bins)];
    const p = counts.slice(start, end);
    const q = sharesOf(p, below[start]!, below[bins]! - below[end]!);
    const divergence = q === null ? Infinity : divergenceOf(p, q);
    if (divergence >= least && half > QUANTIZED_BINS / 2) continue;
    least = divergence;
    best = { min: edges[start]!, max: edges[end]! };
  }
  return within(best, extent);
}

/**
 * What a bin has after its neighbours are merged into one code and spread over those that are not empty; `p` gets
 * what lies outside added to its ends. null: nothing is inside.
 */
function sharesOf(p: Float64Array, left: number, right: number): Float64Array | null {
  const merged = Math.floor(p.length / QUANTIZED_BINS);
  const inside = p.slice();
  p[0]! += left;
  p[p.length - 1]! += right;
  const q = new Float64Array(p.length);
  let isEmpty = true;
  for (let code = 0; code < QUANTIZED_BINS; code++) {
    const [start, end] = [code * merged, (code + 1) * merged];
    let [sum, filled] = [0, 0];
    for (let i = start; i < (code === QUANTIZED_BINS - 1 ? p.length : end); i++) sum += inside[i]!;
    for (let i = start; i < end; i++) filled += p[i] === 0 ? 0 : 1;
    if (filled === 0) continue;
    const share = Math.trunc(sum / filled);
    q.fill(share, start, end);
    isEmpty &&= share === 0;
  }
  return isEmpty ? null : q;
}

const SMALL = 0.0001;

/**
 * `sum(p * log(p / q))` of both as distributions, empty bins filled with a little of the others. Every step is
 * rounded to float32, as there: equal divergences are frequent, and the last digit decides between far apart ranges.
 */
function divergenceOf(counts: Float64Array, shares: Float64Array): number {
  const p = distributionOf(counts);
  const q = distributionOf(shares);
  for (let i = 0; i < p.length; i++) p[i] = Math.fround(p[i]! * Math.fround(Math.log(Math.fround(p[i]! / q[i]!))));
  return pairwiseSum(p, 0, p.length);
}

function distributionOf(shares: Float64Array): Float32Array {
  const empty = shares.reduce((count, share) => count + (share === 0 ? 1 : 0), 0);
  const taken = Math.fround((SMALL * empty) / (shares.length - empty));
  const smooth = Float32Array.from(shares, (share) => (share === 0 ? SMALL : Math.fround(share) - taken));
  const total = pairwiseSum(smooth, 0, smooth.length);
  return smooth.map((share) => share / total);
}

/** Longest run that numpy adds in one go, in eight sums of every eighth number. */
const RUN = 128;

/** A sum in float32, in the order in which numpy adds. */
function pairwiseSum(x: Float32Array, start: number, count: number): number {
  if (count > RUN) {
    const half = (count >> 1) - ((count >> 1) % 8);
    return Math.fround(pairwiseSum(x, start, half) + pairwiseSum(x, start + half, count - half));
  }
  const whole = count - (count % 8);
  const eight = x.slice(start, start + 8);
  for (let i = 8; i < whole; i++) eight[i % 8]! += x[start + i]!;
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => Math.fround(eight[i]! + eight[i + 1]!)) as [
    number,
    number,
    number,
    number,
  ];
  let sum = Math.fround(Math.fround(a + b) + Math.fround(c + d));
  for (let i = whole; i < count; i++) sum = Math.fround(sum + x[start + i]!);
  return sum;
}

export const entropy = histogramObserver({
  empty: (extent, options) => [aroundZero(extent, options)],
  find: ({ extent, histograms: [histogram] }) => entropyRange(histogram!, extent),
});
