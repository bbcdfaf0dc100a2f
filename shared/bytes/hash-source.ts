/** SHA-256 of a whole source, read piece by piece. */
import type { ByteSource } from './byte-source.ts';
import { sha256 } from './platform.ts';

const PIECE = 32 << 20;

export async function hashSource(source: ByteSource, signal?: AbortSignal): Promise<string> {
  const hash = sha256();
  for await (const bytes of piecesOf(source, signal)) hash.update(bytes);
  return hash.hex();
}

export async function* piecesOf(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < source.size; start += PIECE) {
    signal?.throwIfAborted();
    yield await source.slice(start, Math.min(start + PIECE, source.size)).read();
  }
}
