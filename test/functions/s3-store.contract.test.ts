/** S3 keeps the contract of every store, with and without versions. */
import { s3Store } from '../../functions/s3-store.ts';
import { storeContract } from '../pipeline/store.contract.ts';
import { MemoryS3 } from './memory-s3.ts';

for (const versioned of [true, false]) {
  storeContract(`S3, ${versioned ? 'versioned' : 'not versioned'},`, async () => ({
    store: s3Store(new MemoryS3({ versioned }).client()),
    buckets: ['one', 'two'],
  }));
}
