/** How far a pass over samples is. */
import type { Advance, Tell } from '../bytes/advance.ts';
import type { Batch } from './samples.ts';

export interface Told extends Pick<Advance, 'doing' | 'of'> {
  readonly tell: Tell;
}

/** The same batches, each told when whoever reads them is done with it. Several rounds count anew. */
export const toldBatches = (batches: AsyncIterable<Batch>, { doing, of, tell }: Told): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    let done = 0;
    for await (const batch of batches) {
      yield batch;
      done += batch.samples;
      tell({ doing, unit: 'samples', done, of });
    }
  },
});
