/** Bytes that can be sliced before they are read: the one way every reader meets a file, memory or an S3 object. */
import { fail } from '../errors.ts';

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
  /** The record that `verify` checks, and where in it these bytes begin: one object for all slices of a record. */
  readonly within?: { readonly record: RecordChecksum; readonly start: number };
}

export interface RecordChecksum {
  readonly name: string;
  readonly size: number;
  /** CRC-32. */
  readonly crc: number;
}

/** The last part of its name, be it a path of any system or a URL. */
export const fileNameOf = ({ name }: ByteSource): string =>
  name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);

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
