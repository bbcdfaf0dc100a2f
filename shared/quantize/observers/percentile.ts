/** Percentile: a few of the largest magnitudes are cut off. */
import type { Range } from '../formulas.ts';
import { evenBins, type Histogram } from '../../tensor/histogram.ts';
import { aroundZero, type Extent, histogramObserver, NUM_BINS, within } from './histograms.ts';
import type { ObserverOptions } from './observer.ts';

export const PERCENTILE = 99.999;

/** onnxruntime's bins of magnitudes: from the smallest to the largest. */
export function magnitudes({ min, max, minMagnitude }: Extent, { numBins = NUM_BINS }: ObserverOptions): Histogram {
  return evenBins('magnitudes', [minMagnitude, Math.max(Math.abs(min), Math.abs(max))], numBins);
}

/** Where the bin begins in which the cumulated share of what was counted reaches `wanted`, as in onnxruntime. */
function edgeReaching(wanted: number, { edges, counts }: Histogram): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let [bin, share] = [0, 0];
  for (; bin < counts.length; bin++) {
    share += counts[bin]! / total;
    if (share >= wanted) break;
  }
  return edges[bin]!;
}

/** Of magnitudes: as far on both sides of 0. */
export function percentileRange(
  histogram: Histogram,
  extent: Extent,
  { percentile = PERCENTILE }: ObserverOptions,
): Range {
  const most = edgeReaching(percentile / 100, histogram);
  return within({ min: -most, max: most }, extent);
}

/** Of values: half of what is cut off at each end. */
function twoSidedRange(histogram: Histogram, extent: Extent, { percentile = PERCENTILE }: ObserverOptions): Range {
  const cut = (100 - percentile) / 200;
  return within({ min: edgeReaching(cut, histogram), max: edgeReaching(1 - cut, histogram) }, extent);
}

export const percentile = histogramObserver({
  empty: (extent, options) => [options.twoSided ? aroundZero(extent, options) : magnitudes(extent, options)],
  find: ({ extent, histograms: [histogram] }, options) =>
    (options.twoSided ? twoSidedRange : percentileRange)(histogram!, extent, options),
});
