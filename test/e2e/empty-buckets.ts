/** Two buckets that nobody has used. */
import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';

export async function emptyBuckets(
  s3: S3Client,
  { versioned }: { readonly versioned: boolean },
): Promise<[string, string]> {
  const buckets: [string, string] = [`one-${randomUUID()}`, `two-${randomUUID()}`];
  for (const Bucket of buckets) {
    await s3.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    if (versioned) await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  return buckets;
}
