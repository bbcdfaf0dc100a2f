/** Where a file is made of pieces: a folder joins them, an object store may copy ranges of what lies there already. */
import type { ByteSource } from './byte-source.ts';
import type { Range } from './ranges.ts';

/** Bytes of a file to be: in memory, a range of a source, or computed when their turn comes. */
export interface Piece {
  readonly byteLength: number;
  /** Present when the bytes lie as they are in a source. */
  readonly stored: ByteSource | null;
  /** Not to be copied unread: nobody could hold what is copied against the checksum of its record later. */
  readonly mustRead?: boolean;
  read(): Promise<Uint8Array>;
}

export const memoryPiece = (bytes: Uint8Array): Piece => ({
  byteLength: bytes.byteLength,
  stored: null,
  read: () => Promise.resolve(bytes),
});

export const sourcePiece = (source: ByteSource): Piece => ({
  byteLength: source.size,
  stored: source,
  read: () => source.read(),
});

export const sizeOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);

export interface MadeFile {
  readonly bytes: number;
  /** In hexadecimal; null when it is not known without reading the file. */
  readonly sha256: string | null;
  /** Ranges of the file that nobody held against a checksum, although their pieces may have one; in their order. */
  readonly unchecked: readonly Range[];
}

export interface Destination {
  /** Whether ranges of the source can be copied without reading them. */
  copies(root: ByteSource): boolean;
  /** Nothing is visible before `publish`, but a copy of a whole source, which may be there at once. */
  make(name: string, pieces: readonly Piece[]): Promise<MadeFile>;
  /**
   * The name under which the file `name` finds a source beside it; where it can be copied it is made there. Refuses
   * with BadOption where the source cannot be there.
   */
  locationOf(root: ByteSource, name: string): string;
  /** Everything that was made appears, in the order it was made in. */
  publish(): Promise<void>;
  /** After a failure, whose error is the one to report. */
  discard(): Promise<void>;
}
