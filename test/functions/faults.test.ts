/**
 * The store on a way that breaks: each operation of S3 with each fault, once and for good. It is done as if nothing had
 * happened, or fails by name and leaves nothing.
 */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Client } from '../../functions/s3-client.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { memoryPiece, type Piece, sourcePiece } from '../../shared/bytes/destination.ts';
import type { ObjectStore } from '../../shared/pipeline/workspace/store.ts';
import { type Fault, FAULT_NAMES, FaultyWay } from './faulty-way.ts';
import { s3Server } from './s3-server.ts';
import { MemoryS3 } from './memory-s3.ts';

const MiB = 2 ** 20;
const TYPE = { contentType: 'application/octet-stream' };
const MODEL = Buffer.alloc(36 * MiB, 'a model of many bytes ');
const MODEL_ETAG = '"of many bytes"';
const FILE = Buffer.alloc(17 * MiB, 'a file ');
const SCRATCH = { bucket: 'work', prefix: 'parts/j/' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  writeFileSync(join(folder, 'file'), FILE);
});
afterAll(() => rm(folder, { recursive: true }));

type Act = (store: ObjectStore) => Promise<unknown>;

const assembled =
  (pieces: (store: ObjectStore) => Promise<readonly Piece[]>): Act =>
  async (store) => {
    const made = await store.assemble!({
      bucket: 'b',
      key: 'made',
      pieces: await pieces(store),
      scratch: SCRATCH,
      ...TYPE,
    });
    await made.publish().catch(async (error: unknown) => {
      await made.discard();
      throw error;
    });
    return made.bytes;
  };

const bridged = assembled(async (store) => {
  const model = await store.open('b', 'model');
  return [6, 9, 18].flatMap((size) => [
    memoryPiece(Buffer.from('few')),
    sourcePiece(model.slice(size, (1 + size) * MiB)),
  ]);
});

/** What is done, and the operations of S3 that it takes. */
interface Deed {
  readonly act: Act;
  readonly operations: readonly string[];
  readonly ofModel?: boolean;
}
const ACTS: Readonly<Record<string, Deed>> = {
  'reading a small object': { act: async (store) => String(await store.read('b', 'small')), operations: ['GetObject'] },
  'reading a range': {
    act: async (store) => {
      const bytes = await (await store.open('b', 'model')).slice(5, 9 * MiB).read();
      return Buffer.compare(bytes, MODEL.subarray(5, 9 * MiB));
    },
    operations: ['HeadObject', 'GetObject'],
    ofModel: true,
  },
  'looking whether it is there': { act: (store) => store.head('b', 'small'), operations: ['HeadObject'] },
  listing: {
    act: async (store) => {
      const keys: string[] = [];
      for await (const { key } of store.list('b', '')) keys.push(key);
      return keys;
    },
    operations: ['ListObjectsV2'],
  },
  'writing bytes': {
    act: (store) => store.putBytes({ bucket: 'b', key: 'made', bytes: Buffer.from('new'), ...TYPE }),
    operations: ['PutObject'],
  },
  claiming: {
    act: (store) => store.putIfAbsent('b', 'made', Buffer.from('mine')),
    operations: ['PutObject'],
  },
  tagging: {
    act: (store) => store.tag!({ bucket: 'b', key: 'small', tags: { a: 'b' } }),
    operations: ['PutObjectTagging'],
  },
  'writing a file': {
    act: (store) => store.putFile({ bucket: 'b', key: 'made', path: join(folder, 'file'), ...TYPE }),
    operations: ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'],
  },
  'copying a whole object': {
    act: assembled(async (store) => [sourcePiece(await store.open('b', 'model'))]),
    operations: ['CopyObject'],
    ofModel: true,
  },
  'streaming pieces': {
    act: assembled(async () => [memoryPiece(FILE.subarray(0, 11 * MiB))]),
    operations: ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'],
  },
  'joining ranges': {
    act: bridged,
    operations: ['CreateMultipartUpload', 'UploadPart', 'UploadPartCopy', 'CompleteMultipartUpload', 'DeleteObjects'],
    ofModel: true,
  },
};

/** S3 fails in the body of these. */
const LATE_ERRORS = new Set(['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload']);
/** Nobody hears that it was done; what is read is read again. */
const LOST: ReadonlySet<Fault> = new Set(['resetAfter', 'truncated', 'stalled']);
/** What happens for good; a connection that always breaks within an answer gets on, and stalling takes its time. */
const FOR_GOOD: ReadonlySet<Fault> = new Set([
  'denied',
  'slowDown',
  'badGateway',
  'errorInBody',
  'resetBefore',
  'resetAfter',
]);

interface Case {
  readonly name: string;
  readonly operation: string;
  readonly fault: Fault;
  readonly times: 'once' | 'always';
}
const CASES: readonly Case[] = Object.entries(ACTS).flatMap(([name, { operations }]) =>
  operations.flatMap((operation) =>
    FAULT_NAMES.filter((fault) => fault !== 'errorInBody' || LATE_ERRORS.has(operation)).flatMap((fault) =>
      (FOR_GOOD.has(fault) ? (['once', 'always'] as const) : (['once'] as const)).map((times) => ({
        name,
        operation,
        fault,
        times,
      })),
    ),
  ),
);

