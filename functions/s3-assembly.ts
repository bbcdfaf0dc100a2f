/** Objects made of pieces in S3: ranges of other objects are copied there, the rest is streamed, and hashed in passing. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { fail } from '../shared/errors.ts';
import type { Piece } from '../shared/bytes/destination.ts';
import type { Assembled } from '../shared/pipeline/workspace/store.ts';
import { partsOf } from './part-stream.ts';
import { isConditionFailed, isMissing } from './s3-error.ts';
import { type PinnedObject, pinnedOf, s3Url } from './s3-source.ts';
import { planParts, type PlannedParts, uncheckedRanges, type UploadedParts } from './upload-plan.ts';

const PART_BYTES = 8 * 2 ** 20;
const LANES = 4;
/** S3 copies no more at once. */
const MOST_AT_ONCE = 5 * 2 ** 30;

export const copies = (root: ByteSource): boolean => pinnedOf(root) !== undefined;

export interface Target {
  readonly Bucket: string;
  readonly Key: string;
  readonly ContentType: string;
  readonly Tagging?: string;
}

export async function assemble(
  client: S3Client,
  target: Target,
  { pieces, signal }: { readonly pieces: readonly Piece[]; readonly signal?: AbortSignal | undefined },
): Promise<Assembled> {
  const whole = wholeObject(pieces);
  if (whole) return copyOf(client, target, whole);
  const plan = planParts(pieces, { copies, partBytes: PART_BYTES });
  const [only] = plan;
  if (!only || (plan.length === 1 && only.kind === 'upload' && only.bytes <= PART_BYTES))
    return putOf(client, target, only ? await bytesOf(only) : new Uint8Array());
  const { Bucket, Key } = target;
  // Parts carry checksums of the kind that is named here.
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32' }));
  const upload = { Bucket, Key, UploadId };
  const discard = async (): Promise<void> => {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
  };
  try {
    const { parts, sha256 } = await sendAll(client, { upload, plan, signal });
    return {
      bytes: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
      sha256,
      unchecked: uncheckedRanges(plan),
      discard,
      async publish() {
        await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function bytesOf(parts: UploadedParts): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const bytes of partsOf(parts)) all.push(bytes);
  return Buffer.concat(all);
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

const sourceOf = ({ bucket, key, versionId, etag }: PinnedObject) => ({
  CopySource:
    `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}` +
    (versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`),
  CopySourceIfMatch: etag,
});

const fromPinned = <T>(object: PinnedObject, answer: Promise<T>): Promise<T> =>
  answer.catch((cause: unknown) => {
    if (isConditionFailed(cause) || isMissingVersion(cause)) fail('FileReplaced', { file: s3Url(object) }, cause);
    throw cause;
  });

// The upload itself may be missing too: that is another matter.
const isMissingVersion = (cause: unknown): boolean =>
  isMissing(cause) && ['NoSuchKey', 'NoSuchVersion'].includes((cause as Error).name);

interface Sending {
  readonly upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };
  readonly plan: readonly PlannedParts[];
  readonly signal: AbortSignal | undefined;
}

interface Sent {
  readonly parts: CompletedPart[];
  readonly sha256: string | null;
}

/** Parts are read one after the other, and sent a few at a time. */
async function sendAll(client: S3Client, { upload, plan, signal }: Sending): Promise<Sent> {
  const parts: CompletedPart[] = [];
  const hash = plan.every(({ kind }) => kind === 'upload') ? createHash('sha256') : null;
  const underWay = new Set<Promise<void>>();
  let failed: { readonly cause: unknown } | null = null;
  const send = async (work: (PartNumber: number) => Promise<Omit<CompletedPart, 'PartNumber'>>): Promise<void> => {
    const PartNumber = parts.length + 1;
    const part: CompletedPart = { PartNumber };
    parts.push(part);
    const sending: Promise<void> = work(PartNumber)
      .then((answer) => void Object.assign(part, answer))
      .catch((cause: unknown) => void (failed ??= { cause }))
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
    if (underWay.size >= LANES) await Promise.race(underWay);
    if (failed) throw failed.cause;
    signal?.throwIfAborted();
  };
  try {
    for (const planned of plan) {
      if (planned.kind === 'copy') await send((number) => copyPart(client, { ...upload, PartNumber: number }, planned));
      else
        for await (const bytes of partsOf(planned)) {
          hash?.update(bytes);
          await send(async (PartNumber) => {
            const { ETag, ChecksumCRC32 } = await client.send(
              new UploadPartCommand({ ...upload, PartNumber, Body: bytes }),
            );
            return { ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
          });
        }
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failed) throw (failed as { readonly cause: unknown }).cause;
  return { parts, sha256: hash?.digest('hex') ?? null };
}

async function copyPart(
  client: S3Client,
  part: Sending['upload'] & { readonly PartNumber: number },
  { source }: { readonly source: ByteSource },
): Promise<Omit<CompletedPart, 'PartNumber'>> {
  const { root, start } = source.origin;
  const object = pinnedOf(root)!;
  const { CopyPartResult } = await fromPinned(
    object,
    client.send(
      new UploadPartCopyCommand({
        ...part,
        ...sourceOf(object),
        CopySourceRange: `bytes=${start}-${start + source.size - 1}`,
      }),
    ),
  );
  const { ETag, ChecksumCRC32 } = CopyPartResult ?? {};
  return { ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
}
