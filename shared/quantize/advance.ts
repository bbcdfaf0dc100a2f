/** How far quantization is in what takes a while. */
import type { Batch } from '../runtime/samples.ts';

export interface Advance {
  readonly doing: 'calibrating' | 'comparing layers';
  /** Samples of this pass over them. */
  readonly done: number;
  readonly of: number;
}

export type Tell = (advance: Advance) => void;

/** The same batches, each told when whoever reads them is done with it. Several rounds count anew. */
export const toldBatches = (batches: AsyncIterable<Batch>, of: number, tell: Tell): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    let done = 0;
    for await (const batch of batches) {
      yield batch;
      done += batch.samples;
      tell({ doing: 'calibrating', done, of });
    }
  },
});
