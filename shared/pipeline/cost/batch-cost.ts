/** The cost of a batch: that of its conversions, and of the items around them. */
import type { BatchCost, CostSummary, Usage } from '../../report/cost.ts';
import { priced } from './cost.ts';
import { transitionsOfItem } from './transitions.ts';

/** Adds conversions up, one by one. */
export class CostTally {
  #sum: CostSummary | null = null;
  #models = 0;
  #items = 0;

  /** null: of an item that was not converted, or whose cost nobody knows. */
  add(cost: CostSummary | null): void {
    this.#items++;
    if (cost === null) return;
    this.#models++;
    this.#sum = this.#sum === null ? cost : sumOf(this.#sum, cost);
  }

  /** Reading the list and writing the report are left out. null: nothing is known of any item. */
  total(): BatchCost | null {
    if (this.#sum === null) return null;
    const { architecture, transitions, ...sum } = this.#sum;
    const entered = transitions + this.#items * transitionsOfItem();
    return { models: this.#models, ...priced({ ...sum, transitions: entered }, architecture) };
  }
}

const TASKS = ['taskVcpuHours', 'taskGbHours', 'taskStorageGbHours'] as const satisfies (keyof Usage)[];

/** Both together; `local` where a part of it is. */
export function sumOf(a: CostSummary, b: CostSummary): CostSummary {
  const both = (x: number | null, y: number | null): number | null => (x === null ? y : x + (y ?? 0));
  return {
    usd: a.usd + b.usd,
    basis: a.basis === 'aws' ? b.basis : a.basis,
    architecture: a.architecture,
    seconds: a.seconds + b.seconds,
    gbSeconds: a.gbSeconds + b.gbSeconds,
    storageGbSeconds: a.storageGbSeconds + b.storageGbSeconds,
    invocations: a.invocations + b.invocations,
    transitions: a.transitions + b.transitions,
    events: a.events + b.events,
    s3Writes: both(a.s3Writes, b.s3Writes),
    s3Reads: both(a.s3Reads, b.s3Reads),
    ...Object.fromEntries(
      TASKS.flatMap((name) => ((a[name] ?? b[name]) === undefined ? [] : [[name, (a[name] ?? 0) + (b[name] ?? 0)]])),
    ),
  };
}
