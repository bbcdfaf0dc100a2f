/**
 * An object of pieces as parts of a multipart upload: what lies in another object is copied there where that is worth
 * it, everything else is uploaded. S3 takes parts of 5 MiB to 5 GiB; only the last may be smaller.
 */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sourcePiece } from '../shared/bytes/destination.ts';
import type { Range } from '../shared/bytes/ranges.ts';

const MiB = 2 ** 20;
const LEAST_PART = 5 * MiB;
/** A range below this is read: with what may have to be read to fill the part before it little would be left. */
const LEAST_COPY = 8 * MiB;
/** Copies run side by side, which one copy of several GB would not. */
const MOST_COPY = 256 * MiB;
const MOST_PARTS = 10_000;

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

export type PlannedParts = CopiedPart | UploadedParts;

interface PlanOptions {
  readonly copies: (root: ByteSource) => boolean;
  /** Wanted size of an uploaded part. */
  readonly partBytes: number;
}

/** `pieces` in their order, as parts in theirs. */
export function planParts(pieces: readonly Piece[], { copies, partBytes }: PlanOptions): readonly PlannedParts[] {
  const size = Math.max(partBytes, Math.ceil(sizeOf(pieces) / (MOST_PARTS / 2)));
  const plan: PlannedParts[] = [];
  let pending: Piece[] = [];
  const flush = (borrowed: Piece | null): void => {
    if (borrowed) pending.push(borrowed);
    if (pending.length) plan.push(uploaded(pending, { partBytes: size, borrowed: borrowed?.byteLength ?? 0 }));
    pending = [];
  };
  for (const { source, pieces: joined } of spans(pieces, copies)) {
    const waiting = sizeOf(pending);
    const missing = waiting === 0 ? 0 : Math.max(0, LEAST_PART - waiting);
    if (!source || source.size - missing < LEAST_COPY) {
      pending.push(...joined);
      continue;
    }
    flush(missing ? sourcePiece(source.slice(0, missing)) : null);
    plan.push(...copied(source.slice(missing, source.size), Math.max(MOST_COPY, size)));
  }
  flush(null);
  return plan;
}

/** Ranges of the object that were not held against a checksum, although their pieces may have one. */
export function uncheckedRanges(plan: readonly PlannedParts[]): Range[] {
  let at = 0;
  return plan.flatMap((part) => {
    const start = part.kind === 'copy' ? at : at + part.bytes - part.borrowed;
    at += part.kind === 'copy' ? part.source.size : part.bytes;
    return start < at ? [{ start, end: at }] : [];
  });
}

const sizeOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);

interface Span {
  /** The pieces as one range that can be copied, without what checks them; null: they must be read. */
  readonly source: ByteSource | null;
  readonly pieces: Piece[];
}

/** Ranges that follow each other in their source are one. */
function spans(pieces: readonly Piece[], copies: PlanOptions['copies']): Span[] {
  const found: Span[] = [];
  for (const piece of pieces) {
    if (piece.byteLength === 0) continue;
    const source = copyable(piece, copies);
    const last = found.at(-1);
    if (!last?.source || !source || !follows(last.source, source)) {
      found.push({ source: source && bare(source, source.size), pieces: [piece] });
      continue;
    }
    found[found.length - 1] = {
      source: bare(last.source, last.source.size + source.size),
      pieces: [...last.pieces, piece],
    };
  }
  return found;
}

function copyable({ stored, mustRead }: Piece, copies: PlanOptions['copies']): ByteSource | null {
  return stored && !mustRead && copies(stored.origin.root) ? stored : null;
}

const bare = ({ origin: { root, start } }: ByteSource, size: number): ByteSource => root.slice(start, start + size);

const follows = (a: ByteSource, b: ByteSource): boolean =>
  a.origin.root === b.origin.root && a.origin.start + a.size === b.origin.start;

function uploaded(
  pieces: readonly Piece[],
  { partBytes, borrowed }: Pick<UploadedParts, 'partBytes' | 'borrowed'>,
): UploadedParts {
  const bytes = sizeOf(pieces);
  // Parts of equal size, so that none in the middle of an object is too small.
  const size = Math.ceil(bytes / Math.ceil(bytes / partBytes));
  return { kind: 'upload', pieces, bytes, borrowed, partBytes: size };
}

function copied(source: ByteSource, most: number): CopiedPart[] {
  const count = Math.ceil(source.size / most);
  const size = Math.ceil(source.size / count);
  return Array.from({ length: count }, (_, i) => ({
    kind: 'copy',
    source: source.slice(i * size, Math.min((i + 1) * size, source.size)),
  }));
}
