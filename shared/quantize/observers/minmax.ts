/** The smallest and the largest value: of all batches, or averaged over them. */
import type { Range } from '../formulas.ts';
import { extremesIn, extremeProbes } from './extremes.ts';
import type { Observer, ObserverOptions } from './observer.ts';

/** Of all batches so far and the next one. */
type Merge = (seen: Range, next: Range) => Range;

const merging = (mergeOf: (options: ObserverOptions) => Merge): Observer => ({
  rounds: 1,
  watch(_, options) {
    const merge = mergeOf(options);
    let seen: Range | null = null;
    return {
      probes: extremeProbes,
      absorb(results) {
        const next = extremesIn(results);
        if (next.kind === 'range') seen = seen ? merge(seen, next.range) : next.range;
        return next.kind !== 'not finite';
      },
      range: () => seen,
    };
  },
});

export const widest: Merge = (seen, next) => ({
  min: Math.min(seen.min, next.min),
  max: Math.max(seen.max, next.max),
});

export const minmax = merging(() => widest);

/** `averaging_constant` of PyTorch and of onnxruntime's tool. */
export const AVERAGING_CONSTANT = 0.01;

/** `torch.ao.quantization.MovingAverageMinMaxObserver`, a batch a step: `min + c * (next_min - min)`, in float32. */
export const movingAverage = merging(({ averagingConstant = AVERAGING_CONSTANT }) => {
  const towards = (from: number, to: number): number =>
    Math.fround(from + Math.fround(Math.fround(averagingConstant) * Math.fround(to - from)));
  return (seen, next) => ({ min: towards(seen.min, next.min), max: towards(seen.max, next.max) });
});
