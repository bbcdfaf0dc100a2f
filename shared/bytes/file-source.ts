/** Files of this machine as byte sources. */
import { closeSync, constants, fstatSync, openSync, read as readFd } from 'node:fs';
import { asFailure, fail } from '../errors.ts';
import { byteSource, type ByteSource } from './byte-source.ts';

export interface FileSource extends ByteSource {
  close(): void;
}

/**
 * A file, opened once and read by position, so nothing but the wanted range is in memory. Refuses what is no regular
 * file: a pipe has no positions, and might never end.
 */
export function fileSource(path: string): FileSource {
  const fd = open(path);
  const source = byteSource(path, sizeOf(fd, path), (start, end) => readExactly(fd, path, { start, end }));
  // The very same object, so that slices find their root in it.
  return Object.assign(source, { close: () => closeSync(fd) });
}

// A pipe without a writer would keep an ordinary open waiting. Windows knows no such flag.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

function open(path: string): number {
  try {
    return openSync(path, READ);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return fail('FileNotFound', { file: path }, cause);
    throw asFailure(cause);
  }
}

function sizeOf(fd: number, path: string): number {
  const stats = fstatSync(fd);
  if (stats.isFile()) return stats.size;
  closeSync(fd);
  const found = stats.isDirectory() ? 'a folder' : stats.isFIFO() ? 'a pipe' : 'no regular file';
  return fail('UnsupportedFormat', { file: path, found, hint: 'name a regular file' });
}

async function readExactly(
  fd: number,
  path: string,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  // Reads above 2 GiB are cut by the operating system: read until the range is full.
  const bytes = Buffer.allocUnsafeSlow(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const got = await new Promise<number>((resolve, reject) => {
      const length = Math.min(bytes.length - filled, 1 << 30);
      readFd(fd, bytes, filled, length, start + filled, (error, count) => (error ? reject(error) : resolve(count)));
    });
    if (got === 0) fail('CorruptArchive', { file: path, reason: `it ends at byte ${start + filled}, before ${end}` });
    filled += got;
  }
  return bytes;
}
