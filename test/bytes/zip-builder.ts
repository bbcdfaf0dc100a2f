/** Zip archives with every field in the test's hand: valid ones of all kinds, and broken ones. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface RecordSpec {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** Sizes and checksum follow the data, as torch and streaming writers do; the local header has zeros. */
  readonly descriptor?: boolean;
  /** Sizes in zip64 extra fields. */
  readonly zip64?: boolean;
  /** Bytes of padding in the local header, as torch aligns records. */
  readonly padding?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** Sizes the directory claims. */
  readonly size?: number;
  readonly compressedSize?: number;
  readonly localName?: string;
  readonly localMethod?: number;
  readonly headerOffset?: number;
}

export interface ArchiveSpec {
  readonly zip64?: boolean;
  readonly comment?: string;
  readonly count?: number;
  readonly directoryOffset?: number;
  readonly directorySize?: number;
}

const u16 = (value: number): Buffer => {
  const b = Buffer.alloc(2);
  b.writeUInt16LE(value);
  return b;
};
const u32 = (value: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(value >>> 0);
  return b;
};
const u64 = (value: number): Buffer => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(value));
  return b;
};
const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const FULL = 0xffffffff;

export function buildZip(records: readonly RecordSpec[], archive: ArchiveSpec = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const spec of records) {
    const body = spec.deflate ? deflateRawSync(spec.data) : Buffer.from(spec.data);
    const method = spec.method ?? (spec.deflate ? 8 : 0);
    const flags = spec.flags ?? (spec.descriptor ? 0x0808 : 0);
    const crc = spec.crc ?? crc32(spec.data);
    const size = spec.size ?? spec.data.byteLength;
    const compressedSize = spec.compressedSize ?? body.byteLength;
    const local = localHeader(spec, { method, flags, crc, size, compressedSize });
    const descriptor = spec.descriptor
      ? Buffer.concat([text('PK\x07\x08'), u32(crc), u32(compressedSize), u32(size)])
      : Buffer.alloc(0);
    directory.push(directoryRecord(spec, { method, flags, crc, size, compressedSize }, spec.headerOffset ?? offset));
    parts.push(local, body, descriptor);
    offset += local.byteLength + body.byteLength + descriptor.byteLength;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endRecords(archive, records.length, central.byteLength, offset)]);
}

interface Fields {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly size: number;
  readonly compressedSize: number;
}

function localHeader(spec: RecordSpec, { method, flags, crc, size, compressedSize }: Fields): Buffer {
  const name = text(spec.localName ?? spec.name);
  const known = !spec.descriptor;
  const sizes = spec.zip64 ? Buffer.concat([u16(1), u16(16), u64(size), u64(compressedSize)]) : Buffer.alloc(0);
  const padding = spec.padding
    ? Buffer.concat([text('FB'), u16(spec.padding), Buffer.alloc(spec.padding, 'Z')])
    : Buffer.alloc(0);
  const extra = Buffer.concat([sizes, padding]);
  return Buffer.concat([
    text('PK\x03\x04'),
    u16(20),
    u16(flags),
    u16(spec.localMethod ?? method),
    u32(0),
    u32(known ? crc : 0),
    u32(known ? (spec.zip64 ? FULL : compressedSize) : 0),
    u32(known ? (spec.zip64 ? FULL : size) : 0),
    u16(name.length),
    u16(extra.length),
    name,
    extra,
  ]);
}

function directoryRecord(
  spec: RecordSpec,
  { method, flags, crc, size, compressedSize }: Fields,
  headerOffset: number,
): Buffer {
  const name = text(spec.name);
  const extra = spec.zip64
    ? Buffer.concat([u16(1), u16(24), u64(size), u64(compressedSize), u64(headerOffset)])
    : Buffer.alloc(0);
  const field = (value: number): Buffer => u32(spec.zip64 ? FULL : value);
  return Buffer.concat([
    text('PK\x01\x02'),
    u16(20),
    u16(20),
    u16(flags),
    u16(method),
    u32(0),
    u32(crc),
    field(compressedSize),
    field(size),
    u16(name.length),
    u16(extra.length),
    u16(0),
    u16(0),
    u16(0),
    u32(0),
    field(headerOffset),
    name,
    extra,
  ]);
}

function endRecords(archive: ArchiveSpec, records: number, bytes: number, offset: number): Buffer {
  const count = archive.count ?? records;
  const size = archive.directorySize ?? bytes;
  const start = archive.directoryOffset ?? offset;
  const comment = text(archive.comment ?? '');
  const long = archive.zip64
    ? [
        text('PK\x06\x06'),
        u64(44),
        u16(45),
        u16(45),
        u32(0),
        u32(0),
        u64(count),
        u64(count),
        u64(size),
        u64(start),
        text('PK\x06\x07'),
        u32(0),
        u64(offset + bytes),
        u32(1),
      ]
    : [];
  const short = (value: number, full: number): number => (archive.zip64 ? full : value);
  return Buffer.concat([
    ...long,
    text('PK\x05\x06'),
    u16(0),
    u16(0),
    u16(short(count, 0xffff)),
    u16(short(count, 0xffff)),
    u32(short(size, FULL)),
    u32(short(start, FULL)),
    u16(comment.length),
    comment,
  ]);
}
