/** Zip archives: every way a record may be written, few reads, and a code for everything that is wrong. */
import { describe, expect, test } from 'vitest';
import { byteSource, type ByteSource, memorySource } from '../../shared/bytes/byte-source.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { ZIP_LIMITS } from '../../shared/bytes/zip-directory.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { type ArchiveSpec, buildZip, type RecordSpec } from './zip-builder.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const LONG = Buffer.alloc(5_000, 'abcdefghij');
const source = (data: Uint8Array): ByteSource => memorySource('test.zip', data);

describe('a record is read', () => {
  const ways: readonly (readonly [string, Omit<RecordSpec, 'name' | 'data'>])[] = [
    ['stored', {}],
    ['stored with a data descriptor and padding, as torch writes', { descriptor: true, padding: 60 }],
    ['stored with a header longer than usual', { padding: 1_000 }],
    ['stored with zip64 sizes, as numpy writes', { zip64: true }],
    ['stored without a checksum', { crc: 0 }],
    ['deflated', { deflate: true }],
    ['deflated with a data descriptor', { deflate: true, descriptor: true }],
    ['deflated with zip64 sizes', { deflate: true, zip64: true }],
  ];
  for (const [way, spec] of ways) {
    for (const zip64 of [false, true]) {
      test(`${way}${zip64 ? ', in a zip64 archive' : ''}`, async () => {
        const records = [
          { name: 'a/first', data: bytes('one') },
          { name: 'a/long', data: LONG, ...spec },
          { name: 'a/empty', data: bytes('') },
        ];
        const zip = await openZip(source(buildZip(records, { zip64, comment: zip64 ? '' : 'a comment' })));
        expect(zip.entries.map(({ name, size }) => [name, size])).toEqual([
          ['a/first', 3],
          ['a/long', 5_000],
          ['a/empty', 0],
        ]);
        for (const { name, data } of records) {
          const entry = zip.get(name)!;
          expect(Buffer.from(await entry.read())).toEqual(data);
          expect(Buffer.from(await (await entry.slice()).read())).toEqual(data);
        }
        expect(Buffer.from(await (await zip.get('a/long')!.slice()).slice(1_000, 1_010).read())).toEqual(
          bytes('abcdefghij'),
        );
        expect(zip.get('a/long')!.stored).toBe(!spec.deflate);
        expect(zip.get('missing')).toBeNull();
      });

      test(`${way}${zip64 ? ', in a zip64 archive' : ''}, after prefetching`, async () => {
        const zip = await openZip(
          source(
            buildZip(
              [
                { name: 'long', data: LONG, ...spec },
                { name: 'b', data: bytes('b') },
              ],
              { zip64 },
            ),
          ),
        );
        await zip.prefetch(zip.entries, 10_000);
        expect(Buffer.from(await zip.get('long')!.read())).toEqual(LONG);
        expect(Buffer.from(await (await zip.get('long')!.slice()).read())).toEqual(LONG);
      });
    }
  }

  test('a stored one as a slice of the archive itself', async () => {
    const archive = source(buildZip([{ name: 'x', data: LONG, padding: 13 }]));
    const slice = await (await openZip(archive)).get('x')!.slice();
    expect(slice.origin.root).toBe(archive);
    expect(Buffer.from(await archive.slice(slice.origin.start, slice.origin.start + slice.size).read())).toEqual(LONG);
  });

  test('in an archive without any', async () => expect((await openZip(source(buildZip([])))).entries).toEqual([]));
});

describe('few reads', () => {
  function counted(data: Uint8Array): { source: ByteSource; reads: () => number } {
    let reads = 0;
    return {
      source: byteSource('counted.zip', data.byteLength, async (start, end) => (reads++, data.subarray(start, end))),
      reads: () => reads,
    };
  }
  const many = Array.from({ length: 300 }, (_, i) => ({
    name: `weights/weight_${i}`,
    data: Buffer.alloc(i % 10 === 0 ? 200_000 : 500, i),
    descriptor: true,
    padding: 20,
  }));

  test('the directory takes one, 300 records with 270 small ones a few dozen', async () => {
    const { source: archive, reads } = counted(buildZip(many));
    const zip = await openZip(archive);
    expect(reads()).toBe(1);
    await zip.prefetch(zip.entries, 2_048);
    expect(reads()).toBeLessThan(1 + 2 * 30);
    const before = reads();
    for (const entry of zip.entries) expect((await entry.slice()).size).toBe(entry.size);
    for (const { name, data } of many.filter((record) => record.data.byteLength < 2_048))
      expect(Buffer.from(await zip.get(name)!.read())).toEqual(data);
    expect(reads()).toBe(before);
  });

  test('one record takes one', async () => {
    const { source: archive, reads } = counted(buildZip(many));
    const zip = await openZip(archive);
    await zip.get('weights/weight_10')!.read();
    expect(reads()).toBe(2);
  });
});

