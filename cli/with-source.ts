/** A file that is open while a command works on it. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { fileSource } from '../shared/bytes/file-source.ts';

export async function withSource<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = fileSource(path);
  try {
    return await work(source);
  } finally {
    source.close();
  }
}

/** The same for a file that may not have been named. */
export const withSourceOf = <T>(
  path: string | undefined,
  work: (source: ByteSource | undefined) => Promise<T>,
): Promise<T> => (path === undefined ? work(undefined) : withSource(path, work));
