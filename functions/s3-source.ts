/**
 * An S3 object as a ByteSource: pinned to what was there first, read by ranges, resumed where the network broke off.
 */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { byteSource, type ByteSource } from '../shared/bytes/byte-source.ts';
import { fail } from '../shared/errors.ts';
import { throughBlocks } from './block-cache.ts';
import { asStorageFailure, isConditionFailed, isMissing } from './s3-error.ts';

/** One version of one object, as HEAD described it. */
export interface PinnedObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** With its quotes, as S3 writes it. */
  readonly etag: string;
  readonly versionId: string | undefined;
  /** In hexadecimal; null: whoever uploaded it gave none. */
  readonly sha256: string | null;
}

const MiB = 2 ** 20;
const BLOCKS = { blockBytes: 16 * 1024, blocks: 2048, straightFrom: 8 * MiB };
// One connection gives some 90 MB/s: four ranges side by side fill a function's network, and hold no more than the
// wanted bytes.
const PART = 16 * MiB;
const LANES = 4;
const ATTEMPTS = 4;

export const s3Url = ({ bucket, key }: { readonly bucket: string; readonly key: string }): string =>
  `s3://${bucket}/${key}`;

const PINNED = new WeakMap<ByteSource, PinnedObject>();

/** The object that a source reads; undefined for what is no source of `s3Source`, and for slices. */
export const pinnedOf = (source: ByteSource): PinnedObject | undefined => PINNED.get(source);

export function s3Source(client: S3Client, object: PinnedObject): ByteSource {
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(end - start);
    await inLanes(parts(start, end), (from, to) =>
      fill(client, object, { start: from, into: bytes.subarray(from - start, to - start) }),
    );
    return bytes;
  };
  const blocks = throughBlocks(read, { size: object.size, ...BLOCKS });
  const source = byteSource(s3Url(object), object.size, blocks);
  PINNED.set(source, object);
  return source;
}

type Range = readonly [from: number, to: number];

const parts = (start: number, end: number): readonly Range[] =>
  Array.from({ length: Math.ceil((end - start) / PART) }, (_, i) => [
    start + i * PART,
    Math.min(start + (i + 1) * PART, end),
  ]);

async function inLanes(ranges: readonly Range[], run: (...range: Range) => Promise<void>): Promise<void> {
  const queue = ranges.values();
  const lane = async (): Promise<void> => {
    for (const range of queue) await run(...range);
  };
  await Promise.all(Array.from({ length: Math.min(LANES, ranges.length) }, lane));
}

/**
 * Fill `into` with the bytes from `start`. The SDK retries a request but never a body: a broken one goes on where it
 * stopped.
 */
async function fill(
  client: S3Client,
  object: PinnedObject,
  { start, into }: { start: number; into: Uint8Array },
): Promise<void> {
  let filled = 0;
  let broken: unknown = null;
  for (let attempt = 0; filled < into.byteLength && attempt < ATTEMPTS; attempt++) {
    const body = await request(client, object, [start + filled, start + into.byteLength]);
    try {
      for await (const chunk of body) {
        into.set(chunk, filled);
        filled += chunk.byteLength;
        attempt = 0;
      }
    } catch (cause) {
      broken = cause;
    }
  }
  if (filled === into.byteLength) return;
  const why = broken instanceof Error ? `: ${broken.message}` : '';
  const problem = `the answer broke off at byte ${start + filled}, ${ATTEMPTS} times${why}`;
  fail('StorageUnavailable', { file: s3Url(object), doing: 'read', problem }, broken);
}

async function request(
  client: S3Client,
  object: PinnedObject,
  [start, end]: Range,
): Promise<AsyncIterable<Uint8Array>> {
  const { bucket, key, etag, versionId } = object;
  const bytes = `bytes=${start}-${end - 1}`;
  const answer = await client
    .send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, IfMatch: etag, Range: bytes }))
    .catch((cause: unknown) => {
      if (isConditionFailed(cause) || isMissing(cause)) fail('FileReplaced', { file: s3Url(object) }, cause);
      throw asStorageFailure(cause, { file: s3Url(object), doing: 'read' });
    });
  // A server that does not know ranges sends the whole object, which would look like the wanted bytes.
  if (answer.ContentRange !== `bytes ${start}-${end - 1}/${object.size}`) {
    fail('StorageRefused', {
      file: s3Url(object),
      doing: 'read',
      problem: `asked for ${bytes}, got "${answer.ContentRange ?? 'everything'}"`,
    });
  }
  // On Node the body is a readable stream; the SDK's type also covers browsers.
  return answer.Body as unknown as AsyncIterable<Uint8Array>;
}
