/** Zip archives, read by slices: the directory first, a record only when it is asked for. */
import { fail } from '../errors.ts';
import { byteSource, type ByteSource } from './byte-source.ts';
import { checkedSource } from './checksum.ts';
import { crc32, inflate } from './platform.ts';
import { readRanges } from './ranges.ts';
import { refuseDamaged } from './record-check.ts';
import { utf8Bytes } from './text.ts';
import { type DirectoryEntry, LOCAL, readDirectory } from './zip-directory.ts';

export interface ZipEntry {
  readonly name: string;
  /** Bytes of the record, after inflating. */
  readonly size: number;
  /** Stored as it is: its slice is a slice of the archive. */
  readonly stored: boolean;
  /**
   * The record, not yet read, checked once all of it was read; a compressed one is inflated whenever a part of it is
   * read.
   */
  slice(): Promise<ByteSource>;
  /** The record, checked against its CRC. */
  read(): Promise<Uint8Array>;
}

export interface Zip {
  readonly entries: readonly ZipEntry[];
  get(name: string): ZipEntry | null;
  /** Fetch what `slice` needs of many records, and the contents of those up to `bytes` long, in few reads. */
  prefetch(entries: Iterable<ZipEntry>, bytes: number): Promise<void>;
}

/** Whether a source begins as an archive does. */
export async function isZip(source: ByteSource): Promise<boolean> {
  const head = await source.slice(0, Math.min(4, source.size)).read();
  return head.length === 4 && new DataView(head.buffer, head.byteOffset).getUint32(0, true) === LOCAL.signature;
}

/** Read the directory of an archive; records are not touched. */
export async function openZip(source: ByteSource): Promise<Zip> {
  const directory = await readDirectory(source);
  const records = new Map(directory.map((entry) => [entry.name, new ArchiveRecord(source, entry)]));
  return {
    entries: [...records.values()],
    get: (name) => records.get(name) ?? null,
    prefetch: (entries, bytes) =>
      prefetch(
        source,
        [...entries].map((entry) => records.get(entry.name)!),
        bytes,
      ),
  };
}

/** More than torch's alignment padding, so that one read holds the whole local header. */
const PADDING = 192;

async function prefetch(source: ByteSource, records: readonly ArchiveRecord[], bytes: number): Promise<void> {
  const wanted = records.filter((record) => record.needs(bytes));
  const heads = await readRanges(
    source,
    wanted.map((record) => record.headRange(bytes)),
  );
  for (const [i, record] of wanted.entries()) await record.acceptHead(heads[i]!, bytes);
}

