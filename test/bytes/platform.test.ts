/** The two forms of the platform agree, with each other and with what the standards print. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as node from '../../shared/bytes/platform.ts';
import * as web from '../../shared/bytes/platform-web.ts';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 7)) & 255);
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test('browsers get the same functions', () => expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort()));

describe.each([
  ['Node', node],
  ['browsers', web],
])('on %s', (_, { crc32, sha256, inflate }) => {
  // The check value of CRC-32/ISO-HDLC, and the examples of FIPS 180-4.
  test('the CRC-32 of 123456789', () => expect(crc32(ascii('123456789'))).toBe(0xcbf43926));

  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('the SHA-256 of %.20s', (text, expected) => {
    const hash = sha256();
    hash.update(ascii(text));
    expect(hash.hex()).toBe(expected);
  });

  test('records of every kind are inflated, and none beyond its size', async () => {
    for (const length of [0, 1, 1000, 3_000_000]) {
      const packed = deflateRawSync(bytes(length));
      expect(Buffer.compare(await inflate(packed, length), bytes(length))).toBe(0);
      if (length > 1) await expect(inflate(packed, length - 1)).rejects.toThrow();
      await expect(inflate(packed.subarray(0, packed.length - 1), length)).rejects.toThrow();
    }
    await expect(inflate(Uint8Array.of(255, 255, 255), 10)).rejects.toThrow();
  });
});

test.each([0, 1, 7, 8, 9, 55, 56, 63, 64, 65, 119, 120, 128, 1000])('in two parts, %i bytes first', (length) => {
  const all = bytes(1003);
  const parts = [all.subarray(0, length), all.subarray(length)];
  expect(parts.reduce((crc, part) => web.crc32(part, crc), 0)).toBe(node.crc32(all));
  const [ours, theirs] = [web.sha256(), node.sha256()];
  for (const part of parts) ours.update(part);
  theirs.update(all);
  expect(ours.hex()).toBe(theirs.hex());
  const [short, known] = [web.sha256(), node.sha256()];
  short.update(parts[0]!);
  known.update(parts[0]!);
  expect(short.hex()).toBe(known.hex());
});
