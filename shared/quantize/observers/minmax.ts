/** The smallest and the largest value there was. */
import type { Range } from '../formulas.ts';
import type { Observer } from './observer.ts';

export const minmax: Observer = {
  title: 'MinMax',
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
        seen = seen ? { min: Math.min(seen.min, min), max: Math.max(seen.max, max) } : { min, max };
        return true;
      },
      range: () => seen,
    };
  },
};
