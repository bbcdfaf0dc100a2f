/**
 * S3's HTTP interface over a Map, as the request handler of a real S3Client: what the client writes and reads is the
 * true protocol.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { operationOf, type S3Request } from './s3-operation.ts';

export interface Request extends S3Request {
  readonly body?: unknown;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly versionId: string;
  readonly contentType: string | undefined;
  readonly tagging: string | undefined;
}

/** Answer in S3's place, or undefined to let it pass. Called once for each request. */
export type Disturbance = (request: Request, operation: string) => Answer | undefined;

const MIN_PART = 5 * 2 ** 20;

/** A part, and the checksum that was given back for it. */
interface StoredPart {
  readonly bytes: Uint8Array;
  readonly crc: string | null;
}

interface OpenUpload {
  readonly name: string;
  readonly headers: Record<string, string>;
  readonly parts: Map<number, StoredPart>;
}

export class MemoryS3 {
  /** bucket/key to its versions, newest last. */
  readonly objects = new Map<string, StoredObject[]>();
  readonly uploads = new Map<string, OpenUpload>();
  readonly log: string[] = [];
  /** Bytes that were copied without leaving it. */
  copied = 0;
  readonly versioned: boolean;
  /** Whether it says what the CRC-32 of a part is. */
  readonly checksums: boolean;
  disturb: Disturbance = () => undefined;
  #next = 0;

  constructor({ versioned = true, checksums = true } = {}) {
    this.versioned = versioned;
    this.checksums = checksums;
  }

  client(): S3Client {
    return new S3Client({
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { handle: async (request: Request) => ({ response: await this.handle(request) }) } as never,
    });
  }

  put(
    bucket: string,
    key: string,
    bytes: Uint8Array,
    headers: Record<string, string> = {},
    etag = `"${md5(bytes)}"`,
  ): StoredObject {
    const versionId = this.versioned ? `v.${this.#next++}_Zq` : 'null';
    const object = {
      bytes: bytes.slice(),
      etag,
      versionId,
      contentType: headers['content-type'],
      tagging: headers['x-amz-tagging'],
    };
    const name = `${bucket}/${key}`;
    this.objects.set(name, this.versioned ? [...(this.objects.get(name) ?? []), object] : [object]);
    return object;
  }

  newest(bucket: string, key: string): StoredObject | undefined {
    return this.objects.get(`${bucket}/${key}`)?.at(-1);
  }

  async handle(request: Request): Promise<Answer> {
    const [bucket = '', ...rest] = request.path.slice(1).split('/');
    const key = decodeURIComponent(rest.join('/'));
    const query = request.query ?? {};
    const operation = operationOf(request);
    this.log.push(operation);
    const disturbed = this.disturb(request, operation);
    if (disturbed) return disturbed;
    const body = await bytesOf(request.body);
    checkSum(request.headers, body);
    const run = this.#operations[operation];
    if (!run)
      throw new Error(
        `this S3 does not know ${operation} (${request.method} ${request.path} ${JSON.stringify(query)})`,
      );
    return run({ bucket, key, name: `${bucket}/${key}`, query, headers: request.headers, body });
  }

