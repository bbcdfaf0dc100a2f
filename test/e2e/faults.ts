/** A job in the emulator's S3, of whose requests one fails on the way. */
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { faultyStages } from '../functions/faulty-stages.ts';
import { deployment, s3 } from './cloud.ts';

if (deployment) {
  const start = async () => {
    // As the machine on this computer calls them.
    for (const Bucket of ['input', 'output', 'work']) await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'input', VersioningConfiguration: { Status: 'Enabled' } }));
    return { url: deployment!.endpoint, close: () => {} };
  };
  const faults = [['denied', 'resetAfter', 'slowDown', 'truncated', 'resetBefore']] as const;
  faultyStages("the emulator's S3", start, { faults, againEvery: 8 });
}
