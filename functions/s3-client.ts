/** The way to S3: what is tried again, and how long an answer is waited for that does not come. */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

export function s3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    maxAttempts: 6,
    // S3 sends a byte now and then while it copies or completes; a connection that says nothing for longer is dead, and
    // without a limit the function would wait for it until its own time is over.
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
    ...config,
  });
}
