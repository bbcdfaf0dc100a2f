/** Pieces, read one after the other and cut into parts of one size. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sizeOf } from '../shared/bytes/destination.ts';
import type { UploadedParts } from './upload-parts.ts';

/** What is fetched at once: two requests side by side. */
const READ = 32 * 2 ** 20;

type Parts = Pick<UploadedParts, 'pieces' | 'bytes' | 'partBytes'>;

/** Pieces that are few bytes, as one. */
export async function joined(pieces: readonly Piece[]): Promise<Uint8Array> {
  const bytes = sizeOf(pieces);
  const parts: Uint8Array[] = [];
  if (bytes) for await (const part of partsOf({ pieces, bytes, partBytes: bytes })) parts.push(part);
  return Buffer.concat(parts);
}

export async function* partsOf({ pieces, partBytes, bytes: total }: Parts): AsyncGenerator<Uint8Array> {
  let left = total;
  const next = (): Uint8Array => Buffer.allocUnsafeSlow(Math.min(partBytes, left));
  let part = next();
  let filled = 0;
  for (const piece of pieces) {
    let given = 0;
    for await (const bytes of contentOf(piece)) {
      given += bytes.byteLength;
      for (let at = 0; at < bytes.byteLength;) {
        const more = bytes.subarray(at, at + part.byteLength - filled);
        part.set(more, filled);
        filled += more.byteLength;
        at += more.byteLength;
        if (filled < part.byteLength) continue;
        yield part;
        left -= filled;
        filled = 0;
        part = next();
      }
    }
    if (given !== piece.byteLength) throw new Error(`a piece of ${piece.byteLength} bytes gave ${given}`);
  }
}

async function* contentOf(piece: Piece): AsyncGenerator<Uint8Array> {
  if (!piece.stored) yield await piece.read();
  else yield* read(piece.stored);
}

async function* read(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += READ) yield await source.slice(at, Math.min(source.size, at + READ)).read();
  await source.verify?.();
}