  #operations: Record<string, (call: Call) => Answer> = {
    PutObject: ({ bucket, key, name, headers, body }) => {
      if (headers['if-none-match'] === '*' && this.objects.has(name)) return failure(412, 'PreconditionFailed');
      return answer(200, versionHeaders(this.put(bucket, key, body, headers), this.versioned));
    },
    HeadObject: (call) => ({ ...this.#read(call), body: Readable.from([]) }),
    GetObject: (call) => this.#read(call),
    ListObjectsV2: ({ bucket, query }) => this.#list(bucket, query),
    CreateMultipartUpload: ({ name, headers }) => {
      const id = `upload-${this.#next++}`;
      this.uploads.set(id, { name, headers, parts: new Map() });
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    },
    UploadPart: ({ query, body }) => {
      const upload = this.uploads.get(String(query['uploadId']));
      if (!upload) return failure(404, 'NoSuchUpload');
      const { crc } = this.#setPart(upload, query, body);
      return answer(200, { etag: `"${md5(body)}"`, ...(crc ? { 'x-amz-checksum-crc32': crc } : {}) });
    },
    CompleteMultipartUpload: ({ bucket, key, query, body }) => {
      const upload = this.uploads.get(String(query['uploadId']));
      if (!upload) return failure(404, 'NoSuchUpload');
      const wanted = [
        ...Buffer.from(body)
          .toString()
          .matchAll(/<Part>(.*?)<\/Part>/gs),
      ].map(([, text]) => ({
        part: upload.parts.get(Number(/<PartNumber>(\d+)</.exec(text!)![1])),
        crc: /<ChecksumCRC32>(.*?)</.exec(text!)?.[1] ?? null,
      }));
      if (wanted.some(({ part, crc }) => !part || part.crc !== crc)) return failure(400, 'InvalidPart');
      const parts = wanted.map(({ part }) => part!.bytes);
      if (parts.slice(0, -1).some((part) => part.byteLength < MIN_PART)) return failure(400, 'EntityTooSmall');
      const all = Buffer.concat(parts);
      const object = this.put(bucket, key, all, upload.headers, `"${md5(all)}-${parts.length}"`);
      this.uploads.delete(String(query['uploadId']));
      return xml(
        `<CompleteMultipartUploadResult><ETag>${object.etag}</ETag></CompleteMultipartUploadResult>`,
        versionHeaders(object, this.versioned),
      );
    },
    UploadPartCopy: (call) => {
      const upload = this.uploads.get(String(call.query['uploadId']));
      const source = this.#copySource(call.headers);
      if (!upload) return failure(404, 'NoSuchUpload');
      if ('statusCode' in source) return source;
      const { crc } = this.#setPart(upload, call.query, source);
      const checksum = crc ? `<ChecksumCRC32>${crc}</ChecksumCRC32>` : '';
      return xml(`<CopyPartResult><ETag>"${md5(source)}"</ETag>${checksum}</CopyPartResult>`);
    },
    CopyObject: ({ bucket, key, headers }) => {
      const source = this.#copySource(headers);
      if ('statusCode' in source) return source;
      const object = this.put(bucket, key, source, headers);
      const sha256 = headers['x-amz-checksum-algorithm'] === 'SHA256' ? createHash('sha256').update(source) : null;
      return xml(
        `<CopyObjectResult><ETag>${object.etag}</ETag>${sha256 ? `<ChecksumSHA256>${sha256.digest('base64')}</ChecksumSHA256>` : ''}</CopyObjectResult>`,
        versionHeaders(object, this.versioned),
      );
    },
    GetObjectTagging: ({ name, query }) => {
      const versions = this.objects.get(name) ?? [];
      const wanted = query['versionId'];
      const object = wanted ? versions.find(({ versionId }) => versionId === wanted) : versions.at(-1);
      if (!object) return failure(404, wanted ? 'NoSuchVersion' : 'NoSuchKey');
      const tags = [...new URLSearchParams(object.tagging)].map(
        ([tag, value]) => `<Tag><Key>${tag}</Key><Value>${value}</Value></Tag>`,
      );
      return xml(`<Tagging><TagSet>${tags.join('')}</TagSet></Tagging>`);
    },
    PutObjectTagging: ({ name, body }) => {
      const versions = this.objects.get(name);
      if (!versions) return failure(404, 'NoSuchKey');
      const tagging = new URLSearchParams();
      for (const [, tag, value] of String(Buffer.from(body)).matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/g))
        tagging.set(tag!, value!);
      versions.push({ ...versions.pop()!, tagging: String(tagging) });
      return answer(200, {});
    },
    AbortMultipartUpload: ({ query }) => {
      this.uploads.delete(String(query['uploadId']));
      return answer(204, {});
    },
    DeleteObjects: ({ bucket, body }) => {
      for (const [, key] of Buffer.from(body)
        .toString()
        .matchAll(/<Key>(.*?)<\/Key>/g))
        this.objects.delete(`${bucket}/${key}`);
      return xml('<DeleteResult/>');
    },
  };

