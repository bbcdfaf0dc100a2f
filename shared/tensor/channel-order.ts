/** The order of what is summed, chosen so that neighbours are not large together. Plain loops over typed arrays. */
import type { Channels } from './arithmetic.ts';

const FEW = 32;

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
      // A view for each would take longer than what it copies.
      if (inner < FEW) for (let i = 0; i < inner; i++) result[at + i] = values[from + i]!;
      else result.set(values.subarray(from, from + inner), at);
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

/** Where each row has numbers of more than a half: sums of two others do not exceed 1. */
interface Large {
  /** Of row r: from `starts[r]` to `starts[r + 1]`. */
  readonly starts: Uint32Array;
  readonly places: Uint32Array;
}

function largeIn({ count, width, values }: PairRows): Large {
  const isLarge = (value: number): boolean => value > 0.5 || value < -0.5;
  const starts = new Uint32Array(count + 1);
  for (let row = 0, i = 0; row < count; row++) {
    let found = starts[row]!;
    for (const end = i + width; i < end; i++) if (isLarge(values[i]!)) found++;
    starts[row + 1] = found;
  }
  const places = new Uint32Array(starts[count]!);
  for (let row = 0, i = 0, at = 0; row < count; row++)
    for (let place = 0; place < width; place++, i++) if (isLarge(values[i]!)) places[at++] = place;
  return { starts, places };
}

/** How much the sums of two rows are too large: powers of four, so that the largest excess decides. */
function excessOf({ width, values }: PairRows, { starts, places }: Large): (a: number, b: number) => number {
  /** Over what is large in the first and of any size up to `most` in the other. */
  const beyond = ([row, other]: readonly [number, number], most: number): number => {
    let sum = 0;
    for (let i = starts[row]!, end = starts[row + 1]!; i < end; i++) {
      const place = places[i]!;
      const beside = values[other * width + place]!;
      const over = Math.abs(values[row * width + place]! + beside) - 1;
      if (over > 0 && Math.abs(beside) <= most) {
        const square = over * over;
        sum += square * square;
      }
    }
    return sum;
  };
  // What is large in both counts once, with the first.
  return (a, b) => beyond([a, b], Infinity) + beyond([b, a], 0.5);
}

/** Additions that the search may take. */
const BUDGET = 1e6;
const SWEEPS = 12;
const PARTNERS = 48;

/**
 * An order of the channels in which few sums of neighbours 0 and 1, 2 and 3, ... exceed 1: the worst pairs swap one of
 * theirs with other pairs while that helps. The same for the same rows.
 */
export function orderForPairs(rows: PairRows): Uint32Array {
  const order = Uint32Array.from({ length: rows.count }, (_, i) => i);
  const pairs = Math.floor(rows.count / 2);
  const large = largeIn(rows);
  const excess = excessOf(rows, large);
  const costs = Float64Array.from({ length: pairs }, (_, p) => excess(order[2 * p]!, order[2 * p + 1]!));
  // A row has as many large numbers as another, about.
  const additions = (2 * large.places.length) / rows.count;
  let left = BUDGET / Math.max(1, additions);
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
        const [first, second] = [excess(order[2 * p]!, order[other]!), excess(order[2 * q + 1 - side]!, order[mine]!)];
        if (first + second >= costs[p]! + costs[q]!) continue;
        [order[mine], order[other]] = [order[other]!, order[mine]!];
        [costs[p], costs[q]] = [first, second];
        improved = true;
      }
    }
  }
  return order;
}
