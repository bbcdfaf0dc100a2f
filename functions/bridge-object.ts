/**
 * A range of an object and the few bytes before and after it, put together as an object of their own: what a multipart
 * upload takes only as its last part becomes a part of another one, copied from there.
 */
import { type CompletedPart, DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  abortUpload,
  beginUpload,
  completeUpload,
  copyPart,
  type CopySource,
  type NumberedPart,
  type SentPart,
  sendPart,
} from './multipart.ts';
import { LEAST_PART } from './upload-parts.ts';

export interface Bridge {
  readonly before: Uint8Array;
  /** 5 MiB and more. */
  readonly source: CopySource;
  readonly after: Uint8Array;
}

export interface BuiltBridge {
  /** The bytes that were wanted, in the object that was made. */
  readonly range: CopySource;
  /** What S3 said of the range between them. */
  readonly copied: SentPart;
}

/** S3 deletes so many at once. */
const MOST_DELETED = 1000;

export async function buildBridge(
  client: S3Client,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  { before, source, after }: Bridge,
): Promise<BuiltBridge> {
  const upload = await beginUpload(client, { Bucket: bucket, Key: key, ContentType: 'application/octet-stream' });
  try {
    const parts: CompletedPart[] = [];
    const add = async (send: (part: NumberedPart) => Promise<SentPart>): Promise<SentPart> => {
      const PartNumber = parts.length + 1;
      const sent = await send({ ...upload, PartNumber });
      parts.push({ PartNumber, ...sent });
      return sent;
    };
    // What comes first must be a part of its own, too: zeros make it one, and are left behind.
    const start = before.byteLength ? LEAST_PART : 0;
    if (start) await add((part) => sendPart(client, part, Buffer.concat([new Uint8Array(start), before])));
    const copied = await add((part) => copyPart(client, part, source));
    if (after.byteLength) await add((part) => sendPart(client, part, after));
    const etag = await completeUpload(client, upload, parts);
    const end = start + before.byteLength + (source.end - source.start) + after.byteLength;
    return { range: { object: { bucket, key, etag, versionId: undefined }, start, end }, copied };
  } catch (error) {
    await abortUpload(client, upload);
    throw error;
  }
}

/** What is not deleted now, the bucket forgets after some days. */
export async function removeBridges(client: S3Client, bucket: string, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += MOST_DELETED) {
    const Objects = keys.slice(at, at + MOST_DELETED).map((Key) => ({ Key }));
    await client
      .send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
      .catch(() => undefined);
  }
}
