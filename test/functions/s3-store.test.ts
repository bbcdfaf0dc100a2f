/** S3 as a store: what is read is one version of one object, what is written is whole or not there. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import { answer, failure, MemoryS3 } from './memory-s3.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const random = (size: number): Uint8Array => randomFillSync(new Uint8Array(size));
const TYPE = { contentType: 'application/octet-stream' };
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 's3-store-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const listed = async (store: ReturnType<typeof s3Store>, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list('b', prefix)) keys.push(key);
  return keys;
};

describe('reading', () => {
  it('reads neighbours through few requests, and copies them', async () => {
    const s3 = new MemoryS3();
    const content = random(20 * 2 ** 20);
    s3.put('b', 'm.pt2', content);
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    for (let at = 0; at < content.length; at += 10_001) {
      const slice = await source.slice(at, Math.min(at + 10_000, content.length)).read();
      expect(Buffer.compare(slice, content.subarray(at, at + 10_000))).toBe(0);
      expect(slice.buffer.byteLength).toBeLessThanOrEqual(10_000);
    }
    // 16 KiB, and twice as much each time up to 8 MiB.
    expect(s3.log).toEqual(['HeadObject', ...Array<string>(11).fill('GetObject')]);
  });

  it('fetches little more than what stands alone', async () => {
    const s3 = new MemoryS3();
    const content = random(20 * 2 ** 20);
    s3.put('b', 'm.pt2', content);
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    let fetched = 0;
    s3.disturb = ({ headers }) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? [];
      fetched += Number(to) - Number(from) + 1;
      return undefined;
    };
    for (let at = 100; at < content.length - 1000; at += 300_001) await source.slice(at, at + 200).read();
    expect(fetched).toBeLessThanOrEqual(70 * 2 * 2 ** 14);
  });

  it('fetches little for a look', async () => {
    const s3 = new MemoryS3();
    const content = random(20 * 2 ** 20);
    s3.put('b', 'm.pt2', content);
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    const ranges: string[] = [];
    s3.disturb = ({ headers }) => void ranges.push(headers['range']!);
    for (const [from, to] of [
      [content.length - 1000, content.length],
      [content.length - 3000, content.length - 2000],
      [0, 4],
      [4, 1024],
    ] as const)
      expect(await source.slice(from, to).read()).toEqual(content.subarray(from, to));
    expect(ranges).toEqual([`bytes=${content.length - 2 ** 14}-${content.length - 1}`, `bytes=0-${2 ** 14 - 1}`]);
  });

  it('reads a small object in one request, and one that breaks off by its parts', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'job.json', bytes(1, 2, 3));
    const store = s3Store(s3.client());
    expect(await store.read('b', 'job.json')).toEqual(bytes(1, 2, 3));
    expect(await store.read('b', 'none')).toBeNull();
    expect(s3.log).toEqual(['GetObject', 'GetObject']);
    let broken = 1;
    s3.disturb = (_, operation) =>
      operation === 'GetObject' && broken-- > 0
        ? {
            statusCode: 200,
            headers: { 'content-length': '3' },
            body: new Readable({
              read() {
                this.destroy(Object.assign(new Error('gone'), { code: 'ECONNRESET' }));
              },
            }),
          }
        : undefined;
    expect(await store.read('b', 'job.json')).toEqual(bytes(1, 2, 3));
  });

  it('reads across the border of two blocks', async () => {
    const s3 = new MemoryS3();
    const content = random(17 * 2 ** 20);
    s3.put('b', 'm.pt2', content);
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    const [start, end] = [8 * 2 ** 20 - 3, 8 * 2 ** 20 + 5];
    expect(await source.slice(start, end).read()).toEqual(content.subarray(start, end));
  });

  it('reads a large range in parts of 16 MiB', async () => {
    const s3 = new MemoryS3();
    const content = random(50 * 2 ** 20 + 7);
    s3.put('b', 'm.pt2', content);
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    expect(
      Buffer.compare(await source.slice(1, content.length - 1).read(), content.subarray(1, content.length - 1)),
    ).toBe(0);
    expect(s3.log.filter((operation) => operation === 'GetObject')).toHaveLength(4);
  });

  it('goes on where a body broke off', async () => {
    const s3 = new MemoryS3();
    const content = random(1000);
    s3.put('b', 'm.pt2', content);
    let asked = 0;
    s3.disturb = ({ headers }, operation) => {
      if (operation !== 'GetObject' || asked++ > 0) return undefined;
      expect(headers['range']).toBe('bytes=0-999');
      const broken = Readable.from(
        (function* () {
          yield Buffer.from(content.subarray(0, 400));
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
        })(),
      );
      return { ...answer(206, { 'content-range': 'bytes 0-999/1000', 'content-length': '1000' }), body: broken };
    };
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    expect(Buffer.compare(await source.read(), content)).toBe(0);
    expect(s3.log).toEqual(['HeadObject', 'GetObject', 'GetObject']);
  });

  it('goes on as often as it takes, as long as bytes come', async () => {
    const s3 = new MemoryS3();
    const content = random(1000);
    s3.put('b', 'm.pt2', content);
    s3.disturb = ({ headers }, operation) => {
      if (operation !== 'GetObject') return undefined;
      const from = Number(/bytes=(\d+)-/.exec(headers['range']!)![1]);
      const piece = content.subarray(from, from + 100);
      return {
        ...answer(206, { 'content-range': `bytes ${from}-999/1000`, 'content-length': String(1000 - from) }),
        body: Readable.from([Buffer.from(piece)]),
      };
    };
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    expect(Buffer.compare(await source.read(), content)).toBe(0);
    expect(s3.log.filter((operation) => operation === 'GetObject')).toHaveLength(10);
  });

  it('gives up on a body that never comes, and does not remember the failure', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1, 2, 3));
    s3.disturb = (_, operation) =>
      operation === 'GetObject' ? answer(206, { 'content-range': 'bytes 0-2/3', 'content-length': '0' }) : undefined;
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    await expect(source.read()).rejects.toMatchObject({
      code: 'StorageUnavailable',
      details: { file: 's3://b/m.pt2', problem: 'the answer broke off at byte 0, 4 times' },
    });
    s3.disturb = () => undefined;
    expect(await source.read()).toEqual(bytes(1, 2, 3));
  });

  it('says what was wrong with the bodies it gave up on', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1, 2, 3));
    s3.disturb = (_, operation) =>
      operation === 'GetObject'
        ? answer(206, { 'content-range': 'bytes 0-2/3', 'x-amz-checksum-crc32': 'AAAAAA==' }, bytes(1, 2, 3))
        : undefined;
    await expect((await s3Store(s3.client()).open('b', 'm.pt2')).read()).rejects.toThrow('Checksum mismatch');
  });

  it('does not take a whole object for a range of it', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1, 2, 3, 4));
    s3.disturb = (_, operation) =>
      operation === 'GetObject' ? answer(200, { 'content-length': '4' }, bytes(1, 2, 3, 4)) : undefined;
    // The block is the whole object here, and still the answer must say so.
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    await expect(source.slice(2, 4).read()).rejects.toThrow('asked for bytes=0-3, got "everything"');
  });

  it('retries what S3 asks to retry', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1, 2, 3));
    let slow = 1;
    s3.disturb = () => (slow-- > 0 ? failure(503, 'SlowDown') : undefined);
    expect(await (await s3Store(s3.client()).open('b', 'm.pt2')).read()).toEqual(bytes(1, 2, 3));
  });

  it('keeps reading the version it opened while a newer one arrives', async () => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1, 2, 3));
    const source = await s3Store(s3.client()).open('b', 'm.pt2');
    s3.put('b', 'm.pt2', bytes(4, 5, 6));
    expect(await source.read()).toEqual(bytes(1, 2, 3));
  });

  it('refuses when an unversioned object is replaced, or any object deleted, in between', async () => {
    for (const change of [
      (s3: MemoryS3) => s3.put('b', 'm.pt2', bytes(4, 5, 6)),
      (s3: MemoryS3) => s3.objects.delete('b/m.pt2'),
    ]) {
      const s3 = new MemoryS3({ versioned: false });
      s3.put('b', 'm.pt2', bytes(1, 2, 3));
      const source = await s3Store(s3.client()).open('b', 'm.pt2');
      change(s3);
      await expect(source.read()).rejects.toMatchObject({ code: 'FileReplaced', details: { file: 's3://b/m.pt2' } });
    }
  });

  it.each([
    ['a missing key', 'none', undefined],
    ['a version that never was', 'm.pt2', 'v.999_Zq'],
    ['a version id S3 cannot have given', 'm.pt2', 'yesterday'],
    ['an ETag of something else', 'm.pt2', '0123456789abcdef0123456789abcdef'],
  ])('has no object for %s', async (_, key, version) => {
    const s3 = new MemoryS3();
    s3.put('b', 'm.pt2', bytes(1));
    const store = s3Store(s3.client());
    expect(await store.head('b', key, version)).toBeNull();
    await expect(store.open('b', key, version)).rejects.toMatchObject({
      code: 'FileNotFound',
      details: { file: `s3://b/${key}` },
    });
  });

  it('says what AWS said when it is not about the object', async () => {
    const s3 = new MemoryS3();
    s3.disturb = () => failure(403, 'AccessDenied');
    await expect(s3Store(s3.client()).head('b', 'm.pt2')).rejects.toMatchObject({
      code: 'AccessDenied',
      details: { file: 's3://b/m.pt2', doing: 'read' },
    });
  });

  it('finds a version by its id, and by its ETag where there are no versions', async () => {
    const versioned = new MemoryS3();
    const old = versioned.put('b', 'k', bytes(1));
    versioned.put('b', 'k', bytes(2));
    expect(await (await s3Store(versioned.client()).open('b', 'k', old.versionId)).read()).toEqual(bytes(1));

    const plain = new MemoryS3({ versioned: false });
    const { etag } = plain.put('b', 'k', bytes(3));
    const unquoted = etag.replaceAll('"', '');
    expect(await s3Store(plain.client()).head('b', 'k', unquoted)).toEqual({ key: 'k', size: 1, version: unquoted });
  });
});

describe('writing', () => {
  it.each([
    ['empty', 0, ['PutObject']],
    ['one part', 1000, ['PutObject']],
    [
      'three parts',
      33 * 2 ** 20,
      ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'],
    ],
  ])('uploads a file: %s', async (name, size, operations) => {
    const s3 = new MemoryS3();
    const content = random(size);
    const info = await s3Store(s3.client()).putFile({
      bucket: 'b',
      key: 'model.onnx',
      path: file(name, content),
      ...TYPE,
      tags: { status: 'validated', model: 'a b+c' },
    });
    const stored = s3.newest('b', 'model.onnx')!;
    expect(Buffer.compare(stored.bytes, content)).toBe(0);
    expect(info).toEqual({ key: 'model.onnx', size, version: stored.versionId });
    expect(new URLSearchParams(stored.tagging).get('model')).toBe('a b+c');
    expect(stored.contentType).toBe('application/octet-stream');
    expect(s3.log).toEqual(operations);
  });

  it('leaves nothing behind when a part fails', async () => {
    const s3 = new MemoryS3();
    s3.disturb = ({ query }, operation) =>
      operation === 'UploadPart' && query?.['partNumber'] === '2' ? failure(403, 'AccessDenied') : undefined;
    await expect(
      s3Store(s3.client()).putFile({
        bucket: 'b',
        key: 'model.onnx',
        path: file('failing', random(33 * 2 ** 20)),
        ...TYPE,
      }),
    ).rejects.toThrow('AccessDenied');
    expect(s3.log).toContain('AbortMultipartUpload');
    expect(s3.uploads.size).toBe(0);
    expect(s3.objects.size).toBe(0);
  });

  it('writes once when asked by many', async () => {
    const s3 = new MemoryS3();
    const store = s3Store(s3.client());
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => store.putIfAbsent('b', 'claims/x', bytes(i))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(s3.newest('b', 'claims/x')!.bytes).toEqual(bytes(won.indexOf(true)));
  });

  it('asks again when a write of the same key was under way', async () => {
    const s3 = new MemoryS3();
    let conflicts = 2;
    s3.disturb = () => (conflicts-- > 0 ? failure(409, 'ConditionalRequestConflict') : undefined);
    expect(await s3Store(s3.client()).putIfAbsent('b', 'claims/x', bytes(1))).toBe(true);
    expect(s3.log).toHaveLength(3);
  });
});

describe('keys', () => {
  const KEYS = [
    'a b.pt2',
    'a+b.pt2',
    'ü/模型.pt2',
    `#?&<>"'%41.pt2`,
    'x//y',
    '[]{},;=$@!.PT2',
    'line\nbreak\u0001',
    `${'é'.repeat(511)}x`,
  ];
  it.each(KEYS)('keeps %j as it is', async (key) => {
    const s3 = new MemoryS3();
    const store = s3Store(s3.client());
    await store.putBytes({ bucket: 'b', key, bytes: bytes(7), ...TYPE });
    expect([...s3.objects.keys()]).toEqual([`b/${key}`]);
    expect(await (await store.open('b', key)).read()).toEqual(bytes(7));
    expect(await listed(store, '')).toEqual([key]);
  });

  it('lists all pages, of the prefix only', async () => {
    const s3 = new MemoryS3();
    for (const key of ['m/1', 'm/2', 'm/3', 'm/4', 'm/5', 'n/1']) s3.put('b', key, bytes(1));
    expect(await listed(s3Store(s3.client()), 'm/')).toEqual(['m/1', 'm/2', 'm/3', 'm/4', 'm/5']);
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', ''])('refuses %j before asking S3', async (key) => {
    const s3 = new MemoryS3();
    await expect(s3Store(s3.client()).putBytes({ bucket: 'b', key, bytes: bytes(1), ...TYPE })).rejects.toMatchObject({
      code: 'BadKey',
    });
    expect(s3.log).toEqual([]);
  });
});