describe('an archive is refused', () => {
  const a: RecordSpec = { name: 'a', data: bytes('aaaa') };
  const b: RecordSpec = { name: 'b', data: bytes('bbbb') };
  const cases: readonly (readonly [string, readonly RecordSpec[], ArchiveSpec, string, RegExp])[] = [
    ['two records of one name', [a, { ...b, name: 'a' }], {}, 'CorruptArchive', /twice/],
    ['records that share bytes', [a, { ...b, headerOffset: 2 }], {}, 'CorruptArchive', /overlaps/],
    ['records at the same place', [a, { ...b, headerOffset: 0 }], {}, 'CorruptArchive', /overlaps/],
    ['a record longer than its place', [{ ...a, size: 40, compressedSize: 40 }, b], {}, 'CorruptArchive', /overlaps/],
    [
      'a record that reaches past the file',
      [{ ...a, size: 1e6, compressedSize: 1e6 }],
      {},
      'CorruptArchive',
      /overlaps|past/,
    ],
    ['a record behind the file', [{ ...a, headerOffset: 1e9 }], {}, 'CorruptArchive', /past/],
    [
      'a record of 2^60 bytes',
      [{ ...a, zip64: true, size: 2 ** 60, compressedSize: 2 ** 60 }],
      {},
      'CorruptArchive',
      /impossible/,
    ],
    ['stored with two sizes', [{ ...a, size: 100 }], {}, 'CorruptArchive', /two sizes/],
    ['a password', [{ ...a, flags: 1 }], {}, 'UnsupportedFormat', /password/],
    ['strong encryption', [{ ...a, flags: 0x41 }], {}, 'UnsupportedFormat', /encrypted/],
    ['method 12 (bzip2)', [{ ...a, method: 12 }], {}, 'UnsupportedFormat', /method 12/],
    ['method 93 (Zstandard)', [{ ...a, method: 93 }], {}, 'UnsupportedFormat', /method 93/],
    ['a directory with fewer records than it says', [a, b], { count: 3 }, 'CorruptArchive', /ends at record 2/],
    ['a directory with more records than it says', [a, b], { count: 1 }, 'CorruptArchive', /more records/],
    ['a directory behind the file', [a], { directoryOffset: 1e6 }, 'CorruptArchive', /does not lie inside/],
    ['a directory of the wrong size', [a], { directorySize: 10 }, 'CorruptArchive', /ends at record 0/],
    ['a name of 2,000 bytes', [{ ...a, name: 'n'.repeat(2_000) }], {}, 'LimitExceeded', /record name/],
    [
      'a ratio no weights have',
      [{ name: 'bomb', data: Buffer.alloc(20 * 1024 * 1024), deflate: true }],
      {},
      'LimitExceeded',
      /ratio/,
    ],
    ['a promise of 3 GiB', [{ ...a, deflate: true, size: 3 * 1024 ** 3 }], {}, 'LimitExceeded', /inflated size/],
    [
      'promises of 9 GiB together',
      Array.from({ length: 6 }, (_, i) => ({
        name: `n${i}`,
        data: Buffer.alloc(1),
        method: 8,
        size: 1.5 * 1024 ** 3,
        compressedSize: 1,
      })),
      {},
      'LimitExceeded',
      /ratio|all records/,
    ],
    [
      'a zip64 directory of 2^63 bytes',
      [a],
      { zip64: true, directorySize: Number.MAX_SAFE_INTEGER },
      'LimitExceeded',
      /directory/,
    ],
  ];
  test.each(cases)('%s', async (_, records, archive, code, message) => {
    await expect(openZip(source(buildZip(records, archive)))).rejects.toMatchObject({
      name: code,
      message: expect.stringMatching(message),
    });
  });

  test('more records than the limit', async () => {
    const archive = buildZip([a], { zip64: true, count: ZIP_LIMITS.entries + 1 });
    await expect(openZip(source(archive))).rejects.toMatchObject({ name: 'LimitExceeded' });
  });

  test('cut short anywhere', async () => {
    const whole = buildZip([a, { ...b, deflate: true }], { zip64: true });
    for (let end = 0; end < whole.length; end++) {
      await expect(openZip(source(whole.subarray(0, end)))).rejects.toMatchObject({ name: 'CorruptArchive' });
    }
  });

  test('bytes behind its end', async () => {
    await expect(openZip(source(Buffer.concat([buildZip([a]), bytes('more')])))).rejects.toMatchObject({
      name: 'CorruptArchive',
    });
  });
});

describe('a record is refused', () => {
  const cases: readonly (readonly [string, Omit<RecordSpec, 'name'>, RegExp])[] = [
    ['the local name differs', { data: bytes('aaaa'), localName: 'z' }, /disagrees/],
    ['the local name is longer', { data: bytes('aaaa'), localName: 'aa' }, /disagrees/],
    ['the local method differs', { data: bytes('aaaa'), localMethod: 8 }, /disagrees/],
    ['the checksum differs', { data: bytes('aaaa'), crc: 12345 }, /CRC-32/],
    ['the checksum of a compressed one differs', { data: LONG, deflate: true, crc: 12345 }, /CRC-32/],
    ['it inflates to more than it says', { data: LONG, deflate: true, size: 100 }, /inflated/],
    ['it inflates to less than it says', { data: LONG, deflate: true, size: 6_000 }, /instead of 6000/],
    ['it is no deflate stream', { data: bytes('this is plain text'), method: 8 }, /inflated/],
  ];
  for (const [what, spec, message] of cases) {
    const archive = buildZip([
      { name: 'a', ...spec },
      { name: 'b', data: bytes('b') },
    ]);
    test(what, async () => {
      const zip = await openZip(source(archive));
      await expect(zip.get('a')!.read()).rejects.toMatchObject({
        name: 'CorruptArchive',
        message: expect.stringMatching(message),
      });
    });
    test(`${what}, when prefetched`, async () => {
      const zip = await openZip(source(archive));
      const prefetched = zip.prefetch(zip.entries, 10_000).then(() => zip.get('a')!.read());
      await expect(prefetched).rejects.toMatchObject({
        name: 'CorruptArchive',
        message: expect.stringMatching(message),
      });
    });
  }
});

describe('zipBytes', () => {
  test('writes what openZip reads', async () => {
    const records: [string, Uint8Array][] = [
      ['models/a.json', bytes('{}')],
      ['é', LONG],
      ['empty', bytes('')],
    ];
    const zip = await openZip(source(zipBytes(records)));
    for (const [name, data] of records) expect(Buffer.from(await zip.get(name)!.read())).toEqual(data);
  });
});
