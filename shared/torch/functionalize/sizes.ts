/** Questions about symbolic sizes, asked of the sizes PyTorch itself decided with. */
import { type Dim, evaluateDim, isStatic, symbolsOf } from '../../tensor/dim.ts';
import type { TorchProgram, TorchValue } from '../program.ts';

/** Shape, strides and offset as numbers. */
export interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export type TensorValue = Extract<TorchValue, { kind: 'tensor' }>;

/**
 * Sizes for symbols that only the data decides: unequal primes, then small equal numbers, where axes vanish and strides
 * coincide.
 */
const ROUNDS: readonly (readonly number[])[] = [
  [7, 11, 13, 17, 19, 23, 29, 31],
  [41, 37, 61, 53, 47, 43, 67, 59],
  [1],
  [2],
  [3],
  [4],
];

/**
 * `decide` evaluates a rule on numbers. While exporting, PyTorch took each of these decisions with the example sizes
 * and kept
 * it as a guard, so the example's answer is the program's. Symbols without an example take several sizes, which must
 * agree.
 */
export class Sizes {
  readonly #rounds: Map<string, number>[] = ROUNDS.map(() => new Map());
  readonly #known = new Set<string>();

  constructor(symbols: TorchProgram['symbols']) {
    for (const [name, { hint }] of symbols) {
      if (hint === null) continue;
      this.#known.add(name);
      for (const round of this.#rounds) round.set(name, hint);
    }
  }

  /** The common answer of all rounds, or null. */
  decide<T>(values: readonly TensorValue[], rule: (...layouts: Layout[]) => T): T | null {
    if (values.every(isStaticValue)) return rule(...values.map((value) => layoutOf(value, staticNumber)));
    let answer: T | null = null;
    // With an example for every symbol the first round is all rounds.
    const rounds = values.every((value) => this.#isKnown(value)) ? this.#rounds.slice(0, 1) : this.#rounds;
    for (const [i, round] of rounds.entries()) {
      const found = rule(...values.map((value) => layoutOf(value, (dim) => this.#number(dim, round, i))));
      if (i > 0 && found !== answer) return null;
      answer = found;
    }
    return answer;
  }

  #isKnown({ type, strides, offset }: TensorValue): boolean {
    return [...type.shape, ...strides, offset].every((dim) =>
      [...symbolsOf(dim)].every((name) => this.#known.has(name)),
    );
  }

  #number(dim: Dim, round: Map<string, number>, index: number): number {
    if (isStatic(dim)) return dim;
    for (const name of symbolsOf(dim)) {
      if (!round.has(name)) round.set(name, ROUNDS[index]![round.size % ROUNDS[index]!.length]!);
    }
    const value = evaluateDim(dim, round);
    if (value === null) throw new Error(`the size ${dim.text} has no number`);
    return value;
  }
}

const staticNumber = (dim: Dim): number => dim as number;

const isStaticValue = (value: TensorValue): boolean =>
  isStatic(value.offset) && value.type.shape.every(isStatic) && value.strides.every(isStatic);

function layoutOf(value: TensorValue, number: (dim: Dim) => number): Layout {
  return { shape: value.type.shape.map(number), strides: value.strides.map(number), offset: number(value.offset) };
}

/** The layout as plain numbers, or null when a size is symbolic. */
export const staticLayout = (value: TensorValue): Layout | null =>
  isStaticValue(value) ? layoutOf(value, staticNumber) : null;
