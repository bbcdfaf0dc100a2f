/** Work that is started in order and done side by side, so much of a kind at a time. */
export class Lanes<Kind extends string> {
  readonly #widths: Readonly<Record<Kind, number>>;
  readonly #underWay = new Map<Kind, Set<Promise<void>>>();
  #failed: { readonly cause: unknown } | null = null;

  constructor(widths: Readonly<Record<Kind, number>>) {
    this.#widths = widths;
  }

  /** Starts it, and waits until there is room for the next. Throws what any work before it threw. */
  async start(kind: Kind, work: () => Promise<void>): Promise<void> {
    const underWay = this.#underWay.get(kind) ?? new Set();
    this.#underWay.set(kind, underWay);
    const working: Promise<void> = work()
      .catch((cause: unknown) => void (this.#failed ??= { cause }))
      .finally(() => underWay.delete(working));
    underWay.add(working);
    if (underWay.size >= this.#widths[kind]) await Promise.race(underWay);
    this.#throwFailure();
  }

  /** Waits for everything that was started, also where it fails. */
  async ended(): Promise<void> {
    await Promise.all([...this.#underWay.values()].flatMap((working) => [...working]));
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failed.cause;
  }
}
