/** What S3 calls a request. */

export interface S3Request {
  readonly method: string;
  /** /bucket/key, encoded as in a URL. */
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
}

const WITH_UPLOAD: Readonly<Record<string, string>> = {
  PUT: 'UploadPart',
  POST: 'CompleteMultipartUpload',
  DELETE: 'AbortMultipartUpload',
};
const OF_OBJECTS: Readonly<Record<string, string>> = { PUT: 'PutObject', GET: 'GetObject', HEAD: 'HeadObject' };
const COPYING: Readonly<Record<string, string>> = { PutObject: 'CopyObject', UploadPart: 'UploadPartCopy' };

export function operationOf({ method, path, query = {}, headers }: S3Request): string {
  if ('delete' in query) return 'DeleteObjects';
  if (!/^\/[^/]+\/./.test(path)) return 'ListObjectsV2';
  if ('uploads' in query) return 'CreateMultipartUpload';
  if ('tagging' in query) return method === 'GET' ? 'GetObjectTagging' : 'PutObjectTagging';
  const plain = ('uploadId' in query ? WITH_UPLOAD : OF_OBJECTS)[method] ?? method;
  return headers['x-amz-copy-source'] === undefined ? plain : (COPYING[plain] ?? plain);
}
