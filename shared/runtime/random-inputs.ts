/** Inputs made up for a model nobody gave data for: seeded, and harmless to models that look numbers up in tables. */
import { fail } from '../errors.ts';
import { type Dim, evaluateDim, isStatic, symbolName, symbolsOf } from '../tensor/dim.ts';
import { DTYPES, type Dtype } from '../tensor/dtype.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { elementCount, typeText } from '../tensor/type.ts';
import { type Declared, inMemory, type MemoryTensor, type MemoryTensors } from './session.ts';

export type Random = () => number;

/** Mulberry32: numbers in [0, 1), the same for the same seed everywhere. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

// Integers may be indices into a table of unknown size: 0 and 1 exist in nearly every one.
const BY_KIND: Partial<Record<(typeof DTYPES)[Dtype]['kind'], (random: Random) => number>> = {
  float: normal,
  int: (random) => Math.floor(random() * 2),
  uint: (random) => Math.floor(random() * 2),
  bool: (random) => Math.floor(random() * 2),
};

export function randomTensor(name: string, dtype: Dtype, shape: readonly number[], random: Random): MemoryTensor {
  const draw = BY_KIND[DTYPES[dtype].kind];
  if (!draw)
    return fail('UnsupportedType', { what: `random input "${name}"`, dtype, hint: 'give sample data for this model' });
  return inMemory(
    dtype,
    shape,
    encodeNumbers(
      dtype,
      Float64Array.from({ length: elementCount(shape) }, () => draw(random)),
    ),
  );
}

/** Standard normal floats, integers 0 or 1, for the given sizes of the symbols. */
export function randomInputs(
  inputs: readonly Declared[],
  sizes: ReadonlyMap<string, number>,
  random: Random,
): MemoryTensors {
  return new Map(
    inputs.map(({ name, type }) => [name, randomTensor(name, type.dtype, shapeOf(name, type.shape, sizes), random)]),
  );
}

/** The shape in numbers; a dimension that no size was given for is a mistake of the caller. */
export function shapeOf(name: string, shape: readonly Dim[], sizes: ReadonlyMap<string, number>): number[] {
  return shape.map((dim) => {
    const size = evaluateDim(dim, sizes);
    if (size === null)
      throw new Error(`input "${name}": no size for a symbol of ${typeText({ dtype: 'float32', shape })}`);
    return size;
  });
}

export interface SizeRange {
  readonly min: number | null;
  readonly max: number | null;
}

const FIRST_SIZES = { leading: 2, other: 16 } as const;

/** Sizes to begin with: 2 along leading axes, 16 elsewhere, kept inside what the program allows. */
export function firstSizes(
  inputs: readonly Declared[],
  ranges: ReadonlyMap<string, SizeRange> = new Map(),
): Map<string, number> {
  const leading = leadingSymbols(inputs);
  const sizes = new Map<string, number>();
  for (const { type } of inputs) {
    for (const dim of type.shape) {
      for (const name of symbolsOf(dim))
        sizes.set(name, clampTo(leading.has(name) ? FIRST_SIZES.leading : FIRST_SIZES.other, ranges.get(name)));
    }
  }
  return sizes;
}

/**
 * Other sizes to try: every symbol with a known range, and the bare symbols of leading axes, grow by one (or shrink
 * where they
 * cannot grow). Null where nothing can change.
 */
export function otherSizes(
  inputs: readonly Declared[],
  sizes: ReadonlyMap<string, number>,
  ranges: ReadonlyMap<string, SizeRange> = new Map(),
): Map<string, number> | null {
  // A file's own declaration is text: an expression such as "2*N" cannot be followed when N changes.
  if (![...sizes.keys()].every((name) => NAME.test(name))) return null;
  const free = leadingSymbols(inputs);
  const changed = new Map(sizes);
  for (const [name, size] of sizes) {
    const range = ranges.get(name);
    if (!range && !free.has(name)) continue;
    changed.set(name, clampTo(size + 1, range) !== size ? clampTo(size + 1, range) : clampTo(size - 1, range));
  }
  return [...changed].some(([name, size]) => size !== sizes.get(name)) ? changed : null;
}

const NAME = /^[\w.:$#/[\]-]+$/;

const clampTo = (size: number, range: SizeRange | undefined): number =>
  Math.max(range?.min ?? 1, Math.min(range?.max ?? Infinity, size));

function leadingSymbols(inputs: readonly Declared[]): Set<string> {
  const names = inputs.flatMap(({ type }) => {
    const dim = type.shape[0];
    const name = dim === undefined || isStatic(dim) ? null : symbolName(dim);
    return name === null ? [] : [name];
  });
  return new Set(names);
}
