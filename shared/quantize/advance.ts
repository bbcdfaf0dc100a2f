/** How far quantization is in its passes over samples. */
import type { Tell } from '../bytes/advance.ts';
import type { Batch } from '../runtime/samples.ts';

/** The same batches, each told when whoever reads them is done with it. Several rounds count anew. */
export const toldBatches = (batches: AsyncIterable<Batch>, of: number, tell: Tell): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    let done = 0;
    for await (const batch of batches) {
      yield batch;
      done += batch.samples;
      tell({ doing: 'calibrating', unit: 'samples', done, of });
    }
  },
});
