/** A whole job in the S3 in memory, of whose requests one fails. */
import { faultyStages } from './faulty-stages.ts';
import { s3Server } from './s3-server.ts';
import { MemoryS3 } from './memory-s3.ts';

faultyStages('memory', () => s3Server(new MemoryS3()), {
  faults: [['denied'], ['slowDown', 'resetBefore', 'resetAfter', 'truncated', 'slow']],
  againEvery: 8,
});
