/**
 * The central directory of a zip archive: found from the end of the file, checked, and read without touching a record.
 */
import { fail } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

/**
 * What an archive may hold before it is refused. Generous for models, small enough that a hostile file costs little.
 */
export const ZIP_LIMITS = {
  entries: 100_000,
  /** Bytes of one name. */
  nameLength: 1_024,
  directoryBytes: 32 * 1024 * 1024,
  /** Bytes of one record after inflating. */
  inflatedEntry: 2 * 1024 ** 3,
  /** Bytes of all compressed records together after inflating. */
  inflatedTotal: 8 * 1024 ** 3,
  /** Inflated to compressed size, for records above `ratioFrom`. Weights hardly compress. */
  ratio: 200,
  ratioFrom: 16 * 1024 * 1024,
} as const;

export interface DirectoryEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly headerOffset: number;
  /** Where the next record or the directory begins: nothing of this record lies behind it. */
  readonly limit: number;
}

const END = { signature: 0x06054b50, size: 22, longestComment: 0xffff } as const;
const LOCATOR = { signature: 0x07064b50, size: 20 } as const;
const END64 = { signature: 0x06064b50, size: 56 } as const;
const CENTRAL = { signature: 0x02014b50, size: 46 } as const;
export const LOCAL = { signature: 0x04034b50, size: 30 } as const;
const SATURATED = { count: 0xffff, size: 0xffffffff } as const;
const FLAGS = { encrypted: 0x0001 | 0x0040 | 0x2000, patched: 0x0020 } as const;
const METHODS: Readonly<Record<number, string>> = { 0: 'stored', 8: 'deflated' };

const corrupt = (file: string, reason: string): never => fail('CorruptArchive', { file, reason });
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One read of the tail, and one of the directory where the tail does not hold it already. */
export async function readDirectory(source: ByteSource): Promise<DirectoryEntry[]> {
  const tailStart = Math.max(0, source.size - (END.size + END.longestComment + LOCATOR.size + END64.size));
  const tail = await source.slice(tailStart, source.size).read();
  const end = await readEnd(source, tail, tailStart);
  const { count, offset, size } = end;
  limit(source.name, 'the number of records', { found: count, most: ZIP_LIMITS.entries });
  limit(source.name, 'the size of the zip directory', { found: size, most: ZIP_LIMITS.directoryBytes });
  if (offset + size > end.position) corrupt(source.name, 'its zip directory does not lie inside the file');
  const bytes =
    offset >= tailStart
      ? tail.subarray(offset - tailStart, offset - tailStart + size)
      : await source.slice(offset, offset + size).read();
  return withLimits(source.name, parseEntries(source.name, bytes, count), offset);
}

interface End {
  readonly count: number;
  readonly offset: number;
  readonly size: number;
  /** Where the end records begin: the directory must lie before. */
  readonly position: number;
}

async function readEnd(source: ByteSource, tail: Uint8Array, tailStart: number): Promise<End> {
  const { name } = source;
  const at = findEnd(tail);
  if (at < 0) corrupt(name, 'it has no zip directory at its end: it is cut short, or no zip archive');
  const v = view(tail);
  if (v.getUint16(at + 4, true) !== 0 || v.getUint16(at + 6, true) !== 0)
    corrupt(name, 'it is one part of a zip archive in several parts');
  const short = {
    count: v.getUint16(at + 10, true),
    size: v.getUint32(at + 12, true),
    offset: v.getUint32(at + 16, true),
    position: tailStart + at,
  };
  if (v.getUint16(at + 8, true) !== short.count) corrupt(name, 'it is one part of a zip archive in several parts');
  const hasLocator = at >= LOCATOR.size && v.getUint32(at - LOCATOR.size, true) === LOCATOR.signature;
  const saturated = short.count === SATURATED.count || short.size === SATURATED.size || short.offset === SATURATED.size;
  if (!hasLocator)
    return saturated && short.count !== SATURATED.count ? corrupt(name, 'its zip64 directory is missing') : short;
  const position = safe(name, v.getBigUint64(at - LOCATOR.size + 8, true));
  if (position + END64.size > tailStart + at) corrupt(name, 'its zip64 directory ends past the file');
  const inTail = position - tailStart;
  const long = parseEnd64(
    name,
    inTail >= 0
      ? tail.subarray(inTail, inTail + END64.size)
      : await source.slice(position, position + END64.size).read(),
    position,
  );
  // Readers that look at one of the two end records must see the same archive.
  const agree = (a: number, b: number, full: number): boolean => a === b || a === full;
  if (
    !agree(short.count, long.count, SATURATED.count) ||
    !agree(short.size, long.size, SATURATED.size) ||
    !agree(short.offset, long.offset, SATURATED.size)
  ) {
    corrupt(name, 'its two zip directories disagree');
  }
  return long;
}

function parseEnd64(file: string, bytes: Uint8Array, position: number): End {
  const v = view(bytes);
  if (v.getUint32(0, true) !== END64.signature) corrupt(file, 'its zip64 directory is damaged');
  if (v.getUint32(16, true) !== 0 || v.getUint32(20, true) !== 0)
    corrupt(file, 'it is one part of a zip archive in several parts');
  const number = (at: number): number => safe(file, v.getBigUint64(at, true));
  return { count: number(32), size: number(40), offset: number(48), position };
}

/** The end record whose comment reaches exactly to the end of the file. */
function findEnd(tail: Uint8Array): number {
  const v = view(tail);
  for (let at = tail.byteLength - END.size; at >= 0; at--) {
    if (v.getUint32(at, true) === END.signature && at + END.size + v.getUint16(at + 20, true) === tail.byteLength)
      return at;
  }
  return -1;
}

