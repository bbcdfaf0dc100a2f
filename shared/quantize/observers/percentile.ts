/** Percentile: a few of the largest magnitudes are cut off. */
import type { Range } from '../formulas.ts';
import { evenBins, type Histogram } from '../../tensor/histogram.ts';
import { type Extent, histogramObserver, NUM_BINS, within } from './histograms.ts';
import type { ObserverOptions } from './observer.ts';

export const PERCENTILE = 99.999;

/** onnxruntime's bins of magnitudes: from the smallest to the largest. */
export function magnitudes({ min, max, minMagnitude }: Extent, { numBins = NUM_BINS }: ObserverOptions): Histogram {
  return evenBins('magnitudes', [minMagnitude, Math.max(Math.abs(min), Math.abs(max))], numBins);
}

/** Where the bin begins in which the cumulated share of magnitudes reaches the percentile, as in onnxruntime. */
export function percentileRange(
  { edges, counts }: Histogram,
  extent: Extent,
  { percentile = PERCENTILE }: ObserverOptions,
): Range {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let [bin, share] = [0, 0];
  for (; bin < counts.length; bin++) {
    share += counts[bin]! / total;
    if (share >= percentile / 100) break;
  }
  return within({ min: -edges[bin]!, max: edges[bin]! }, extent);
}

export const percentile = histogramObserver({
  empty: (extent, options) => [magnitudes(extent, options)],
  find: ({ extent, histograms: [histogram] }, options) => percentileRange(histogram!, extent, options),
});
