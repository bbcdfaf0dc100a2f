/** What an S3 error means for us: missing, its condition did not hold, not decided yet, or a failure of its own. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { type FailureCode, FerryError } from '../shared/errors.ts';

const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === status;

/**
 * No such object, or no such version of it. HEAD answers without a body, so the status is all there is; a bucket's
 * absence is another matter.
 */
export const isMissing = (error: unknown): boolean => hasStatus(error, 404) && (error as Error).name !== 'NoSuchBucket';

/** What S3 answers to a version id that it cannot have given out itself. */
export const isBadVersion = (error: unknown): boolean => hasStatus(error, 400);

/** IfMatch or IfNoneMatch did not hold. */
export const isConditionFailed = (error: unknown): boolean => hasStatus(error, 412);

/** Another conditional write of the same key was under way: who wins is not known yet. */
export const isConditionConflict = (error: unknown): boolean => hasStatus(error, 409);

export interface Doing {
  /** As `s3://bucket/key`. */
  readonly file: string;
  /** As in "may not ...". */
  readonly doing: 'read' | 'write' | 'list';
}

const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT']);
// As the SDK calls them, without an answer of S3.
const NO_ANSWER = new Set(['TimeoutError', 'NetworkingError', 'RequestTimeout']);

/**
 * An error of S3 or of the way to it as a typed failure, so that it can be retried, reported and acted on; any other
 * error as it is.
 */
export function asStorageFailure(error: unknown, { file, doing }: Doing): unknown {
  const code = codeOf(error);
  if (code === null) return error;
  const { name, message } = error as Error;
  // HEAD answers without a body: then the SDK has no words but the status.
  const status = error instanceof S3ServiceException ? ` ${error.$metadata.httpStatusCode ?? ''}` : '';
  const problem = `${name}${status}${message && message !== name ? `: ${message}` : ''}`;
  return new FerryError(code, { file, doing, problem }, error);
}

function codeOf(error: unknown): Extract<FailureCode, `Storage${string}` | 'AccessDenied'> | null {
  if (!(error instanceof Error) || error instanceof FerryError) return null;
  if (error.name === 'CredentialsProviderError') return 'AccessDenied';
  if (NO_ANSWER.has(error.name) || NETWORK.has((error as NodeJS.ErrnoException).code ?? ''))
    return 'StorageUnavailable';
  // A page of HTML of something on the way: the SDK finds no error of S3 in it.
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : statusOf(error);
  if (status === null) return null;
  // It was begun a moment ago: it is complete, and the answer that said so was lost on its way. To do it again is safe.
  if (error.name === 'NoSuchUpload') return 'StorageUnavailable';
  if (status === 401 || status === 403) return 'AccessDenied';
  return status >= 500 || status === 429 || status === 0 ? 'StorageUnavailable' : 'StorageRefused';
}

/** Of an answer that the SDK could not read; null: of no answer. */
function statusOf(error: Error): number | null {
  const { $response: response } = error as { readonly $response?: { readonly statusCode?: number } };
  return response?.statusCode ?? null;
}
