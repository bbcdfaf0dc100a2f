/** What an invocation tells of its bill: memory, cold start, requests to S3 since it began. */
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { billing } from '../../functions/billing.ts';
import { MemoryS3 } from './memory-s3.ts';

it('counts reads and writes of each invocation, and the cold start once', async () => {
  const s3 = new MemoryS3();
  s3.put('bucket', 'key', Buffer.from('x'));
  const client = s3.client();
  const billed = billing(client);
  const at = { Bucket: 'bucket', Key: 'key' };

  const first = billed(3008);
  await client.send(new GetObjectCommand(at));
  await client.send(new HeadObjectCommand(at));
  await client.send(new PutObjectCommand({ ...at, Body: 'y' }));
  expect(first()).toMatchObject({ memoryMb: 3008, s3Reads: 2, s3Writes: 1 });
  expect(first().initMs).toBeGreaterThan(0);

  const second = billed(3008);
  await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }));
  expect(second()).toMatchObject({ initMs: 0, s3Reads: 0, s3Writes: 1 });
});
