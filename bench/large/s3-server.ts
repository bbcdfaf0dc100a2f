/**
 * S3's HTTP interface over files, in a process of its own, that counts bytes: objects are lists of ranges of files, so
 * that a copy within it costs neither time nor space. Only what torchferry asks for.
 */
import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, createReadStream, mkdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';

interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

interface StoredObject {
  readonly spans: readonly Span[];
  readonly size: number;
  readonly etag: string;
  readonly version: string;
}

/** Bytes of bodies since the last time somebody asked, and how many requests there were. */
export interface Counts {
  down: number;
  up: number;
  copied: number;
  requests: number;
}

interface Call {
  readonly name: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Span;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | readonly Span[];
}

const LEAST_PART = 5 * 2 ** 20;

const [folder = '.'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const objects = new Map<string, StoredObject[]>();
const uploads = new Map<string, Map<number, StoredObject>>();
let counts: Counts = { down: 0, up: 0, copied: 0, requests: 0 };

const sizeOf = (spans: readonly Span[]): number => spans.reduce((sum, { start, end }) => sum + end - start, 0);

function objectOf(spans: readonly Span[], parts?: number): StoredObject {
  const key = JSON.stringify(spans);
  const etag = createHash('md5').update(key).digest('hex');
  return { spans, size: sizeOf(spans), version: randomUUID(), etag: `"${etag}${parts ? `-${parts}` : ''}"` };
}

function put(name: string, object: StoredObject): StoredObject {
  objects.set(name, [...(objects.get(name) ?? []), object]);
  return object;
}

/** The part of a list of ranges from one byte to another. */
function cut(spans: readonly Span[], from: number, to: number): Span[] {
  let at = 0;
  return spans.flatMap(({ file, start, end }) => {
    const base = at;
    at += end - start;
    const [first, last] = [Math.max(from, base), Math.min(to, at)];
    return first < last ? [{ file, start: start + first - base, end: start + last - base }] : [];
  });
}

function find(name: string, version: string | null): StoredObject | undefined {
  const versions = objects.get(name) ?? [];
  return version === null ? versions.at(-1) : versions.find((object) => object.version === version);
}

const refused = (status: number, code: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
});

const described = ({ etag, version, size }: StoredObject): Record<string, string> => ({
  etag,
  'x-amz-version-id': version,
  'content-length': String(size),
});

function read({ name, query, headers }: Call): Answer {
  const object = find(name, query.get('versionId'));
  if (!object) return refused(404, 'NoSuchKey');
  if (headers['if-match'] && headers['if-match'] !== object.etag) return refused(412, 'PreconditionFailed');
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  if (from === undefined) return { status: 200, headers: described(object), body: object.spans };
  const end = Math.min(Number(to) + 1, object.size);
  return {
    status: 206,
    headers: {
      ...described(object),
      'content-length': String(end - Number(from)),
      'content-range': `bytes ${from}-${end - 1}/${object.size}`,
    },
    body: cut(object.spans, Number(from), end),
  };
}

/** What a copy reads, or why it may not. */
function copySource({ headers }: Call): readonly Span[] | Answer {
  const [path, version = null] = decodeURIComponent(String(headers['x-amz-copy-source'])).split('?versionId=');
  const object = find(path!, version);
  if (!object) return refused(404, 'NoSuchKey');
  const match = headers['x-amz-copy-source-if-match'];
  if (match && match !== object.etag) return refused(412, 'PreconditionFailed');
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-amz-copy-source-range'] ?? '')) ?? [];
  if (from === undefined) return object.spans;
  return Number(to) < object.size ? cut(object.spans, Number(from), Number(to) + 1) : refused(416, 'InvalidRange');
}

