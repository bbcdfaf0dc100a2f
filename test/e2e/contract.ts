/** The store's contract, kept with an S3 that is not ours. */
import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { s3Store } from '../../functions/s3-store.ts';
import { storeContract } from '../pipeline/store.contract.ts';
import { deployment, s3 } from './cloud.ts';

if (deployment) {
  for (const versioned of [true, false]) {
    storeContract(`S3 of the emulator, ${versioned ? 'versioned' : 'not versioned'},`, async () => {
      const buckets = [`one-${randomUUID()}`, `two-${randomUUID()}`] as [string, string];
      for (const Bucket of buckets) {
        await s3.send(new CreateBucketCommand({ Bucket }));
        const VersioningConfiguration = { Status: 'Enabled' } as const;
        if (versioned) await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
      }
      return { store: s3Store(s3), buckets };
    });
  }
}
