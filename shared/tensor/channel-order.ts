/** The order of what is summed, chosen so that neighbours are not large together. Plain loops over typed arrays. */
import type { Channels } from './arithmetic.ts';

/** Elements of channel i become those of channel `order[i]`. */
export function reordered(
  values: Float32Array,
  { outer, channels, inner }: Channels,
  order: Uint32Array,
): Float32Array {
  const result = new Float32Array(values.length);
  for (let o = 0, at = 0; o < outer; o++)
    for (let c = 0; c < channels; c++, at += inner) {
      const from = (o * channels + order[c]!) * inner;
      result.set(values.subarray(from, from + inner), at);
    }
  return result;
}

/**
 * Rows of numbers, one row for each of `count` channels and of `width` numbers; numbers of two neighbours at the same
 * place are added, and 1 is what their sum should not exceed.
 */
export interface PairRows {
  readonly count: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** How much the sums of two rows are too large: powers of four, so that the largest excess decides. */
function excess({ width, values }: PairRows, a: number, b: number): number {
  let sum = 0;
  for (let i = a * width, j = b * width, end = i + width; i < end; i++, j++) {
    const beyond = Math.abs(values[i]! + values[j]!) - 1;
    if (beyond > 0) {
      const square = beyond * beyond;
      sum += square * square;
    }
  }
  return sum;
}

/** Additions that the search may take. */
const BUDGET = 3e8;
const SWEEPS = 12;
const PARTNERS = 48;

/**
 * An order of the channels in which few sums of neighbours 0 and 1, 2 and 3, ... exceed 1: the worst pairs swap one of
 * theirs with other pairs while that helps. The same for the same rows.
 */
export function orderForPairs(rows: PairRows): Uint32Array {
  const order = Uint32Array.from({ length: rows.count }, (_, i) => i);
  const pairs = Math.floor(rows.count / 2);
  const costs = Float64Array.from({ length: pairs }, (_, p) => excess(rows, order[2 * p]!, order[2 * p + 1]!));
  let left = BUDGET / rows.width;
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let sweep = 0, improved = true; sweep < SWEEPS && improved && left > 0; sweep++) {
    improved = false;
    const worst = [...costs.keys()].filter((p) => costs[p]! > 0).sort((p, q) => costs[q]! - costs[p]!);
    for (const p of worst) {
      for (let tries = 0; tries < PARTNERS && costs[p]! > 0 && left > 0; tries++) {
        const q = random(pairs);
        if (q === p) continue;
        left -= 2;
        // The second of one changes places with either of the other.
        const side = random(2);
        const [mine, other] = [2 * p + 1, 2 * q + side];
        const [first, second] = [
          excess(rows, order[2 * p]!, order[other]!),
          excess(rows, order[2 * q + 1 - side]!, order[mine]!),
        ];
        if (first + second >= costs[p]! + costs[q]!) continue;
        [order[mine], order[other]] = [order[other]!, order[mine]!];
        [costs[p], costs[q]] = [first, second];
        improved = true;
      }
    }
  }
  return order;
}
