/** `platform.ts` for browsers, which bundlers put in its place (`browser` in package.json). */
import { joinBytes } from './join.ts';
import { type Hasher, Sha256 } from './sha256.ts';

const POLYNOMIAL = 0xedb88320;
/** Bytes that are taken at once. */
const STRIDE = 8;
/** At `256 * k + b`: what a byte b does to the CRC with k bytes of 0 behind it. */
const EFFECTS = effects();

function effects(): Uint32Array {
  const table = new Uint32Array(256 * STRIDE);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256]!;
    table[at] = (before >>> 8) ^ table[before & 255]!;
  }
  return table;
}

export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let at = 0;
  for (const end = bytes.length - STRIDE; at <= end; at += STRIDE) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      EFFECTS[1792 + (crc & 255)]! ^
      EFFECTS[1536 + ((crc >>> 8) & 255)]! ^
      EFFECTS[1280 + ((crc >>> 16) & 255)]! ^
      EFFECTS[1024 + (crc >>> 24)]! ^
      EFFECTS[768 + bytes[at + 4]!]! ^
      EFFECTS[512 + bytes[at + 5]!]! ^
      EFFECTS[256 + bytes[at + 6]!]! ^
      EFFECTS[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ EFFECTS[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

export const sha256 = (): Hasher => new Sha256();

export async function inflate(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const compressed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  for await (const part of compressed.pipeThrough(new DecompressionStream('deflate-raw'))) {
    length += part.length;
    if (length > limit) throw new RangeError(`it inflates to more than ${limit} bytes`);
    parts.push(part);
  }
  return joinBytes(parts);
}