class ArchiveRecord implements ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly stored: boolean;
  readonly #archive: ByteSource;
  readonly #entry: DirectoryEntry;
  readonly #encodedName: Uint8Array;
  #dataStart: number | null = null;
  #contents: Uint8Array | null = null;
  #kept: WeakRef<Uint8Array> | null = null;
  #source: ByteSource | null = null;

  constructor(archive: ByteSource, entry: DirectoryEntry) {
    this.#archive = archive;
    this.#entry = entry;
    this.#encodedName = utf8Bytes(entry.name);
    this.name = entry.name;
    this.size = entry.size;
    this.stored = entry.method === 0;
  }

  async slice(): Promise<ByteSource> {
    if (this.stored) return (this.#source ??= this.#withChecksum(await this.#raw()));
    return byteSource(`${this.#archive.name}/${this.name}`, this.size, async (start, end) =>
      (await this.#inflate()).subarray(start, end),
    );
  }

  async read(): Promise<Uint8Array> {
    if (this.#contents) return this.#contents;
    return this.stored ? this.#checked(await this.#rawBytes()) : this.#inflate();
  }

  needs(bytes: number): boolean {
    return this.#dataStart === null || (this.size <= bytes && this.#contents === null);
  }

  headRange(bytes: number): { start: number; end: number } {
    const { headerOffset, compressedSize, limit } = this.#entry;
    const data = this.size <= bytes ? compressedSize : 0;
    return {
      start: headerOffset,
      end: Math.min(limit, headerOffset + LOCAL.size + this.#encodedName.length + PADDING + data),
    };
  }

  /** Bytes from the local header on: enough for the header, and for the contents if they are small. */
  async acceptHead(head: Uint8Array, bytes: number): Promise<void> {
    const start = this.#parseHead(head);
    const at = start - this.#entry.headerOffset;
    const end = at + this.#entry.compressedSize;
    if (this.size > bytes || end > head.byteLength) return;
    const contents = head.subarray(at, end);
    this.#contents = this.stored ? this.#checked(new Uint8Array(contents)) : await this.#inflated(contents);
  }

  /** A CRC of 0 means none: torch can be told not to compute it. */
  #withChecksum(raw: ByteSource): ByteSource {
    const { crc } = this.#entry;
    return crc === 0 ? raw : checkedSource(raw, { record: this.name, crc, damaged: (found) => this.#damaged(found) });
  }

  async #raw(): Promise<ByteSource> {
    if (this.#dataStart === null) {
      const { start, end } = this.headRange(0);
      this.#parseHead(await this.#archive.slice(start, end).read());
    }
    return this.#archive.slice(this.#dataStart!, this.#dataStart! + this.#entry.compressedSize);
  }

  /** Header and contents in one read, as long as the header is of the usual length. */
  async #rawBytes(): Promise<Uint8Array> {
    if (this.#dataStart !== null) return (await this.#raw()).read();
    const { start, end } = this.headRange(this.size);
    const bytes = await this.#archive.slice(start, end).read();
    const at = this.#parseHead(bytes) - start;
    const data = bytes.subarray(at, at + this.#entry.compressedSize);
    return data.byteLength === this.#entry.compressedSize ? data : (await this.#raw()).read();
  }

  /** The directory knows the sizes; the local header only says how far its own name and padding reach. */
  #parseHead(head: Uint8Array): number {
    const { headerOffset, compressedSize, limit, method } = this.#entry;
    const v = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const encoded = this.#encodedName;
    if (head.byteLength < LOCAL.size + encoded.length || v.getUint32(0, true) !== LOCAL.signature)
      this.#corrupt('has no local header');
    const nameLength = v.getUint16(26, true);
    const isSameName = nameLength === encoded.length && encoded.every((byte, i) => byte === head[LOCAL.size + i]);
    if (!isSameName || v.getUint16(8, true) !== method) {
      this.#corrupt('has a local header that disagrees with the directory');
    }
    const start = headerOffset + LOCAL.size + nameLength + v.getUint16(28, true);
    if (start + compressedSize > limit) this.#corrupt('overlaps another one or ends past the file');
    this.#dataStart = start;
    return start;
  }

  async #inflate(): Promise<Uint8Array> {
    // Parts of one record are mostly read one after the other: keep it as long as memory allows.
    const known = this.#kept?.deref();
    if (known) return known;
    const bytes = await this.#inflated(await this.#rawBytes());
    this.#kept = new WeakRef(bytes);
    return bytes;
  }

  async #inflated(raw: Uint8Array): Promise<Uint8Array> {
    return this.#checked(await inflate(raw, this.size).catch((cause: unknown) => this.#cannotInflate(cause)));
  }

  #cannotInflate(cause: unknown): never {
    return fail(
      'CorruptArchive',
      { file: this.#archive.name, reason: `record "${this.name}" cannot be inflated to its ${this.size} bytes` },
      cause,
    );
  }

  #checked(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength !== this.size) this.#corrupt(`inflates to ${bytes.byteLength} bytes instead of ${this.size}`);
    const found = this.#entry.crc === 0 ? 0 : crc32(bytes);
    return found === this.#entry.crc ? bytes : this.#damaged(found);
  }

  #damaged(found: number): never {
    return refuseDamaged(this.#archive.name, { record: this.name, recorded: this.#entry.crc, found });
  }

  #corrupt(reason: string): never {
    return fail('CorruptArchive', { file: this.#archive.name, reason: `record "${this.name}" ${reason}` });
  }
}
