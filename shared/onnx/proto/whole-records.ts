/**
 * Records of an archive that go into one file whole: their bytes may be copied unread, because whoever reads the file
 * can hold them against the checksum of the record. Of a record that goes in parts the rest would never be checked.
 */
import type { RecordChecksum } from '../../bytes/byte-source.ts';
import type { RecordCheck } from '../../bytes/record-check.ts';
import type { Range } from '../../bytes/ranges.ts';
import type { TensorData } from '../../tensor/data.ts';

export interface PlacedData {
  readonly data: TensorData;
  /** Where its bytes begin in the file. */
  readonly offset: number;
}

/** What each record gives to the file, by its checksum. */
function byRecord(placed: readonly PlacedData[]): Map<RecordChecksum, PlacedData[]> {
  const records = new Map<RecordChecksum, PlacedData[]>();
  for (const one of placed) {
    const within = one.data.stored?.within;
    if (within) records.set(within.record, [...(records.get(within.record) ?? []), one]);
  }
  return records;
}

const startOf = ({ data }: PlacedData): number => data.stored!.within!.start;

/** Whether parts follow each other from the start of a record to its end, and in the file in the same order. */
function coversRecord(record: RecordChecksum, parts: readonly PlacedData[]): boolean {
  let end = 0;
  let written = -1;
  for (const part of parts.toSorted((a, b) => startOf(a) - startOf(b))) {
    if (startOf(part) !== end || part.offset < written) return false;
    end += part.data.byteLength;
    written = part.offset + part.data.byteLength;
  }
  return end === record.size;
}

/** Data that must be read, and so checked, when the file is made. */
export function readOnCopy(placed: readonly PlacedData[]): ReadonlySet<TensorData> {
  return new Set(
    [...byRecord(placed)].flatMap(([record, parts]) =>
      coversRecord(record, parts) ? [] : parts.map(({ data }) => data),
    ),
  );
}

/** What is left to be checked in a file of which `unchecked` was not read, or not to the end of a record. */
export function checksOf(placed: readonly PlacedData[], unchecked: readonly Range[]): readonly RecordCheck[] {
  return [...byRecord(placed)].flatMap(([{ name, crc }, parts]) => {
    const ranges = parts
      .map(({ data, offset }) => ({ start: offset, end: offset + data.byteLength }))
      .toSorted((a, b) => a.start - b.start);
    const isUnread = ranges.some(({ start, end }) => unchecked.some((range) => range.start < end && range.end > start));
    return isUnread ? [{ record: name, crc, ranges }] : [];
  });
}
