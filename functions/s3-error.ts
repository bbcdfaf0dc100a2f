/** What an S3 error means for us: missing, its condition did not hold, or not decided yet. */
import { S3ServiceException } from '@aws-sdk/client-s3';

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