const OPERATIONS: Readonly<Record<string, (call: Call) => Answer>> = {
  GET: read,
  HEAD: (call) => ({ ...read(call), body: [] }),
  PUT: ({ name, headers, body }) => {
    if (headers['if-none-match'] === '*' && objects.has(name)) return refused(412, 'PreconditionFailed');
    const { etag, version } = put(name, objectOf([body]));
    return { status: 200, headers: { etag, 'x-amz-version-id': version } };
  },
  copy: (call) => {
    const source = copySource(call);
    if ('status' in source) return source;
    counts.copied += sizeOf(source);
    const { etag } = put(call.name, objectOf(source));
    return { status: 200, body: `<CopyObjectResult><ETag>${etag}</ETag></CopyObjectResult>` };
  },
  list: ({ name, query }) => {
    const prefix = `${name.split('/')[0]}/${query.get('prefix') ?? ''}`;
    const found = [...objects].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    const contents = found.map(
      ([key, [object]]) =>
        `<Contents><Key>${encodeURIComponent(key.slice(key.indexOf('/') + 1))}</Key><Size>${object!.size}</Size></Contents>`,
    );
    return { status: 200, body: `<ListBucketResult>${contents.join('')}</ListBucketResult>` };
  },
  create: () => {
    const id = randomUUID();
    uploads.set(id, new Map());
    return {
      status: 200,
      body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    };
  },
  part: (call) => {
    const { query, headers, body } = call;
    const source = headers['x-amz-copy-source'] === undefined ? [body] : copySource(call);
    if ('status' in source) return source;
    const object = objectOf(source);
    uploads.get(query.get('uploadId')!)!.set(Number(query.get('partNumber')), object);
    if (headers['x-amz-copy-source'] === undefined) return { status: 200, headers: { etag: object.etag }, body: '' };
    counts.copied += object.size;
    return { status: 200, body: `<CopyPartResult><ETag>${object.etag}</ETag></CopyPartResult>` };
  },
  complete: ({ name, query, body }) => {
    const parts = uploads.get(query.get('uploadId')!)!;
    const text = readFileSync(body.file, 'utf8').slice(body.start, body.end);
    const wanted = [...text.matchAll(/<PartNumber>(\d+)</g)].map((match) => parts.get(Number(match[1]))!);
    if (wanted.slice(0, -1).some(({ size }) => size < LEAST_PART)) return refused(400, 'EntityTooSmall');
    const object = put(
      name,
      objectOf(
        wanted.flatMap(({ spans }) => spans),
        wanted.length,
      ),
    );
    return {
      status: 200,
      headers: { 'x-amz-version-id': object.version },
      body: `<CompleteMultipartUploadResult><ETag>${object.etag}</ETag></CompleteMultipartUploadResult>`,
    };
  },
  deleteAll: ({ name, body }) => {
    const text = readFileSync(body.file, 'utf8').slice(body.start, body.end);
    for (const [, key] of text.matchAll(/<Key>(.*?)</g)) objects.delete(`${name.split('/')[0]}/${key}`);
    return { status: 200, body: '<DeleteResult/>' };
  },
  DELETE: ({ name, query }) => {
    if (query.has('uploadId')) uploads.delete(query.get('uploadId')!);
    else objects.delete(name);
    return { status: 204 };
  },
};

function operationOf(method: string, { name, query, headers }: Call): string {
  if (query.has('delete')) return 'deleteAll';
  if (!name.includes('/') || name.endsWith('/')) return 'list';
  if (query.has('uploads')) return 'create';
  if (query.has('uploadId') && method !== 'DELETE') return method === 'PUT' ? 'part' : 'complete';
  return method === 'PUT' && headers['x-amz-copy-source'] !== undefined ? 'copy' : method;
}

/** Questions of the bench itself. */
const ASKED: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  /** An object that is a file of this machine already. */
  adopt: (query) => {
    const file = query.get('file')!;
    return put(query.get('name')!, objectOf([{ file, start: 0, end: statSync(file).size }])).version;
  },
  counts: () => {
    const before = counts;
    counts = { down: 0, up: 0, copied: 0, requests: 0 };
    return before;
  },
  /** Forget everything that was uploaded. */
  clear: () => {
    for (const file of bodies.splice(0)) unlinkSync(file);
    objects.clear();
    return null;
  },
};

const bodies: string[] = [];

/** A body goes to a file of its own. */
async function bodyOf(request: IncomingMessage): Promise<Span> {
  const file = join(folder, randomUUID());
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    appendFileSync(file, chunk);
    size += chunk.byteLength;
  }
  if (size) bodies.push(file);
  counts.up += size;
  return { file, start: 0, end: size };
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url!, 'http://localhost');
  const asked = ASKED[pathname.slice(2)];
  if (pathname.startsWith('/~') && asked) return void response.end(JSON.stringify(asked(query)));
  const body = await bodyOf(request);
  counts.requests++;
  const call: Call = { name: decodeURIComponent(pathname.slice(1)), query, headers: request.headers, body };
  const { status, headers = {}, body: answer = '' } = OPERATIONS[operationOf(request.method!, call)]!(call);
  response.writeHead(status, headers);
  if (typeof answer === 'string') return void response.end(answer);
  counts.down += sizeOf(answer);
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (const { file, start, end } of answer)
      if (start < end) yield* createReadStream(file, { start, end: end - 1, highWaterMark: 2 ** 20 });
  };
  Readable.from(chunks()).pipe(response);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
// Bundling takes longer than an idle connection is kept by default.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { readonly port: number }).port));
