/** What an object of pieces is as parts of a multipart upload. S3 takes parts of 5 MiB to 5 GiB; only the last may be smaller. */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sizeOf } from '../shared/bytes/destination.ts';

const MiB = 2 ** 20;
export const LEAST_PART = 5 * MiB;
/** Copies run side by side, which one copy of several GB would not. */
const MOST_COPY = 256 * MiB;

export interface CopiedPart {
  readonly kind: 'copy';
  /** The range, of a source that can be copied from. */
  readonly source: ByteSource;
}

export interface UploadedParts {
  readonly kind: 'upload';
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  /** How many bytes each part takes; the last takes what is left. */
  readonly partBytes: number;
  /** Bytes at the end that belong to the range which is copied next: they make these parts large enough. */
  readonly borrowed: number;
}

/**
 * A range and the few bytes before or after it, which alone are no part: they are put together in an object of their
 * own, whose last part may be of any size, and copied from there.
 */
export interface BridgedPart {
  readonly kind: 'bridge';
  readonly before: readonly Piece[];
  /** 5 MiB and more, of a source that can be copied from. */
  readonly source: ByteSource;
  readonly after: readonly Piece[];
}

export type PlannedParts = CopiedPart | UploadedParts | BridgedPart;

const sent = (part: PlannedParts): number =>
  part.kind === 'upload' ? part.bytes : part.kind === 'bridge' ? sizeOf(part.before) + sizeOf(part.after) : 0;

/** Bytes that pass through here. */
export const sentBytes = (plan: readonly PlannedParts[]): number => plan.reduce((sum, part) => sum + sent(part), 0);

/** Bytes of the object. */
export const bytesOf = (part: PlannedParts): number => sent(part) + (part.kind === 'upload' ? 0 : part.source.size);

export function uploaded(
  pieces: readonly Piece[],
  { partBytes, borrowed = 0 }: { readonly partBytes: number; readonly borrowed?: number },
): UploadedParts {
  const bytes = sizeOf(pieces);
  // Parts of equal size, so that none in the middle of an object is too small.
  const most = Math.max(1, Math.floor(bytes / LEAST_PART));
  const count = Math.min(most, Math.ceil(bytes / partBytes));
  return { kind: 'upload', pieces, bytes, borrowed, partBytes: Math.ceil(bytes / count) };
}

/** A range in parts that are copied side by side. */
export function copied(source: ByteSource, partBytes: number): CopiedPart[] {
  const count = Math.ceil(source.size / Math.max(MOST_COPY, partBytes));
  const size = Math.ceil(source.size / count);
  return Array.from({ length: count }, (_, i) => ({
    kind: 'copy',
    source: source.slice(i * size, Math.min((i + 1) * size, source.size)),
  }));
}
