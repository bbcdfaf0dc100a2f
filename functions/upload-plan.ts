/**
 * An object of pieces as parts of a multipart upload: what lies in another object is copied there where that is worth
 * it, everything else is uploaded.
 */
import type { ByteSource } from '../shared/bytes/byte-source.ts';
import { type Piece, sizeOf, sourcePiece } from '../shared/bytes/destination.ts';
import type { Range } from '../shared/bytes/ranges.ts';
import { bridged } from './bridged-plan.ts';
import { copyableSpans, type Span } from './copyable-spans.ts';
import { bytesOf, copied, LEAST_PART, type PlannedParts, sentBytes, uploaded } from './upload-parts.ts';

const MiB = 2 ** 20;
/** A range below this is read: with what may have to be read to fill the part before it little would be left. */
const LEAST_COPY = 8 * MiB;
/** A smaller object is read in the time that a bridge takes from its beginning to its end. */
const LEAST_BRIDGED = 32 * MiB;
/** Reading less than this of an object takes no longer than the requests which would spare it. */
const WORTH_BRIDGES = 1 / 32;
const MOST_PARTS = 10_000;

interface PlanOptions {
  readonly copies: (root: ByteSource) => boolean;
  /** Wanted size of an uploaded part. */
  readonly partBytes: number;
  /** Whether there is a place for objects that are only made to be copied from. */
  readonly bridges?: boolean;
}

/** `pieces` in their order, as parts in theirs. */
export function planParts(
  pieces: readonly Piece[],
  { copies, partBytes, bridges = false }: PlanOptions,
): readonly PlannedParts[] {
  const bytes = sizeOf(pieces);
  const most = { partBytes: Math.max(partBytes, Math.ceil(bytes / (MOST_PARTS / 2))) };
  // Each range is two parts at most, with what stands before it.
  const least = Math.ceil(bytes / (MOST_PARTS / 5));
  const spans = copyableSpans(pieces, copies);
  const borrowing = borrowed(spans, { ...most, least: Math.max(LEAST_COPY, least) });
  if (!bridges || bytes < LEAST_BRIDGED) return borrowing;
  const bridging = bridged(spans, { ...most, least: Math.max(LEAST_PART, least) });
  return sentBytes(borrowing) - sentBytes(bridging) > bytes * WORTH_BRIDGES ? bridging : borrowing;
}

/** Parts of less than 5 MiB take what they lack from the range that follows, which is read so far. */
function borrowed(
  spans: readonly Span[],
  { partBytes, least }: { readonly partBytes: number; readonly least: number },
): PlannedParts[] {
  const plan: PlannedParts[] = [];
  let pending: Piece[] = [];
  const flush = (piece: Piece | null): void => {
    if (piece) pending.push(piece);
    if (pending.length) plan.push(uploaded(pending, { partBytes, borrowed: piece?.byteLength ?? 0 }));
    pending = [];
  };
  for (const { source, pieces } of spans) {
    const waiting = sizeOf(pending);
    const missing = waiting === 0 ? 0 : Math.max(0, LEAST_PART - waiting);
    if (!source || source.size - missing < least) {
      pending.push(...pieces);
      continue;
    }
    flush(missing ? sourcePiece(source.slice(0, missing)) : null);
    plan.push(...copied(source.slice(missing, source.size), partBytes));
  }
  flush(null);
  return plan;
}

/** Ranges of the object that were not held against a checksum, although their pieces may have one. */
export function uncheckedRanges(plan: readonly PlannedParts[]): Range[] {
  let at = 0;
  return plan.flatMap((part) => {
    const begin = at;
    at += bytesOf(part);
    const start =
      part.kind === 'upload' ? at - part.borrowed : part.kind === 'bridge' ? begin + sizeOf(part.before) : begin;
    const end = part.kind === 'bridge' ? start + part.source.size : at;
    return start < end ? [{ start, end }] : [];
  });
}
