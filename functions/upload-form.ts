/**
 * A form by which somebody without rights of their own uploads: to one prefix, no more than so many bytes, for a while.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { fail } from '../shared/errors.ts';
import { asStorageFailure } from './s3-error.ts';

export interface UploadFormRequest {
  readonly bucket: string;
  /** Ends in "/"; the name of the file that is uploaded follows. */
  readonly prefix: string;
  /** S3 takes 5 GiB in one request. */
  readonly maxBytes: number;
  /** From now, at most seven days. With credentials that end earlier, the form does too. */
  readonly expiresSeconds: number;
}

export interface UploadForm {
  /** Where it is sent: POST, multipart/form-data. */
  readonly url: string;
  /** All of them go before the field `file`. */
  readonly fields: Readonly<Record<string, string>>;
}

const MOST = { bytes: 5 * 2 ** 30, seconds: 7 * 24 * 3600 } as const;

const isWholeNumber = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;

function check({ prefix, maxBytes, expiresSeconds }: UploadFormRequest): void {
  const refuse = (option: string, value: unknown, expected: string): never =>
    fail('BadOption', { option, value: String(value), expected });
  // S3 puts the name of the file for ${filename}, and reads no other "$" in a key.
  if (!/^[^/$\p{Cc}][^$\p{Cc}]{0,510}\/$/u.test(prefix) && !/^[^/$\p{Cc}]\/$/u.test(prefix))
    refuse('prefix', prefix, 'the start of keys, ending in "/"');
  if (!isWholeNumber(maxBytes, MOST.bytes)) refuse('maxBytes', maxBytes, `a whole number from 1 to ${MOST.bytes}`);
  if (!isWholeNumber(expiresSeconds, MOST.seconds))
    refuse('expiresSeconds', expiresSeconds, `a whole number from 1 to ${MOST.seconds}`);
}

/**
 * Signed on this machine, without a call of AWS: when it is used, the rights of who signed decide, s3:PutObject on the
 * prefix. Fails with BadOption, with WrongUsage where no region is set, and with AccessDenied where there are no
 * credentials.
 */
export async function uploadForm(request: UploadFormRequest, client?: S3Client): Promise<UploadForm> {
  check(request);
  const { bucket, prefix, maxBytes, expiresSeconds } = request;
  // When it is wanted: whoever imports the library does not wait for the SDK.
  const { createPresignedPost } = await import('@aws-sdk/s3-presigned-post');
  const s3 = client ?? new (await import('@aws-sdk/client-s3')).S3Client();
  await s3.config
    .region()
    .catch((cause: unknown) =>
      fail('WrongUsage', { problem: 'no region is set', hint: 'set AWS_REGION to that of the bucket' }, cause),
    );
  try {
    return await createPresignedPost(s3, {
      Bucket: bucket,
      Key: `${prefix}\${filename}`,
      Conditions: [['content-length-range', 1, maxBytes]],
      // The answer names the key.
      Fields: { success_action_status: '201' },
      Expires: expiresSeconds,
    });
  } catch (error) {
    throw asStorageFailure(error, { file: `s3://${bucket}/${prefix}`, doing: 'write' });
  }
}
