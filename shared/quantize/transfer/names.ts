/** Scales that FX graph mode keeps on the graph module, handed out in the order in which it named them. */
import type { Affine } from '../../torch/quantized/quantized-model.ts';

/**
 * `block1_scale_3` is the fourth tensor observed in `block1`. The counter of a stem also counts tensors whose scale was
 * folded into an operator and left no name.
 */
export class Names {
  readonly #values: ReadonlyMap<string, Affine>;
  readonly #counts = new Map<string, number>();
  /** Every number given out, so that an attempt can be taken back. */
  readonly #given: { readonly stem: string; readonly name: string }[] = [];

  constructor(values: ReadonlyMap<string, Affine>) {
    this.#values = values;
  }

  /** The next one of a module, or null where the file has none of that number. */
  take(module: string): Affine | null {
    const stem = `${module.replaceAll('.', '_')}_scale_`;
    const number = this.#counts.get(stem) ?? 0;
    this.#counts.set(stem, number + 1);
    const name = `${stem}${number}`;
    this.#given.push({ stem, name });
    return this.#values.get(name) ?? null;
  }

  /** The next one of the first module that has it. */
  takeOf(modules: readonly string[]): Affine | null {
    for (const module of modules) {
      let affine: Affine | null = null;
      if (this.attempt(() => (affine = this.take(module)) !== null)) return affine;
    }
    return null;
  }

  /** A tensor that was observed and needs no scale of its own. */
  skip(module: string): void {
    this.take(module);
  }

  /** What was taken is given back where the attempt fails. */
  attempt(work: () => boolean): boolean {
    const before = this.#given.length;
    if (work()) return true;
    for (const { stem } of this.#given.splice(before)) this.#counts.set(stem, this.#counts.get(stem)! - 1);
    return false;
  }

  unused(): string[] {
    const given = new Set(this.#given.map(({ name }) => name));
    return [...this.#values.keys()].filter((name) => !given.has(name));
  }
}
