/** Small zip archives, written whole: records stored as they are, with checksums, below 4 GiB. */
import { crc32 } from './platform.ts';

/** The date 1980-01-01, so that equal records make equal archives. */
const DATE = 0x0021;
const LIMIT = 0xffffffff;

export function zipBytes(records: Iterable<readonly [name: string, bytes: Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of records) {
    const encoded = Buffer.from(name, 'utf8');
    const fields = common(encoded, bytes);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, encoded]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, tail, encoded]));
    parts.push(local, bytes);
    offset += local.byteLength + bytes.byteLength;
    if (offset > LIMIT) throw new Error(`an archive of more than ${LIMIT} bytes cannot be written at once`);
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.byteLength, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** From "version needed" to "extra length": the same in the local header and in the directory. */
function common(name: Uint8Array, bytes: Uint8Array): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x0800, 2);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(bytes.byteLength, 14);
  fields.writeUInt32LE(bytes.byteLength, 18);
  fields.writeUInt16LE(name.byteLength, 22);
  return fields;
}
