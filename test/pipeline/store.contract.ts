/** What every ObjectStore does: run with memory, folders and S3. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryPiece, sourcePiece } from '../../shared/bytes/destination.ts';
import type { ObjectStore } from '../../shared/pipeline/workspace/store.ts';

const MiB = 2 ** 20;
const BYTES = { contentType: 'application/octet-stream' };
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

const ODD_KEYS = [
  'plain.pt2',
  'folder/deep/er/model.pt2',
  'with space/and + plus.pt2',
  'odd #?&<>%=@!$\'()*,;:"|~^`{}[].pt2',
  'percent%20encoded%2F.pt2',
  '%~marked.pt2',
  '%+more.pt2',
  'ünï-模型-🚢.pt2',
  'e\u0301 and \u00e9.pt2',
  'back\\slash.pt2',
  'tab\tand\nnewline',
  'empty//part',
  'ends/with/',
  '.hidden/.file',
  '...dots.../..a',
  `long/${'x'.repeat(400)}/${'y'.repeat(300)}`,
  'k'.repeat(1024),
  'ü'.repeat(512),
];

const REFUSED_KEYS: readonly (readonly [string, string])[] = [
  ['', 'empty'],
  ['../x', '".."'],
  ['a/../../x', '".."'],
  ['a/..', '".."'],
  ['..\\x', '".."'],
  ['./x', '"."'],
  ['/etc/passwd', 'absolute'],
  ['\\\\server\\share', 'absolute'],
  ['C:\\x', 'absolute'],
  ['a\0b', 'zero byte'],
  ['a\ud800b', 'Unicode'],
  ['k'.repeat(1025), '1025 bytes'],
];

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Two buckets that are empty. */
  readonly buckets: readonly [string, string];
  readonly close?: () => Promise<void>;
}

