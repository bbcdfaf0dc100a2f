/** auto: of the ranges that the others find, the one whose codes have the smallest mean squared error. */
import type { Range } from '../formulas.ts';
import { entropyRange } from './entropy.ts';
import { aroundZero, type Distribution, type Found, histogramObserver } from './histograms.ts';
import { errorOf, mseRange, seenValues } from './mse.ts';
import type { ObserverOptions } from './observer.ts';
import { magnitudes, percentileRange } from './percentile.ts';

/** The first of equal ones wins. */
const CANDIDATES: Readonly<Record<string, (distribution: Distribution, options: ObserverOptions) => Range>> = {
  MinMax: ({ extent }) => extent,
  Percentile: ({ extent, histograms: [, absolute] }, options) => percentileRange(absolute!, extent, options),
  Entropy: ({ extent, histograms: [, , symmetric] }) => entropyRange(symmetric!, extent),
  MSE: ({ extent, histograms: [values], spec }) => mseRange(values!, extent, spec),
};

function leastError(distribution: Distribution, options: ObserverOptions): Found {
  const { histograms, spec } = distribution;
  return Object.entries(CANDIDATES)
    .map(([chosen, rangeOf]) => ({ chosen, ...rangeOf(distribution, options) }))
    .map((found) => ({ found, error: errorOf(histograms[0]!, found, spec) }))
    .reduce((best, next) => (next.error < best.error ? next : best)).found;
}

export const auto = histogramObserver({
  empty: (extent, options) => [seenValues(extent, options), magnitudes(extent, options), aroundZero(extent, options)],
  find: leastError,
});
