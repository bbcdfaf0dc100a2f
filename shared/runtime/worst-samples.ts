/** The samples of an output that are furthest from the reference, without keeping one of them. */
import type { WorstSample } from '../report/report.ts';
import { largestAt } from './class-scores.ts';

const KEPT = 5;

/** Which samples a batch has. */
export interface SamplePlace {
  /** Of all samples. */
  readonly first: number;
  readonly count: number;
  /** Length of the leading axis of the inputs: rows behind the samples fill a fixed batch. */
  readonly rows: number;
}

export interface SampleBatch {
  readonly actual: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
  readonly shape: readonly number[];
  /** A row of scores for each sample. */
  readonly isScores: boolean;
}

export class WorstSamples {
  /** null: the output's leading axis does not count samples. */
  #worst: WorstSample[] | null = [];

  add(batch: SampleBatch, { first, count, rows }: SamplePlace): void {
    // A run of one sample is that sample, whatever the axes are.
    if (rows !== 1 && batch.shape[0] !== rows) this.#worst = null;
    const width = batch.reference.length / rows;
    for (let row = 0; this.#worst && row < count; row++) {
      const maxAbsDiff = largestDifference(batch, row * width, width);
      if (maxAbsDiff <= (this.#worst.length < KEPT ? 0 : this.#worst.at(-1)!.maxAbsDiff)) continue;
      const largest = batch.isScores && batch.shape[0] === rows ? { largest: placesOf(batch, row * width, width) } : {};
      this.#worst.push({ sample: first + row, maxAbsDiff, ...largest });
      this.#worst.sort((a, b) => b.maxAbsDiff - a.maxAbsDiff);
      if (this.#worst.length > KEPT) this.#worst.pop();
    }
  }

  /** Worst first, none that is equal; null where outputs do not tell samples apart. */
  result(): readonly WorstSample[] | null {
    return this.#worst;
  }
}

/** One side alone with NaN or an infinity is further off than any number. */
function largestDifference({ actual, reference }: SampleBatch, start: number, width: number): number {
  let largest = 0;
  for (let i = start; i < start + width; i++) {
    const [a, r] = [actual[i]!, reference[i]!];
    if (a === r || (a !== a && r !== r)) continue;
    const difference = Math.abs(a - r);
    largest = Math.max(largest, difference === difference ? difference : Infinity);
  }
  return largest;
}

const placesOf = ({ actual, reference }: SampleBatch, start: number, width: number) => ({
  reference: largestAt(reference, start, width),
  actual: largestAt(actual, start, width),
});