/** `cannot`: keys that the server behind a store does not take. */
export function storeContract(
  name: string,
  make: () => Promise<StoreUnderTest>,
  { cannot = [] }: { readonly cannot?: readonly string[] } = {},
): void {
  describe(`${name} store`, () => {
    let under: StoreUnderTest;
    let folder: string;
    beforeAll(async () => {
      under = await make();
      folder = await mkdtemp(join(tmpdir(), 'store-contract-'));
    });
    afterAll(async () => {
      await under.close?.();
      await rm(folder, { recursive: true, force: true });
    });
    const text = async (bucket: string, key: string, version?: string): Promise<string> => {
      const source = await under.store.open(bucket, key, version);
      try {
        return Buffer.from(await source.read()).toString('utf8');
      } finally {
        source.close?.();
      }
    };
    const keys = async (bucket: string, prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of under.store.list(bucket, prefix)) found.push(key);
      return found;
    };

    it('gives back what was put, and its size', async () => {
      const [bucket] = under.buckets;
      const info = await under.store.putBytes({ bucket, key: 'a/b.bin', bytes: bytesOf('hello'), ...BYTES });
      expect(info).toMatchObject({ key: 'a/b.bin', size: 5 });
      expect(await text(bucket, 'a/b.bin')).toBe('hello');
      expect(await under.store.head(bucket, 'a/b.bin')).toEqual(info);
    });

    it('uploads files, empty ones too', async () => {
      const [bucket] = under.buckets;
      for (const content of ['', 'some text']) {
        const path = join(folder, 'file');
        await writeFile(path, content);
        expect(
          await under.store.putFile({ bucket, key: 'from-file', path, ...BYTES, tags: { status: 'done' } }),
        ).toMatchObject({ size: content.length });
        expect(await text(bucket, 'from-file')).toBe(content);
      }
    });

    it('reads slices', async () => {
      const [bucket] = under.buckets;
      await under.store.putBytes({ bucket, key: 'slices', bytes: bytesOf('0123456789'), ...BYTES });
      const source = await under.store.open(bucket, 'slices');
      expect(source.size).toBe(10);
      expect(Buffer.from(await source.slice(2, 8).slice(1, 3).read()).toString()).toBe('34');
      source.close?.();
    });

    it('answers null or FileNotFound for what is not there', async () => {
      const [bucket] = under.buckets;
      expect(await under.store.head(bucket, 'nothing/here')).toBeNull();
      expect(await under.store.read(bucket, 'nothing/here')).toBeNull();
      await expect(under.store.open(bucket, 'nothing/here')).rejects.toMatchObject({ name: 'FileNotFound' });
      await under.store.putBytes({ bucket, key: 'folder/file', bytes: bytesOf('x'), ...BYTES });
      expect(await under.store.head(bucket, 'folder')).toBeNull();
      expect(await under.store.read(bucket, 'folder')).toBeNull();
      expect(await under.store.head(bucket, 'folder/file/below')).toBeNull();
    });

    it('changes the version with the content', async () => {
      const [bucket] = under.buckets;
      const first = await under.store.putBytes({ bucket, key: 'versions', bytes: bytesOf('one'), ...BYTES });
      expect(await text(bucket, 'versions', first.version)).toBe('one');
      const second = await under.store.putBytes({ bucket, key: 'versions', bytes: bytesOf('two'), ...BYTES });
      expect(second.version).not.toBe(first.version);
      expect(await text(bucket, 'versions')).toBe('two');
      expect(Buffer.from((await under.store.read(bucket, 'versions'))!).toString()).toBe('two');
      expect((await under.store.head(bucket, 'versions'))?.version).toBe(second.version);
      expect(await under.store.head(bucket, 'versions', 'no-such-version')).toBeNull();
      await expect(under.store.open(bucket, 'versions', 'no-such-version')).rejects.toMatchObject({
        name: 'FileNotFound',
      });
    });

    it('lets exactly one of many write if absent', async () => {
      const [bucket] = under.buckets;
      const won = await Promise.all(
        Array.from({ length: 25 }, (_, i) => under.store.putIfAbsent(bucket, 'claims/one.json', bytesOf(`"${i}"`))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await text(bucket, 'claims/one.json')).toBe(`"${won.indexOf(true)}"`);
      expect(await under.store.putIfAbsent(bucket, 'claims/one.json', bytesOf('again'))).toBe(false);
      expect(await under.store.putIfAbsent(bucket, 'claims/two.json', bytesOf('first'))).toBe(true);
    });

    it('keeps buckets apart', async () => {
      const [one, two] = under.buckets;
      await under.store.putBytes({ bucket: one, key: 'same', bytes: bytesOf('1'), ...BYTES });
      await under.store.putBytes({ bucket: two, key: 'same', bytes: bytesOf('2'), ...BYTES });
      expect([await text(one, 'same'), await text(two, 'same')]).toEqual(['1', '2']);
    });

    it('lists by prefix in the order of UTF-8 bytes', async () => {
      const [, bucket] = under.buckets;
      const sorted = [
        'list/',
        'list/A',
        'list/a',
        'list/a!',
        'list/a/1',
        'list/a/2',
        'list/b',
        'list/é',
        'list/\uffff',
        'list/🚢',
      ].filter((key) => key !== 'list/a');
      for (const key of sorted.toReversed()) await under.store.putBytes({ bucket, key, bytes: bytesOf(key), ...BYTES });
      expect(await keys(bucket, 'list/')).toEqual(sorted);
      expect(await keys(bucket, 'list/a')).toEqual(['list/a!', 'list/a/1', 'list/a/2']);
      expect(await keys(bucket, 'nothing')).toEqual([]);
    });

    it('puts objects together from ranges of others and bytes between them, where it can', async (context) => {
      const [from, to] = under.buckets;
      const { store } = under;
      if (!store.assemble) return context.skip('it is given files that were made elsewhere');
      const content = Buffer.alloc(19 * MiB, 'what was there before');
      await store.putBytes({ bucket: from, key: 'parts of it', bytes: content, ...BYTES });
      const source = await store.open(from, 'parts of it');
      const pieces = [6, 9, 18].flatMap((size) => [
        memoryPiece(bytesOf(`${size} of them`)),
        sourcePiece(source.slice(size, size + size * MiB)),
      ]);
      const scratch = { bucket: to, prefix: 'scratch/' };
      const made = await store.assemble({ bucket: to, key: 'together', pieces, scratch, ...BYTES });
      expect(await store.head(to, 'together')).toBeNull();
      await made.publish();
      const expected = Buffer.concat(await Promise.all(pieces.map((piece) => piece.read())));
      const whole = await (await store.open(to, 'together')).read();
      expect(Buffer.compare(whole, expected)).toBe(0);
      expect(await keys(to, 'scratch/')).toEqual([]);
    });

    it.each(ODD_KEYS.filter((key) => !cannot.includes(key)))('takes the key %j', async (key) => {
      const [bucket] = under.buckets;
      await under.store.putBytes({ bucket, key, bytes: bytesOf(key), ...BYTES });
      expect(await text(bucket, key)).toBe(key);
      expect(await under.store.head(bucket, key)).toMatchObject({ key });
      expect(await keys(bucket, key)).toEqual([key]);
    });

    it.each(REFUSED_KEYS)('refuses the key %j', async (key, reason) => {
      const [bucket] = under.buckets;
      const refusal = { name: 'BadKey', details: { problem: expect.stringContaining(reason) as string } };
      await expect(under.store.putBytes({ bucket, key, bytes: bytesOf('x'), ...BYTES })).rejects.toMatchObject(refusal);
      await expect(under.store.putIfAbsent(bucket, key, bytesOf('x'))).rejects.toMatchObject(refusal);
      const path = join(folder, 'refused');
      await writeFile(path, 'x');
      await expect(under.store.putFile({ bucket, key, path, ...BYTES })).rejects.toMatchObject(refusal);
      await expect(under.store.open(bucket, key)).rejects.toMatchObject(refusal);
      await expect(under.store.head(bucket, key)).rejects.toMatchObject(refusal);
    });
  });
}
