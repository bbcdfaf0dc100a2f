/**
 * What a platform computes faster than JavaScript: checksums, hashes, inflating. In browsers `platform-web.ts` stands
 * here.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { Hasher } from './sha256.ts';

/** The CRC-32 of zip and gzip; `before` is the CRC of the bytes before these. */
export { crc32 } from 'node:zlib';

export function sha256(): Hasher {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}

const inflateBytes = promisify(inflateRaw);

/** Raw deflate (RFC 1951). Fails beyond `limit` bytes. */
export const inflate = (bytes: Uint8Array, limit: number): Promise<Uint8Array> =>
  inflateBytes(bytes, { maxOutputLength: Math.max(1, limit) });
