/** The calls of a multipart upload, and copies from one version of an object. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { fail } from '../shared/errors.ts';
import { isConditionFailed, isMissing } from './s3-error.ts';
import { type PinnedObject, s3Url } from './s3-source.ts';

export interface Target {
  readonly Bucket: string;
  readonly Key: string;
  readonly ContentType: string;
  readonly Tagging?: string;
}

export interface MultipartUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

export type NumberedPart = MultipartUpload & { readonly PartNumber: number };

/** What S3 says of a part that it has. */
export type SentPart = Pick<CompletedPart, 'ETag' | 'ChecksumCRC32'>;

/** A range of an object. */
export interface CopySource {
  readonly object: Pick<PinnedObject, 'bucket' | 'key' | 'etag' | 'versionId'>;
  readonly start: number;
  readonly end: number;
}

export async function beginUpload(client: S3Client, target: Target): Promise<MultipartUpload> {
  // Parts carry checksums of the kind that is named here.
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32' }));
  return { Bucket: target.Bucket, Key: target.Key, UploadId };
}

export async function sendPart(client: S3Client, part: NumberedPart, Body: Uint8Array): Promise<SentPart> {
  return partOf(await client.send(new UploadPartCommand({ ...part, Body })));
}

export async function copyPart(
  client: S3Client,
  part: NumberedPart,
  { object, start, end }: CopySource,
): Promise<SentPart> {
  const CopySourceRange = `bytes=${start}-${end - 1}`;
  const copying = client.send(new UploadPartCopyCommand({ ...part, ...sourceOf(object), CopySourceRange }));
  const { CopyPartResult } = await fromPinned(object, copying);
  return partOf(CopyPartResult ?? {});
}

const partOf = ({ ETag, ChecksumCRC32 }: SentPart): SentPart => ({
  ETag,
  ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
});

/** The ETag of the object that is there now. */
export async function completeUpload(
  client: S3Client,
  upload: MultipartUpload,
  parts: readonly CompletedPart[],
): Promise<string> {
  const MultipartUpload = { Parts: [...parts] };
  const { ETag = '' } = await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
  return ETag;
}

/** After a failure, whose error is the one to report; what S3 keeps of it then, it forgets after a day. */
export async function abortUpload(client: S3Client, upload: MultipartUpload): Promise<void> {
  await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
}

export const sourceOf = ({ bucket, key, versionId, etag }: CopySource['object']) => ({
  CopySource:
    `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}` +
    (versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`),
  CopySourceIfMatch: etag,
});

export const fromPinned = <T>(object: CopySource['object'], answer: Promise<T>): Promise<T> =>
  answer.catch((cause: unknown) => {
    if (isConditionFailed(cause) || isMissingVersion(cause)) fail('FileReplaced', { file: s3Url(object) }, cause);
    throw cause;
  });

// The upload itself may be missing too: that is another matter.
const isMissingVersion = (cause: unknown): boolean =>
  isMissing(cause) && ['NoSuchKey', 'NoSuchVersion'].includes((cause as Error).name);
