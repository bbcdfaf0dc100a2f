/** A Blob, or a file that a browser was given, as a byte source: only what is read is in memory. */
import { fail } from '../errors.ts';
import { byteSource, type ByteSource } from './byte-source.ts';

export function blobSource(name: string, blob: Blob): ByteSource {
  return byteSource(name, blob.size, async (start, end) => {
    try {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (cause) {
      // A file that was changed or removed since it was chosen.
      return fail('CorruptArchive', { file: name, reason: `bytes ${start} to ${end} can no longer be read` }, cause);
    }
  });
}
