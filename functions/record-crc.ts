/** Records that were copied unread, held against their CRC-32 by what S3 computed of the parts. */
import type { RecordChecksum } from '../shared/bytes/byte-source.ts';
import { combineCrc32 } from '../shared/bytes/crc32-combine.ts';
import type { Piece } from '../shared/bytes/destination.ts';
import type { Range } from '../shared/bytes/ranges.ts';
import { refuseDamaged } from '../shared/bytes/record-check.ts';

/** A range of the object, and the CRC-32 of its bytes. */
export interface KnownCrc extends Range {
  readonly crc: number;
}

/** S3 writes it in base64, the highest byte first. */
export const crcOf = (checksum: string): number => Buffer.from(checksum, 'base64').readUInt32BE();

interface PlacedRecord {
  readonly archive: string;
  /** Ranges of the object, in the order of the record. */
  readonly ranges: Range[];
}

/** What of `unchecked` is still to be read by somebody. Refuses a damaged record with CorruptArchive. */
export function confirmRecords(
  pieces: readonly Piece[],
  unchecked: readonly Range[],
  known: readonly KnownCrc[],
): readonly Range[] {
  const byStart = new Map(known.map((range) => [range.start, range]));
  const confirmed: Range[] = [];
  for (const [record, { archive, ranges }] of wholeRecords(pieces)) {
    const found = crcThrough(ranges, byStart);
    if (found === null) continue;
    if (found !== record.crc) refuseDamaged(archive, { record: record.name, recorded: record.crc, found });
    confirmed.push(...ranges);
  }
  return unchecked.filter(({ start, end }) => !confirmed.some((range) => range.start <= start && end <= range.end));
}

/** Records whose bytes are all in the object. */
function wholeRecords(pieces: readonly Piece[]): readonly (readonly [RecordChecksum, PlacedRecord])[] {
  const parts = new Map<RecordChecksum, { readonly archive: string; readonly at: number; readonly range: Range }[]>();
  let start = 0;
  for (const { stored, byteLength } of pieces) {
    const range = { start, end: start + byteLength };
    start = range.end;
    if (!stored?.within || byteLength === 0) continue;
    const { record, start: at } = stored.within;
    parts.set(record, [...(parts.get(record) ?? []), { archive: stored.name, at, range }]);
  }
  return [...parts].flatMap(([record, found]) => {
    const ordered = found.toSorted((a, b) => a.at - b.at);
    let end = 0;
    for (const { at, range } of ordered) {
      if (at !== end) return [];
      end += range.end - range.start;
    }
    if (end !== record.size) return [];
    return [[record, { archive: ordered[0]!.archive, ranges: joined(ordered.map(({ range }) => range)) }] as const];
  });
}

/** What lies behind each other in the object, too, is one range. */
function joined(ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (const { start, end } of ranges) {
    const last = found.at(-1);
    if (last?.end === start) found[found.length - 1] = { start: last.start, end };
    else found.push({ start, end });
  }
  return found;
}

/** null: of some bytes it is not known, or not of them alone. */
function crcThrough(ranges: readonly Range[], byStart: ReadonlyMap<number, KnownCrc>): number | null {
  let crc = 0;
  for (const { start, end } of ranges) {
    for (let at = start; at < end;) {
      const part = byStart.get(at);
      if (!part || part.end > end) return null;
      crc = combineCrc32(crc, part.crc, part.end - at);
      at = part.end;
    }
  }
  return crc;
}