interface Done {
  readonly value?: unknown;
  readonly error?: unknown;
  /** Objects by their content. */
  readonly objects: Readonly<Record<string, string>>;
  /** Uploads that are open. */
  readonly uploads: number;
}

async function done(name: string, broken?: Case): Promise<Done> {
  const s3 = new MemoryS3({ versioned: false });
  if (ACTS[name]!.ofModel) s3.put('b', 'model', MODEL, {}, MODEL_ETAG);
  s3.put('b', 'small', Buffer.from('small'));
  const server = await s3Server(s3);
  const way = await FaultyWay.to(server.url);
  let left = broken?.times === 'always' ? Infinity : 1;
  way.faultFor = ({ operation }) => (operation === broken?.operation && left-- > 0 ? broken.fault : null);
  const client = s3Client({
    endpoint: way.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    ...(broken?.fault === 'stalled' ? { requestHandler: { socketTimeout: 4000 } } : {}),
  });
  await withoutPauses(client);
  try {
    const result = await ACTS[name]!.act(s3Store(client)).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const objects = Object.fromEntries([...s3.objects].map(([key, versions]) => [key, versions.at(-1)!.etag]));
    return { ...result, objects, uploads: s3.uploads.size };
  } finally {
    client.destroy();
    await way.close();
    server.close();
  }
}

/** The pauses between attempts are the SDK's: minutes of them would show nothing. */
async function withoutPauses({ config }: S3Client): Promise<void> {
  const strategy = (await config.retryStrategy()) as unknown as { retryBackoffStrategy: object };
  Object.assign(strategy.retryBackoffStrategy, { computeNextBackoffDelay: () => 1 });
}

const undisturbed = new Map<string, Promise<Done>>();
function expected(name: string): Promise<Done> {
  if (!undisturbed.has(name)) undisturbed.set(name, done(name));
  return undisturbed.get(name)!;
}

const label = ({ name, operation, fault, times }: Case): string => `${name}: ${operation} ${fault}, ${times}`;
const withoutMade = ({ objects }: Done): Done['objects'] =>
  Object.fromEntries(Object.entries(objects).filter(([key]) => key !== 'b/made'));

/** What cannot be as if nothing had happened. */
interface Exception {
  readonly operation: string;
  readonly holds: (broken: Case) => boolean;
  readonly check: (found: Done, undisturbed: Done) => void;
}
const EXCEPTIONS: readonly Exception[] = [
  {
    // Whoever claims looks whether it has itself.
    operation: 'PutObject',
    holds: ({ name, fault, times }) => name === 'claiming' && LOST.has(fault) && times === 'once',
    check: (found, { objects }) => expect(found).toEqual({ value: false, objects, uploads: 0 }),
  },
  {
    // The upload is complete and no longer known: the stage is started again.
    operation: 'CompleteMultipartUpload',
    holds: ({ fault, times }) => LOST.has(fault) && times === 'once',
    check({ error, objects, uploads }, whole) {
      expect(error).toMatchObject({ code: 'StorageUnavailable', details: { file: 's3://b/made' } });
      expect([withoutMade({ objects, uploads }), uploads]).toEqual([withoutMade(whole), 0]);
      if ('b/made' in objects) expect(objects['b/made']).toBe(whole.objects['b/made']);
    },
  },
  {
    // Nobody knows the name of the upload that was begun: the bucket forgets it after a day.
    operation: 'CreateMultipartUpload',
    holds: ({ fault, times }) => LOST.has(fault) && times === 'once',
    check: (found, whole) => expect(found).toEqual({ ...whole, uploads: 1 }),
  },
  {
    // What was copied from stays until the bucket forgets it.
    operation: 'DeleteObjects',
    holds: ({ fault, times }) => fault === 'denied' || times === 'always',
    check({ objects, ...found }, { objects: wanted, ...whole }) {
      expect(found).toEqual(whole);
      expect(objects).toMatchObject(wanted);
      for (const key of Object.keys(objects)) expect(key in wanted || key.startsWith('work/parts/j/'), key).toBe(true);
    },
  },
];

describe('S3 that fails', () => {
  test.concurrent.each(CASES.map((broken) => [label(broken), broken] as const))('%s', async (_, broken) => {
    const whole = await expected(broken.name);
    const found = await done(broken.name, broken);
    const exception = EXCEPTIONS.find(({ operation, holds }) => operation === broken.operation && holds(broken));
    if (exception) return exception.check(found, whole);
    if (broken.fault === 'slow' || (broken.times === 'once' && broken.fault !== 'denied'))
      return expect(found).toEqual(whole);
    expect(found.error).toMatchObject({
      code: broken.fault === 'denied' ? 'AccessDenied' : 'StorageUnavailable',
      details: { file: expect.stringMatching(/^s3:\/\/b\//) as string },
    });
    // Nothing that is half of what was wanted: of writing whose answer was lost, the whole.
    expect(withoutMade(found)).toEqual(withoutMade(whole));
    if ('b/made' in found.objects)
      expect([broken.fault, found.objects['b/made']]).toEqual(['resetAfter', whole.objects['b/made']]);
    if (broken.fault !== 'resetAfter') expect(found.uploads).toBe(0);
  });
});
