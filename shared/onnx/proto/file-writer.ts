/** Writes a file beside its place and renames it when it is complete: readers never see half a file. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { removeAbandoned, unfinishedName } from '../../bytes/unfinished.ts';
import { fail } from '../../errors.ts';

/** Files that are being written; those of killed processes go when the next one is. */
const PARTIAL = '.torchferry-partial-';
const BUFFER = 1 << 20;
/** Stored tensors are copied in pieces of this size. */
const PIECE = 8 << 20;

interface Finished {
  readonly bytes: number;
  /** Present when it was asked for. */
  readonly sha256?: string;
}

interface FileWriterOptions {
  readonly sha256?: boolean;
  /** Called with the bytes that are written, after each piece. */
  readonly onWritten?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

interface Opened {
  readonly path: string;
  /** Where the bytes go until the file is whole. */
  readonly temporary: string;
  readonly file: FileHandle;
}

export class FileWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #hash: Hash | null;
  readonly #signal: AbortSignal | undefined;
  readonly #onWritten: (bytes: number) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);
  #buffered = 0;
  #written = 0;

  private constructor({ path, temporary, file }: Opened, options: FileWriterOptions) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#hash = options.sha256 ? createHash('sha256') : null;
    this.#signal = options.signal;
    this.#onWritten = options.onWritten ?? (() => {});
  }

  static async create(path: string, options: FileWriterOptions): Promise<FileWriter> {
    const temporary = join(dirname(path), unfinishedName(PARTIAL));
    const file = await openNew(temporary);
    await removeAbandoned(dirname(path), PARTIAL);
    return new FileWriter({ path, temporary, file }, options);
  }

  get position(): number {
    return this.#written + this.#buffered;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    const direct = bytes.byteLength > BUFFER / 4;
    if (direct || bytes.byteLength > BUFFER - this.#buffered) await this.#flush();
    if (direct) return this.#out(bytes);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.byteLength;
  }

  async copy(source: ByteSource): Promise<void> {
    for (let at = 0; at < source.size; at += PIECE) {
      this.#signal?.throwIfAborted();
      await this.write(await source.slice(at, Math.min(source.size, at + PIECE)).read());
    }
    await source.verify?.();
  }

  async padTo(offset: number): Promise<void> {
    while (this.position < offset) await this.write(new Uint8Array(Math.min(offset - this.position, BUFFER / 4)));
  }

  /** Everything is on its way to the disk under the temporary name; `publish` makes it visible. */
  async finish(): Promise<Finished> {
    await this.#flush();
    await this.#file.close();
    const hash = this.#hash?.digest('hex');
    return { bytes: this.#written, ...(hash === undefined ? {} : { sha256: hash }) };
  }

  publish(): Promise<void> {
    return rename(this.#temporary, this.#path);
  }

  /** After a failure, whose error is the one to report. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    if (this.#buffered) await this.#out(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  async #out(bytes: Uint8Array): Promise<void> {
    this.#hash?.update(bytes);
    for (let at = 0; at < bytes.byteLength;) {
      // Writes above 2 GiB are cut by the operating system.
      const { bytesWritten } = await this.#file.write(bytes, at, Math.min(bytes.byteLength - at, 1 << 30));
      at += bytesWritten;
    }
    this.#written += bytes.byteLength;
    this.#onWritten(this.#written);
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return fail('FileNotFound', { file: dirname(path) }, cause);
    throw cause;
  }
}
