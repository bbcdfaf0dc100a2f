/**
 * Where files lie: buckets of objects under keys. S3 on AWS, folders on one machine, memory in tests; one contract
 * suite for all.
 */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { MadeFile, Piece } from '../../bytes/destination.ts';
import { fail } from '../../errors.ts';

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** Changes when the content changes: the version id of a versioned bucket, else the ETag. */
  readonly version: string;
}

/** An object that is written, and what S3 keeps beside it. */
export interface Put {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface ObjectStore {
  /**
   * Fails with FileNotFound when there is no such object (or no such version of it). Close the source when it has a
   * `close`.
   */
  open(bucket: string, key: string, version?: string): Promise<OpenedObject>;
  /** A small object, whole and in one request; null when there is none. */
  read(bucket: string, key: string): Promise<Uint8Array | null>;
  /** null when there is no such object. */
  head(bucket: string, key: string, version?: string): Promise<ObjectInfo | null>;
  /** Upload a local file. Readers see the old object or the whole new one, never a part. */
  putFile(object: Put & { readonly path: string }): Promise<ObjectInfo>;
  putBytes(object: Put & { readonly bytes: Uint8Array }): Promise<ObjectInfo>;
  /** Write only when there is no such object yet: of any number of callers at the same time exactly one gets true. */
  putIfAbsent(bucket: string, key: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Make an object of pieces; nobody sees it before it is published. Pieces that lie in an object of this store may be
   * copied without being read. A store without this is given files that were made elsewhere.
   */
  assemble?(object: Put & Assembly): Promise<Assembled>;
  /** Whether `assemble` may copy ranges of a source; it is one that `open` gave, not a slice. */
  copies?(source: ByteSource): boolean;
  /** Replace what is kept beside an object; a store without this keeps no tags. */
  tag?(object: Pick<Put, 'bucket' | 'key'> & { readonly tags: NonNullable<Put['tags']> }): Promise<void>;
  /** What is kept beside an object; null when there is none. A store without this keeps no tags. */
  tagsOf?(bucket: string, key: string, version?: string): Promise<NonNullable<Put['tags']> | null>;
  /** Every object whose key starts with `prefix`, in the order of the keys' UTF-8 bytes. */
  list(bucket: string, prefix: string): AsyncIterable<ObjectInfo>;
  /**
   * Where the object already lies as a file on this machine, only to be read; a store without this has no such files.
   */
  localPath?(bucket: string, key: string, version?: string): Promise<string | null>;
  /** Whether the name is a link that leads out of the bucket; a store without this has no links. */
  leadsOut?(bucket: string, key: string): Promise<boolean>;
}

export interface OpenedObject extends ByteSource {
  close?(): void;
  /** What tells this content from any other without reading it; a store without this has files that are read. */
  readonly content?: ContentIdentity;
}

export interface ContentIdentity {
  /** In hexadecimal; null: whoever uploaded the object gave none. */
  readonly sha256: string | null;
  /** A version id, or an ETag. */
  readonly version: string;
}

export interface Assembly {
  readonly pieces: readonly Piece[];
  readonly scratch?: Scratch | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where objects may lie that are only made to be copied from; they are gone when the assembled object is whole. */
export interface Scratch {
  readonly bucket: string;
  readonly prefix: string;
}

/** An object that is whole and not there yet. */
export interface Assembled extends MadeFile {
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/** S3's limit. */
export const MAX_KEY_BYTES = 1024;

/**
 * Refuse what no bucket should hold, whatever the store: keys that a tool could take for a path outside of the folder
 * it
 * copies the bucket to. Spaces, `+`, `#?&<>` and every other character are fine.
 */
export function checkKey(key: string): string {
  const bytes = Buffer.byteLength(key);
  const problem =
    key === ''
      ? 'it is empty'
      : bytes > MAX_KEY_BYTES
        ? `it has ${bytes} bytes, the limit is ${MAX_KEY_BYTES}`
        : !key.isWellFormed()
          ? 'it is no valid Unicode'
          : key.includes('\0')
            ? 'it holds a zero byte'
            : key.startsWith('/') || /^[a-zA-Z]:[\\/]/.test(key) || key.startsWith('\\')
              ? 'it is an absolute path'
              : key.split(/[/\\]/).some((part) => part === '..' || part === '.')
                ? 'it holds a "." or ".." part'
                : null;
  return problem === null ? key : fail('BadKey', { key, problem });
}

/** The part of a key up to and with its last slash; empty at the top of the bucket. */
export const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);
export const fileNameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** `a/model.pt2` to `a/model`: without the extension of the file name; a name that is nothing but extension stays. */
export function withoutExtension(key: string): string {
  const name = fileNameOf(key);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? folderOf(key) + name.slice(0, dot) : key;
}