type Parsed = Omit<DirectoryEntry, 'limit'>;

function parseEntries(file: string, bytes: Uint8Array, count: number): Parsed[] {
  const v = view(bytes);
  const entries: Parsed[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL.size > bytes.byteLength || v.getUint32(at, true) !== CENTRAL.signature)
      corrupt(file, `its zip directory ends at record ${i} of ${count}`);
    const nameLength = v.getUint16(at + 28, true);
    const extraLength = v.getUint16(at + 30, true);
    const next = at + CENTRAL.size + nameLength + extraLength + v.getUint16(at + 32, true);
    if (next > bytes.byteLength) corrupt(file, `its zip directory ends inside record ${i}`);
    limit(file, 'the length of a record name', { found: nameLength, most: ZIP_LIMITS.nameLength });
    const nameAt = at + CENTRAL.size;
    const name = decodeName(file, bytes.subarray(nameAt, nameAt + nameLength));
    const extra = bytes.subarray(nameAt + nameLength, nameAt + nameLength + extraLength);
    entries.push(parseEntry(file, { name, v, at, extra }));
    at = next;
  }
  if (at !== bytes.byteLength) corrupt(file, 'its zip directory holds more records than it says');
  return entries;
}

interface EntryRecord {
  readonly name: string;
  readonly v: DataView;
  readonly at: number;
  readonly extra: Uint8Array;
}

function parseEntry(file: string, { name, v, at, extra }: EntryRecord): Parsed {
  const flags = v.getUint16(at + 8, true);
  const method = v.getUint16(at + 10, true);
  if (flags & FLAGS.encrypted)
    fail('UnsupportedFormat', { file, found: 'an encrypted zip archive', hint: 'save it without a password' });
  if (flags & FLAGS.patched || !(method in METHODS)) {
    fail('UnsupportedFormat', {
      file,
      found: `a zip archive whose record "${name}" is compressed with method ${method}`,
      hint: 'save it uncompressed, or with deflate',
    });
  }
  const sizes = zip64Sizes(file, name, {
    extra,
    short: {
      size: v.getUint32(at + 24, true),
      compressedSize: v.getUint32(at + 20, true),
      headerOffset: v.getUint32(at + 42, true),
    },
  });
  if (method === 0 && sizes.size !== sizes.compressedSize)
    corrupt(file, `record "${name}" is stored, yet has two sizes`);
  return { name, method, crc: v.getUint32(at + 16, true), ...sizes };
}

interface Sizes {
  readonly size: number;
  readonly compressedSize: number;
  readonly headerOffset: number;
}

/** Fields that are full (0xffffffff) continue in the zip64 extra field, in this order. */
function zip64Sizes(
  file: string,
  name: string,
  { extra, short }: { readonly extra: Uint8Array; readonly short: Sizes },
): Sizes {
  if (Object.values(short).every((field) => field !== SATURATED.size)) return short;
  const v = view(extra);
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const id = v.getUint16(at, true);
    const end = at + 4 + v.getUint16(at + 2, true);
    if (id === 1 && end <= extra.byteLength) {
      let next = at + 4;
      const field = (value: number): number => {
        if (value !== SATURATED.size) return value;
        if (next + 8 > end) corrupt(file, `the zip64 sizes of record "${name}" are missing`);
        next += 8;
        return safe(file, v.getBigUint64(next - 8, true));
      };
      return {
        size: field(short.size),
        compressedSize: field(short.compressedSize),
        headerOffset: field(short.headerOffset),
      };
    }
    at = end;
  }
  return corrupt(file, `the zip64 sizes of record "${name}" are missing`);
}

/** Records must not overlap each other or the directory, nor promise more than the limits. */
function withLimits(file: string, entries: readonly Parsed[], directory: number): DirectoryEntry[] {
  const names = new Set<string>();
  let inflated = 0;
  for (const { name, method, size, compressedSize } of entries) {
    if (names.has(name)) corrupt(file, `record "${name}" is there twice`);
    names.add(name);
    if (method === 0) continue;
    inflated += size;
    limit(file, `the inflated size of record "${name}"`, { found: size, most: ZIP_LIMITS.inflatedEntry });
    limit(file, 'the inflated size of all records', { found: inflated, most: ZIP_LIMITS.inflatedTotal });
    const ratio = Math.round(size / Math.max(1, compressedSize));
    if (size > ZIP_LIMITS.ratioFrom)
      limit(file, `the compression ratio of record "${name}"`, { found: ratio, most: ZIP_LIMITS.ratio });
  }
  const sorted = [...entries].sort((a, b) => a.headerOffset - b.headerOffset);
  const limits = new Map(sorted.map((entry, i) => [entry.name, sorted[i + 1]?.headerOffset ?? directory]));
  return entries.map((entry) => {
    const end = limits.get(entry.name)!;
    if (entry.headerOffset + LOCAL.size + entry.compressedSize > Math.min(end, directory)) {
      corrupt(file, `record "${entry.name}" overlaps another one or ends past the file`);
    }
    return { ...entry, limit: end };
  });
}

function limit(file: string, what: string, { found, most }: { readonly found: number; readonly most: number }): void {
  if (found > most) fail('LimitExceeded', { file, what, found, limit: most });
}

function safe(file: string, value: bigint): number {
  return value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : corrupt(file, `a size of ${value} bytes is impossible`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decodeName(file: string, bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return corrupt(file, 'the name of a record is not UTF-8');
  }
}
