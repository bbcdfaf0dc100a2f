/** The sizes a program records, under friendly names, and whether those of a lowered value are the same. */
import { compare, type Condition, conditionText } from '../tensor/condition.ts';
import { type Dim, dimText, evaluateDim, isStatic, sameDim, substitute } from '../tensor/dim.ts';
import type { SizeFacts } from '../tensor/size-facts.ts';

interface Sizes {
  /** Friendly names for the symbols of the file. */
  readonly renamed: ReadonlyMap<string, Dim>;
  readonly facts: SizeFacts;
  /** Sizes of the example run, under the friendly names. */
  readonly example: ReadonlyMap<string, number>;
}

export class RecordedSizes {
  readonly #sizes: Sizes;
  readonly #known = new Map<string, Dim>();
  readonly #assumed = new Map<string, Condition>();

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
  }

  /** Equations that held for the example and could not be proved: the model has to check them. */
  get assumed(): readonly Condition[] {
    return [...this.#assumed.values()];
  }

  /** A recorded size by its friendly names; the number itself where the guards leave only one. */
  friendly(dim: Dim): Dim {
    if (isStatic(dim)) return dim;
    const text = dimText(dim);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const named = substitute(dim, this.#sizes.renamed);
    const proved = this.#sizes.facts.normal(named);
    const result = isStatic(proved) ? proved : named;
    this.#known.set(text, result);
    return result;
  }

  /** At least 1 in every size that the program takes. */
  isPositive(dim: Dim): boolean {
    const { facts } = this.#sizes;
    return facts.range(facts.normal(dim))[0] >= 1;
  }

  /**
   * PyTorch may write `s // (s // 2)` where 2 is inferred: guards prove it. What they do not prove may still be so for
   * the example; then it is checked whenever the model runs.
   */
  agree(found: Dim, recorded: Dim): boolean {
    if (sameDim(found, recorded) || this.#sizes.facts.isEqual(found, recorded)) return true;
    const { example } = this.#sizes;
    const number = evaluateDim(found, example);
    if (number === null || number !== evaluateDim(recorded, example)) return false;
    const equation = compare('eq', found, recorded);
    this.#assumed.set(conditionText(equation), equation);
    return true;
  }
}
