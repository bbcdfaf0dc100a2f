/** Observers that look at the whole distribution: its extent in the first round, histograms in the second. */
import { countInto, evenBins, type Histogram } from '../../tensor/histogram.ts';
import type { Range } from '../formulas.ts';
import type { CodeSpec } from '../recipe.ts';
import { extremeProbes, extremesIn } from './extremes.ts';
import { widest } from './minmax.ts';
import type { Observer, ObserverOptions, Watch } from './observer.ts';

/** What the first round finds. */
export interface Extent extends Range {
  readonly minMagnitude: number;
}

export interface Distribution {
  readonly extent: Extent;
  /** Parallel to what was asked for. */
  readonly histograms: readonly Histogram[];
  readonly spec: CodeSpec;
}

/** A range, and whose it is where several were possible. */
export type Found = Range & { readonly chosen?: string };

interface Looking {
  /** Empty histograms to count into. */
  readonly empty: (extent: Extent, options: ObserverOptions) => readonly Histogram[];
  readonly find: (distribution: Distribution, options: ObserverOptions) => Found;
}

/**
 * In the second round whole tensors are fetched: counting them here costs a quarter of what counting by ScatterElements
 * costs in the graph, and follows the edges exactly.
 */
export const histogramObserver = ({ empty, find }: Looking): Observer => ({
  rounds: 2,
  watch(spec, options): Watch {
    let [extent, elements]: [Extent | null, number] = [null, 0];
    let histograms: readonly Histogram[] | null = null;
    let found: Found | null = null;
    const result = (): Found | null => (found ??= extent && histograms && find({ extent, histograms, spec }, options));
    return {
      probes: (op, tensor, round) =>
        round === 0
          ? [
              ...extremeProbes(op, tensor),
              op.ReduceMin([op.Abs([tensor])], { keepdims: 0 }),
              op.Cast([op.Size([tensor])], { to: 'float32' }),
            ]
          : [op.Identity([tensor])],
      elements: (round) => (round === 0 ? 0 : elements),
      absorb(results, round) {
        if (round === 1) {
          if (extent) histograms ??= empty(extent, options);
          for (const histogram of histograms ?? []) countInto(histogram, results[0]!);
          return true;
        }
        const next = extremesIn(results);
        if (next.kind !== 'range') return next.kind !== 'not finite';
        const [minMagnitude, count] = [results[3]![0]!, results[4]![0]!];
        extent = {
          ...(extent ? widest(extent, next.range) : next.range),
          minMagnitude: Math.min(extent?.minMagnitude ?? Infinity, minMagnitude),
        };
        elements = Math.max(elements, count);
        return true;
      },
      range: result,
      get chosen() {
        return result()?.chosen ?? null;
      },
    };
  },
});

/** Bins that suffice for 256 codes; `num_bins` chooses others. */
export const NUM_BINS = 2048;

/** onnxruntime's bins of values: as far on both sides of 0. */
export function aroundZero({ min, max }: Extent, { numBins = NUM_BINS }: ObserverOptions): Histogram {
  const most = Math.max(Math.abs(min), Math.abs(max));
  return evenBins('values', [-most, most], numBins);
}

/** No wider than what was seen. */
export const within = (range: Range, { min, max }: Range): Range => ({
  min: Math.max(range.min, min),
  max: Math.min(range.max, max),
});
