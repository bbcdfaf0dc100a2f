/** Sizes near given ones that meet conditions: validation has to run a model where it is valid. */
import { type Condition, holdsFor } from '../tensor/condition.ts';

interface Search {
  readonly conditions: readonly Condition[];
  /** The symbols that may change. */
  readonly movable: readonly string[];
  /** A size as near to it as is allowed. */
  readonly clamp: (name: string, size: number) => number;
}

type Sizes = ReadonlyMap<string, number>;

/** Sizes tried on either side before larger strides. */
const NEAR = 64;
/** With two symbols at once, every pair of this many sizes. */
const PAIRED = 24;
const ROUNDS = 8;

/** The sizes themselves where all conditions hold that are about them; null when a short search finds none. */
export function satisfy(start: Sizes, search: Search): Sizes | null {
  let sizes = start;
  for (let round = 0; round < ROUNDS; round++) {
    const missed = violations(sizes, search.conditions);
    if (missed === 0) return sizes;
    const next = better(missed, singleMoves(sizes, search), search) ?? better(missed, pairMoves(sizes, search), search);
    if (!next) return null;
    sizes = next;
  }
  return violations(sizes, search.conditions) === 0 ? sizes : null;
}

const violations = (sizes: Sizes, conditions: readonly Condition[]): number =>
  conditions.filter((condition) => holdsFor(condition, sizes) === false).length;

function better(missed: number, moves: Iterable<Sizes>, { conditions }: Search): Sizes | null {
  let [best, least]: [Sizes | null, number] = [null, missed];
  for (const sizes of moves) {
    const count = violations(sizes, conditions);
    if (count < least) [best, least] = [sizes, count];
    if (least === 0) break;
  }
  return best;
}

function* singleMoves(sizes: Sizes, { movable, clamp }: Search): Generator<Sizes> {
  for (const distance of distances())
    for (const name of movable)
      for (const size of [sizes.get(name)! + distance, sizes.get(name)! - distance])
        if (size === clamp(name, size)) yield new Map(sizes).set(name, size);
  // Sizes that have to be equal may be far apart.
  for (const name of movable)
    for (const size of sizes.values())
      for (const like of [size, 2 * size, Math.floor(size / 2), size + 1])
        if (like === clamp(name, like)) yield new Map(sizes).set(name, like);
}

function* distances(): Generator<number> {
  for (let near = 1; near <= NEAR; near++) yield near;
  for (let far = 2 * NEAR; far <= 4096; far *= 2) yield far;
}

function* pairMoves(sizes: Sizes, { movable, clamp }: Search): Generator<Sizes> {
  for (const [i, a] of movable.entries())
    for (const b of movable.slice(i + 1))
      for (let x = 0; x < PAIRED; x++)
        for (let y = 0; y < PAIRED; y++) {
          const [p, q] = [clamp(a, 0) + x, clamp(b, 0) + y];
          if (p === clamp(a, p) && q === clamp(b, q)) yield new Map(sizes).set(a, p).set(b, q);
        }
}