  #setPart(upload: OpenUpload, query: Record<string, unknown>, bytes: Uint8Array): StoredPart {
    const wants = this.checksums && upload.headers['x-amz-checksum-algorithm'] === 'CRC32';
    const part = { bytes, crc: wants ? crc32Text(bytes) : null };
    upload.parts.set(Number(query['partNumber']), part);
    return part;
  }

  #copySource(headers: Record<string, string>): Uint8Array | Answer {
    const [path, version] = headers['x-amz-copy-source']!.split('?versionId=');
    const versions = this.objects.get(decodeURIComponent(path!)) ?? [];
    const object = version ? versions.find(({ versionId }) => versionId === version) : versions.at(-1);
    if (!object) return failure(404, version ? 'NoSuchVersion' : 'NoSuchKey');
    const match = headers['x-amz-copy-source-if-match'];
    if (match && match !== object.etag) return failure(412, 'PreconditionFailed');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['x-amz-copy-source-range'] ?? '') ?? [];
    if (from !== undefined && Number(to) >= object.bytes.byteLength) return failure(416, 'InvalidRange');
    const bytes = from === undefined ? object.bytes : object.bytes.slice(Number(from), Number(to) + 1);
    this.copied += bytes.byteLength;
    return bytes;
  }

  #read({ name, query, headers }: Call): Answer {
    const wanted = query['versionId'];
    if (wanted && !String(wanted).startsWith('v.')) return failure(400, 'InvalidArgument');
    const versions = this.objects.get(name) ?? [];
    const object = wanted ? versions.find((version) => version.versionId === wanted) : versions.at(-1);
    if (!object) return failure(404, wanted ? 'NoSuchVersion' : 'NoSuchKey');
    if (headers['if-match'] && headers['if-match'] !== object.etag) return failure(412, 'PreconditionFailed');
    const described = { etag: object.etag, ...versionHeaders(object, this.versioned) };
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '');
    if (!range) return answer(200, { ...described, 'content-length': String(object.bytes.byteLength) }, object.bytes);
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), object.bytes.byteLength - 1)];
    if (from > to) return failure(416, 'InvalidRange');
    const sized = {
      'content-length': String(to - from + 1),
      'content-range': `bytes ${from}-${to}/${object.bytes.byteLength}`,
    };
    return answer(206, { ...described, ...sized }, object.bytes.subarray(from, to + 1));
  }

  /** Two keys a page, so that every test meets a second page. */
  #list(bucket: string, query: Record<string, unknown>): Answer {
    const prefix = `${bucket}/${query['prefix'] ?? ''}`;
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const from = Number(query['continuation-token'] ?? 0);
    const page = names.slice(from, from + 2).map((name) => {
      const { bytes, etag } = this.objects.get(name)!.at(-1)!;
      const key = encodeURIComponent(name.slice(bucket.length + 1))
        .replaceAll('%20', '+')
        .replaceAll('%2F', '/');
      return `<Contents><Key>${key}</Key><Size>${bytes.byteLength}</Size><ETag>${etag}</ETag></Contents>`;
    });
    const more = from + 2 < names.length ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : '';
    return xml(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more !== ''}</IsTruncated>${more}${page.join('')}</ListBucketResult>`,
    );
  }
}

interface Call {
  readonly bucket: string;
  readonly key: string;
  readonly name: string;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

async function bytesOf(body: unknown): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// The client promises a length; a framed (aws-chunked) body would be stored with its frames if nobody looked.
function checkSum(headers: Record<string, string>, body: Uint8Array): void {
  if (headers['content-encoding']?.includes('aws-chunked'))
    throw new Error('this S3 does not unframe aws-chunked bodies');
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== body.byteLength)
    throw new Error(`content-length ${length}, body of ${body.byteLength} bytes`);
}

function crc32Text(bytes: Uint8Array): string {
  const text = Buffer.alloc(4);
  text.writeUInt32BE(crc32(bytes));
  return text.toString('base64');
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const versionHeaders = (object: StoredObject, versioned: boolean): Record<string, string> => ({
  etag: object.etag,
  ...(versioned ? { 'x-amz-version-id': object.versionId } : {}),
});
export const answer = (
  statusCode: number,
  headers: Record<string, string>,
  body: Uint8Array | string = '',
): Answer => ({
  statusCode,
  headers,
  body: Readable.from(body.length ? [Buffer.from(body)] : []),
});
const xml = (body: string, headers: Record<string, string> = {}): Answer =>
  answer(200, { 'content-type': 'application/xml', ...headers }, body);
export const failure = (statusCode: number, code: string): Answer =>
  answer(
    statusCode,
    { 'content-type': 'application/xml' },
    `<Error><Code>${code}</Code><Message>${code} from the test</Message></Error>`,
  );
