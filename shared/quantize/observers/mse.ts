/** MSE: the range whose codes have the smallest mean squared error. */
import { evenBins, type Histogram } from '../../tensor/histogram.ts';
import { activationParams, type Range } from '../formulas.ts';
import type { CodeSpec } from '../recipe.ts';
import { type Extent, histogramObserver, NUM_BINS } from './histograms.ts';
import type { ObserverOptions } from './observer.ts';

/** From the smallest to the largest. */
export const seenValues = ({ min, max }: Extent, { numBins = NUM_BINS }: ObserverOptions): Histogram =>
  evenBins('values', [min, max], numBins);

/**
 * Sum of squared errors of the codes of a range, each bin spread evenly over its width. On the grid of step `s` an
 * interval of numbers inside the range has the integral of `(x - s * round(x / s))^2`, outside that of
 * `(x - end of the range)^2`.
 */
export function errorOf({ edges, counts }: Histogram, range: Range, spec: CodeSpec): number {
  const { scale, zeroPoint } = activationParams(range, spec);
  const [low, high] = [spec.low - zeroPoint, spec.high - zeroPoint];
  let error = 0;
  let before = integral(edges[0]! / scale, low, high);
  for (let i = 0; i < counts.length; i++) {
    const after = integral(edges[i + 1]! / scale, low, high);
    const width = (edges[i + 1]! - edges[i]!) / scale;
    if (counts[i]! > 0 && width > 0) error += (counts[i]! * (after - before)) / width;
    before = after;
  }
  return error * scale * scale;
}

/** Of `(t - clip(round(t), low, high))^2` from 0 to `t`, 0 being among the codes. */
function integral(t: number, low: number, high: number): number {
  const code = Math.min(high, Math.max(low, Math.round(t)));
  return code / 12 + (t - code) ** 3 / 3;
}

const STEPS = 64;

/** Both ends drawn in together, then each alone. */
export function mseRange(histogram: Histogram, { min, max }: Range, spec: CodeSpec): Range {
  let best: Range = { min, max };
  let least = errorOf(histogram, best, spec);
  const tryAll = (candidate: (part: number) => Range): void => {
    for (let step = 1; step < STEPS; step++) {
      const range = candidate(step / STEPS);
      const error = errorOf(histogram, range, spec);
      if (error < least) [best, least] = [range, error];
    }
  };
  tryAll((part) => ({ min: min * part, max: max * part }));
  const { min: low } = best;
  tryAll((part) => ({ min: low, max: max * part }));
  const { max: high } = best;
  tryAll((part) => ({ min: min * part, max: high }));
  return best;
}

export const mse = histogramObserver({
  empty: (extent, options) => [seenValues(extent, options)],
  find: ({ extent, histograms: [histogram], spec }) => mseRange(histogram!, extent, spec),
});
