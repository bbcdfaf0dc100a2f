/** What Lambda and S3 bill of an invocation, as far as it can be seen from inside. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Billed } from '../shared/report/cost.ts';

// By the first word of the operation; deleting and giving up are free, the rest is a read.
const WRITES = /^(Put|Copy|Create|Complete|Upload|List)/;
const FREE = /^(Delete|Abort)/;

/** Counts from here on. The first invocation of an environment bears the time that it took to start. */
export function billing(client: S3Client): (memoryMb: number) => () => Billed {
  const initMs = Math.ceil(performance.now());
  const counts = { s3Writes: 0, s3Reads: 0 };
  let isFirst = true;
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        if (WRITES.test(commandName)) counts.s3Writes++;
        else if (!FREE.test(commandName)) counts.s3Reads++;
        return next(args);
      },
    { step: 'initialize', name: 'countRequests', override: true },
  );
  return (memoryMb) => {
    const before = { ...counts };
    const started = isFirst ? initMs : 0;
    isFirst = false;
    return () => ({
      basis: 'aws',
      memoryMb,
      architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
      initMs: started,
      s3Writes: counts.s3Writes - before.s3Writes,
      s3Reads: counts.s3Reads - before.s3Reads,
    });
  };
}
