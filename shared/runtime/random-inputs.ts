/** Inputs made up for a model nobody gave data for: seeded, and harmless to models that look numbers up in tables. */
import { fail } from '../errors.ts';
import { type Condition, symbolsOfCondition } from '../tensor/condition.ts';
import { type Dim, evaluateDim, isStatic, symbolName, symbolsOf } from '../tensor/dim.ts';
import { DTYPES, type Dtype } from '../tensor/dtype.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { elementCount, type TensorType, typeText } from '../tensor/type.ts';
import { satisfy } from './satisfy.ts';
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

/** Half a gigabyte of numbers while they are drawn. */
const MOST_ELEMENTS = 1 << 26;

export function randomTensor(
  name: string,
  { dtype, shape }: { readonly dtype: Dtype; readonly shape: readonly number[] },
  random: Random,
): MemoryTensor {
  const draw = BY_KIND[DTYPES[dtype].kind];
  if (!draw)
    return fail('UnsupportedType', { what: `random input "${name}"`, dtype, hint: 'give sample data for this model' });
  const count = elementCount(shape);
  if (!(count <= MOST_ELEMENTS))
    return fail('LimitExceeded', {
      file: `input "${name}"`,
      what: 'its number of elements',
      found: count,
      limit: `${MOST_ELEMENTS} for made-up inputs; give sample data for this model`,
    });
  return inMemory(
    dtype,
    shape,
    encodeNumbers(
      dtype,
      Float64Array.from({ length: count }, () => draw(random)),
    ),
  );
}

/** Standard normal floats, integers 0 or 1 (or the one given for them), for the given sizes of the symbols. */
export function randomInputs(
  inputs: readonly Declared[],
  sizes: ReadonlyMap<string, number>,
  random: Random,
): MemoryTensors {
  return new Map(
    inputs.map(({ name, type }) => {
      const number = isNumber(type) ? sizes.get(name) : undefined;
      return [
        name,
        number === undefined
          ? randomTensor(name, { dtype: type.dtype, shape: shapeOf(name, type.shape, sizes) }, random)
          : inMemory('int64', [], encodeNumbers('int64', [number])),
      ];
    }),
  );
}

const isNumber = ({ dtype, shape }: TensorType): boolean => dtype === 'int64' && shape.length === 0;

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

/** What is known of the sizes a program may be given. */
export interface AllowedSizes {
  readonly ranges?: ReadonlyMap<string, SizeRange> | undefined;
  /** Conditions the program was recorded under. */
  readonly conditions?: readonly Condition[] | undefined;
}

const FIRST_SIZES = { leading: 2, other: 16 } as const;

/** Sizes to begin with: 2 along leading axes, 16 elsewhere, or as near as the program allows. */
export function firstSizes(inputs: readonly Declared[], allowed: AllowedSizes = {}): ReadonlyMap<string, number> {
  const { ranges = new Map(), conditions = [] } = allowed;
  const leading = leadingSymbols(inputs);
  const clamp = (name: string, size: number): number => clampTo(size, ranges.get(name));
  const sizes = new Map<string, number>();
  for (const { name, type } of inputs) {
    for (const dim of type.shape) {
      for (const size of symbolsOf(dim))
        sizes.set(size, clamp(size, leading.has(size) ? FIRST_SIZES.leading : FIRST_SIZES.other));
    }
    // A number that conditions are about, given as an input.
    if (isNumber(type) && conditions.some((condition) => symbolsOfCondition(condition).has(name)))
      sizes.set(name, clamp(name, FIRST_SIZES.leading));
  }
  return satisfy(sizes, { conditions, movable: [...sizes.keys()], clamp }) ?? sizes;
}

/**
 * Other sizes to try: every symbol with a known range, and the bare symbols of leading axes, grow by one (or shrink
 * where they cannot grow), and on to where the program is valid. Null where nothing can change.
 */
export function otherSizes(
  inputs: readonly Declared[],
  sizes: ReadonlyMap<string, number>,
  allowed: AllowedSizes = {},
): ReadonlyMap<string, number> | null {
  // A file's own declaration is text: an expression such as "2*N" cannot be followed when N changes.
  if (![...sizes.keys()].every((name) => NAME.test(name))) return null;
  const { ranges = new Map(), conditions = [] } = allowed;
  const free = leadingSymbols(inputs);
  const movable = [...sizes.keys()].filter((name) => ranges.has(name) || free.has(name));
  const clamp = (name: string, size: number): number => clampTo(size, ranges.get(name));
  for (let step = 1; step <= STEPS; step++) {
    const changed = new Map(sizes);
    for (const name of movable) {
      const size = sizes.get(name)!;
      changed.set(name, clamp(name, size + step) !== size ? clamp(name, size + step) : clamp(name, size - step));
    }
    const valid = satisfy(changed, { conditions, movable, clamp });
    if (valid && [...valid].some(([name, size]) => size !== sizes.get(name))) return valid;
  }
  return null;
}

/** Conditions may lead back to the sizes that are there: then a longer step is tried. */
const STEPS = 8;

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
