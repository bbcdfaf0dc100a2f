/** Small zip archives, written whole: records stored as they are, with checksums, below 4 GiB. */
import { joinBytes } from './join.ts';
import { crc32 } from './platform.ts';
import { utf8Bytes } from './text.ts';

/** The date 1980-01-01, so that equal records make equal archives. */
const DATE = 0x0021;
const LIMIT = 0xffffffff;

export function zipBytes(records: Iterable<readonly [name: string, bytes: Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of records) {
    const encoded = utf8Bytes(name);
    const fields = common(encoded, bytes);
    const local = joinBytes([utf8Bytes('PK\x03\x04'), fields, encoded]);
    directory.push(utf8Bytes('PK\x01\x02\x14\x00'), fields, numbers(14, [[10, offset]]), encoded);
    parts.push(local, bytes);
    offset += local.byteLength + bytes.byteLength;
    if (offset > LIMIT) throw new Error(`an archive of more than ${LIMIT} bytes cannot be written at once`);
  }
  const central = joinBytes(directory);
  const count = directory.length / 4;
  const end = numbers(18, [
    // Two numbers of 16 bits: of this disk, and of all.
    [4, count | (count << 16)],
    [8, central.byteLength],
    [12, offset],
  ]);
  return joinBytes([...parts, central, utf8Bytes('PK\x05\x06'), end]);
}

/** From "version needed" to "extra length": the same in the local header and in the directory. */
const common = (name: Uint8Array, bytes: Uint8Array): Uint8Array =>
  numbers(26, [
    // Version 2.0, and names in UTF-8.
    [0, 20 | (0x0800 << 16)],
    // Stored, and no time.
    [4, 0],
    [8, DATE],
    [10, crc32(bytes)],
    [14, bytes.byteLength],
    [18, bytes.byteLength],
    [22, name.byteLength],
  ]);

/** Zeros with numbers of 32 bits in them. */
function numbers(length: number, values: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  for (const [at, value] of values) view.setUint32(at, value, true);
  return new Uint8Array(view.buffer);
}
