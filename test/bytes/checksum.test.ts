/** Damaged bytes in a record are refused however the record is read: whole, in parts, copied, or only linked. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { byteSource, memorySource, readVerified } from '../../shared/bytes/byte-source.ts';
import { combineCrc32 } from '../../shared/bytes/crc32-combine.ts';
import { crc32 } from '../../shared/bytes/platform.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { FileWriter } from '../../shared/onnx/proto/file-writer.ts';
import { storedData } from '../../shared/tensor/data.ts';
import { readNpz, writeNpz } from '../../shared/tensor/npz.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { buildZip } from './zip-builder.ts';

const RECORD = Buffer.from(Float32Array.from({ length: 4_000 }, (_, i) => i).buffer);
const damaged = { name: 'CorruptArchive', message: expect.stringMatching(/record "w" is damaged: its CRC-32 is/) };

/** The archive with the last bit of the record's last byte turned over. */
function flipped(): Buffer {
  const archive = buildZip([
    { name: 'w', data: RECORD },
    { name: 'other', data: Buffer.from('b') },
  ]);
  archive[archive.indexOf(RECORD) + RECORD.length - 1]! ^= 1;
  return archive;
}

const open = async (archive: Uint8Array) => (await openZip(memorySource('m.zip', archive))).get('w')!.slice();

const folder = mkdtempSync(join(tmpdir(), 'torchferry-checksum-'));
afterAll(() => rmSync(folder, { recursive: true }));
const copied = async (archive: Uint8Array): Promise<Buffer> => {
  const path = join(folder, 'out');
  const writer = await FileWriter.create(path, {});
  try {
    await writer.copy(await open(archive));
    await writer.finish();
    await writer.publish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return readFileSync(path);
};

describe('a flipped bit is found', () => {
  const ways: Readonly<Record<string, (archive: Uint8Array) => Promise<unknown>>> = {
    'when the record is read whole': async (a) => (await open(a)).read(),
    'when a part before it is kept': async (a) => readVerified((await open(a)).slice(8, 16)),
    'when a tensor is a window on the storage': async (a) =>
      storedData('float32', [2], (await open(a)).slice(400, 408)).read(),
    'when parts are read in order to the end': async (a) => {
      const record = await open(a);
      for (let at = 0; at < record.size; at += 1_000) await record.slice(at, at + 1_000).read();
    },
    'when parts overlap': async (a) => {
      const record = await open(a);
      await record.slice(0, 9_000).read();
      await record.slice(1_000, record.size).read();
    },
    'when it is copied': copied,
  };
  for (const [way, read] of Object.entries(ways)) {
    test(way, async () => {
      await expect(read(flipped())).rejects.toMatchObject(damaged);
      await expect(read(buildZip([{ name: 'w', data: RECORD }]))).resolves.not.toThrow();
    });
  }

  test('every time', async () => {
    const record = await open(flipped());
    for (let i = 0; i < 2; i++) await expect(record.verify!()).rejects.toMatchObject(damaged);
  });

  test('in an array of an .npz file', async () => {
    const archive = Buffer.from(await writeNpz([['x', memoryData('float32', [4_000], RECORD)]]));
    archive[archive.indexOf(RECORD) + 100]! ^= 1;
    const read = async () => (await readNpz(memorySource('x.npz', archive))).get('x')!.data.read();
    await expect(read()).rejects.toMatchObject({ name: 'CorruptArchive' });
  });
});

test('a record is read once however many parts are kept', async () => {
  const archive = buildZip([{ name: 'w', data: RECORD }]);
  const start = archive.indexOf(RECORD);
  let bytes = 0;
  const counting = byteSource('m.zip', archive.length, (from, to) => {
    if (from >= start && to <= start + RECORD.length) bytes += to - from;
    return Promise.resolve(archive.subarray(from, to));
  });
  const record = await (await openZip(counting)).get('w')!.slice();
  for (let at = 0; at < record.size; at += 4_000) await record.slice(at, at + 4_000).read();
  await record.verify!();
  expect(bytes).toBe(RECORD.length);
});

describe('the CRC-32 of parts', () => {
  test.each([
    [0, 0],
    [0, 5],
    [7, 0],
    [1, 1],
    [1000, 3],
    [3, 65_537],
    [100_000, 1 << 20],
  ])('of %i and %i bytes is that of the whole', (first, second) => {
    const bytes = Uint8Array.from({ length: first + second }, (_, i) => (i * i) >> 3);
    const [a, b] = [bytes.subarray(0, first), bytes.subarray(first)];
    expect(combineCrc32(crc32(a), crc32(b), second)).toBe(crc32(bytes));
  });

  test('takes parts of gigabytes', () => {
    // Of "a" and 5 GiB of zeros, by Python's zlib.
    const zeros = (exponent: number): number => {
      let crc = crc32(new Uint8Array(1));
      for (let i = 0; i < exponent; i++) crc = combineCrc32(crc, crc, 2 ** i);
      return crc;
    };
    const last = combineCrc32(zeros(32), zeros(30), 2 ** 30);
    expect(combineCrc32(crc32(Buffer.from('a')), last, 5 * 2 ** 30)).toBe(0x22f75126);
  });
});
