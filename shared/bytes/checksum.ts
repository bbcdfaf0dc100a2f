/** Bytes of a zip record held against its CRC-32 while they are read, in whatever parts they are read. */
import type { ByteSource, RecordChecksum } from './byte-source.ts';
import { crc32 } from './platform.ts';

/** What nobody read is read in pieces of this size, only to be checked. */
const PIECE = 8 << 20;

interface Expected {
  /** Name of the record in its archive. */
  readonly record: string;
  readonly crc: number;
  /** Refuses the record, whose bytes have another CRC. */
  readonly damaged: (found: number) => never;
}

/**
 * The same bytes. A read that goes on where earlier ones ended carries the checksum on, so that reading or copying a
 * record from its start to its end checks it in passing; `verify` reads what is left.
 */
export function checkedSource(record: ByteSource, expected: Expected): ByteSource {
  const checksum = new Checksum(record, expected);
  const known: RecordChecksum = { name: expected.record, size: record.size, crc: expected.crc };
  const part = (start: number, end: number): ByteSource => {
    const raw = record.slice(start, end);
    return {
      name: record.name,
      size: raw.size,
      origin: raw.origin,
      slice: (from, to) => {
        raw.slice(from, to);
        return part(start + from, start + to);
      },
      read: async () => {
        const bytes = await raw.read();
        checksum.take(start, bytes);
        return bytes;
      },
      verify: () => checksum.finish(),
      within: { record: known, start },
    };
  };
  return part(0, record.size);
}

class Checksum {
  readonly #record: ByteSource;
  readonly #expected: Expected;
  #crc = 0;
  /** Bytes from the start of the record that are in `#crc`. */
  #done = 0;

  constructor(record: ByteSource, expected: Expected) {
    this.#record = record;
    this.#expected = expected;
  }

  take(start: number, bytes: Uint8Array): void {
    const end = start + bytes.byteLength;
    if (start > this.#done || end <= this.#done) return;
    this.#crc = crc32(bytes.subarray(this.#done - start), this.#crc);
    this.#done = end;
    this.#compare();
  }

  async finish(): Promise<void> {
    while (this.#done < this.#record.size) {
      const start = this.#done;
      this.take(start, await this.#record.slice(start, Math.min(start + PIECE, this.#record.size)).read());
    }
    this.#compare();
  }

  #compare(): void {
    if (this.#done === this.#record.size && this.#crc !== this.#expected.crc) this.#expected.damaged(this.#crc);
  }
}
