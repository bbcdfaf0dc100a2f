/** The store's contract, kept with an S3 that is not ours. */
import { s3Store } from '../../functions/s3-store.ts';
import { storeContract } from '../pipeline/store.contract.ts';
import { deployment, s3 } from './cloud.ts';
import { emptyBuckets } from './empty-buckets.ts';

if (deployment) {
  for (const versioned of [true, false]) {
    storeContract(`S3 of the emulator, ${versioned ? 'versioned' : 'not versioned'},`, async () => ({
      store: s3Store(s3),
      buckets: await emptyBuckets(s3, { versioned }),
    }));
  }
}
