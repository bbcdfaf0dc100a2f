/**
 * Objects made of pieces in S3: ranges of other objects are copied there, the rest is streamed, and hashed in passing.
 */
import { createHash } from 'node:crypto';
import { CopyObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sizeOf } from '../shared/bytes/destination.ts';
import type { Assembled, Assembly } from '../shared/pipeline/workspace/store.ts';
import { abortUpload, beginUpload, completeUpload, fromPinned, sourceOf, type Target } from './multipart.ts';
import { joined } from './part-stream.ts';
import { confirmRecords } from './record-crc.ts';
import { type PinnedObject, pinnedOf } from './s3-source.ts';
import { sendParts } from './send-parts.ts';
import { planParts, uncheckedRanges } from './upload-plan.ts';

const PART_BYTES = 8 * 2 ** 20;
/** S3 copies no more at once. */
const MOST_AT_ONCE = 5 * 2 ** 30;

export const copies = (root: ByteSource): boolean => pinnedOf(root) !== undefined;

export async function assemble(
  client: S3Client,
  target: Target,
  { pieces, scratch, signal }: Assembly,
): Promise<Assembled> {
  const whole = wholeObject(pieces);
  if (whole) return copyOf(client, target, whole);
  const plan = planParts(pieces, { copies, partBytes: PART_BYTES, bridges: scratch !== undefined });
  const [only] = plan;
  if (!only || (plan.length === 1 && only.kind === 'upload' && only.bytes <= PART_BYTES))
    return putOf(client, target, await joined(pieces));
  const upload = await beginUpload(client, target);
  const discard = (): Promise<void> => abortUpload(client, upload);
  try {
    const { parts, sha256, known } = await sendParts(client, plan, { upload, scratch, signal });
    return {
      bytes: sizeOf(pieces),
      sha256,
      unchecked: confirmRecords(pieces, uncheckedRanges(plan), known),
      discard,
      async publish() {
        await completeUpload(client, upload, parts);
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** A small object is sent when it is published, at once. */
const putOf = (client: S3Client, target: Target, bytes: Uint8Array): Assembled => ({
  bytes: bytes.byteLength,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  unchecked: [],
  discard: () => Promise.resolve(),
  async publish() {
    await client.send(new PutObjectCommand({ ...target, Body: bytes }));
  },
});

/** The one object that is wanted, from its first byte to its last, where S3 copies it at once. */
function wholeObject(pieces: readonly Piece[]): PinnedObject | null {
  const [{ stored = null } = {}, ...more] = pieces;
  const object = stored && more.length === 0 ? pinnedOf(stored) : undefined;
  return object && object.size <= MOST_AT_ONCE ? object : null;
}

/** The copy is there at once, and stays: whatever points to it appears later. */
async function copyOf(client: S3Client, target: Target, object: PinnedObject): Promise<Assembled> {
  const { CopyObjectResult } = await fromPinned(
    object,
    client.send(
      new CopyObjectCommand({
        ...target,
        ...sourceOf(object),
        MetadataDirective: 'REPLACE',
        TaggingDirective: 'REPLACE',
        ChecksumAlgorithm: 'SHA256',
      }),
    ),
  );
  return {
    bytes: object.size,
    sha256: hexOf(CopyObjectResult?.ChecksumSHA256),
    unchecked: [{ start: 0, end: object.size }],
    publish: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  };
}

/** S3 writes checksums in base64; that of an object in several parts is none of its bytes. */
export const hexOf = (checksum: string | undefined): string | null =>
  checksum === undefined || checksum.includes('-') ? null : Buffer.from(checksum, 'base64').toString('hex');
