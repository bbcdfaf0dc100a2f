/**
 * A Blob that is put together part by part and is never in memory: parts of other Blobs stay where they lie, computed
 * bytes go into a file of the browser's own, or into Blobs where it has none.
 */
import { fail } from '../shared/errors.ts';
import { newFile } from './own-files.ts';

/** Smaller parts are cheaper in memory. */
const KEPT_BELOW = 1 << 20;

interface InFile {
  readonly start: number;
  readonly end: number;
}

const isInFile = (part: BlobPart | InFile): part is InFile =>
  typeof part === 'object' && 'start' in part && 'end' in part;

export class BlobParts {
  readonly #owner: string | null;
  readonly #parts: (BlobPart | InFile)[] = [];
  #file: FileSystemFileHandle | null = null;
  #writable: FileSystemWritableFileStream | null = null;
  #written = 0;
  #size = 0;

  constructor(owner: string | null) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#size;
  }

  refer(blob: Blob): void {
    this.#parts.push(blob);
    this.#size += blob.size;
  }

  async add(bytes: Uint8Array): Promise<void> {
    const own = bytes as Uint8Array<ArrayBuffer>;
    this.#size += own.byteLength;
    if (own.byteLength < KEPT_BELOW) this.#parts.push(own);
    else if (await this.#open()) {
      await this.#writable!.write(own).catch(noRoom);
      this.#parts.push({ start: this.#written, end: this.#written + own.byteLength });
      this.#written += own.byteLength;
    } else this.#parts.push(new Blob([own]));
  }

  /** Nothing can be added after it. */
  async finish(): Promise<Blob> {
    await this.#writable?.close().catch(noRoom);
    const file = await this.#file?.getFile();
    return new Blob(this.#parts.map((part) => (isInFile(part) ? file!.slice(part.start, part.end) : part)));
  }

  async #open(): Promise<boolean> {
    if (this.#writable !== null) return true;
    if (this.#owner === null) return false;
    this.#file = await newFile(this.#owner);
    this.#writable = await this.#file.createWritable();
    return true;
  }
}

const noRoom = (cause: unknown): never =>
  fail(
    'FileSystem',
    {
      file: 'the storage of this browser',
      doing: 'write to',
      errno: cause instanceof Error ? cause.name : 'Error',
      problem: 'it takes no more',
      hint: 'free space on the disk, or use a window that is not private',
    },
    cause,
  );
