/** Bytes that can be sliced before they are read: the one way every reader meets a file, memory or an S3 object. */
import { closeSync, constants, fstatSync, openSync, read as readFd } from 'node:fs';
import { asFailure, fail } from '../errors.ts';

export interface ByteSource {
  /** For messages: a path, an S3 URL, or what the bytes are. */
  readonly name: string;
  readonly size: number;
  /** Where these bytes lie in the whole source: a slice knows its root, so that external data can point into it. */
  readonly origin: { readonly root: ByteSource; readonly start: number };
  slice(start: number, end: number): ByteSource;
  read(): Promise<Uint8Array>;
  /** Of bytes inside a record with a checksum: reads what nobody has read of the record yet, refuses a damaged one. */
  readonly verify?: () => Promise<void>;
}

/** The bytes, of a record that is whole: whoever keeps what it reads asks for them this way. */
export async function readVerified(source: ByteSource): Promise<Uint8Array> {
  const bytes = await source.read();
  await source.verify?.();
  return bytes;
}

type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

/** Build a source from its size and a way to read a range of it. */
export function byteSource(name: string, size: number, readRange: ReadRange): ByteSource {
  const make = (start: number, end: number, root: ByteSource | null): ByteSource => {
    const source: ByteSource = {
      name,
      size: end - start,
      get origin() {
        return { root: root ?? source, start };
      },
      slice(from, to) {
        if (!(from >= 0 && from <= to && to <= end - start)) {
          fail('CorruptArchive', {
            file: name,
            reason: `bytes ${from} to ${to} are outside the ${end - start} that are there`,
          });
        }
        return make(start + from, start + to, root ?? source);
      },
      read: () => (end === start ? Promise.resolve(new Uint8Array(0)) : readRange(start, end)),
    };
    return source;
  };
  return make(0, size, null);
}

export const memorySource = (name: string, bytes: Uint8Array): ByteSource =>
  byteSource(name, bytes.byteLength, (start, end) => Promise.resolve(bytes.subarray(start, end)));

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
