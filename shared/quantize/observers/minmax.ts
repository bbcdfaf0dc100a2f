/** The smallest and the largest value: of all batches, or averaged over them. */
import type { Range } from '../formulas.ts';
import type { Observer } from './observer.ts';

/** Of all batches so far and the next one. */
type Merge = (seen: Range, next: Range) => Range;

const extremes = (title: string, merge: Merge): Observer => ({
  title,
  rounds: 1,
  watch() {
    let seen: Range | null = null;
    return {
      // ReduceMin and ReduceMax pass over a NaN that does not come first; the sum does not.
      probes: (op, tensor) => [
        op.ReduceMin([tensor], { keepdims: 0 }),
        op.ReduceMax([tensor], { keepdims: 0 }),
        op.ReduceSum([tensor], { keepdims: 0 }),
      ],
      absorb(results) {
        const [min, max, sum] = results.map((numbers) => numbers[0]!) as [number, number, number];
        if (min === Infinity && max === -Infinity) return true;
        if (Number.isNaN(sum) || !Number.isFinite(min) || !Number.isFinite(max)) return false;
        seen = seen ? merge(seen, { min, max }) : { min, max };
        return true;
      },
      range: () => seen,
    };
  },
});

export const minmax = extremes('MinMax', (seen, next) => ({
  min: Math.min(seen.min, next.min),
  max: Math.max(seen.max, next.max),
}));

/** `averaging_constant` of PyTorch and of onnxruntime's tool. */
const AVERAGING_CONSTANT = 0.01;

const towards = (from: number, to: number): number =>
  Math.fround(from + Math.fround(Math.fround(AVERAGING_CONSTANT) * Math.fround(to - from)));

/** `torch.ao.quantization.MovingAverageMinMaxObserver`, a batch a step: `min + c * (next_min - min)`, in float32. */
export const movingAverage = extremes('moving average', (seen, next) => ({
  min: towards(seen.min, next.min),
  max: towards(seen.max, next.max),
}));
