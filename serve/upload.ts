/** A request's body into a file, as it comes: never whole in memory, complete or not there at all. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { basename } from 'node:path';
import { fail, FerryError } from '../shared/errors.ts';

export interface Upload {
  readonly body: ReadableStream<Uint8Array> | null;
  /** Bytes that were announced; null when they were not. */
  readonly length: number | null;
  readonly limit: number;
}

/** Returns the bytes that were written; refuses with UploadTooLarge or BadUpload, and leaves nothing then. */
export async function receive(path: string, { body, length, limit }: Upload): Promise<number> {
  const file = basename(path);
  if ((length ?? 0) > limit) fail('UploadTooLarge', { file, bytes: length!, limit });
  let bytes = 0;
  const counted = new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => {
      bytes += chunk.length;
      done(bytes > limit ? new FerryError('UploadTooLarge', { file, bytes, limit }) : null, chunk);
    },
  });
  const unfinished = `${path}.partial`;
  try {
    await pipeline(body ? Readable.fromWeb(body) : Readable.from([]), counted, createWriteStream(unfinished));
    if (length !== null && bytes !== length) {
      fail('BadUpload', { file, problem: `${bytes} of ${length} bytes arrived`, hint: 'drop it again' });
    }
    await rename(unfinished, path);
    return bytes;
  } finally {
    await rm(unfinished, { force: true });
  }
}
