/**
 * Where the files of a model go: piece by piece into a store that puts objects together, else into the temporary folder
 * and from there.
 */
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Destination, MadeFile, Piece } from '../../bytes/destination.ts';
import { fail } from '../../errors.ts';
import { folderDestination } from '../../onnx/proto/folder-destination.ts';
import type { WrittenModel } from '../../onnx/proto/write.ts';
import { join } from 'node:path';
import type { StoredFile } from './record.ts';
import { type Assembled, fileNameOf, type ObjectStore, type Put, type Scratch } from './store.ts';

export interface Outlet {
  readonly destination: Destination;
  /** The files among the results; `linked` lie beside the model already or are in the temporary folder. */
  stored(written: Pick<WrittenModel, 'files' | 'linked'>): Promise<StoredFile[]>;
}

/** What an object of the job is called and described by. */
type Describe = (name: string) => Put;

export type Assemble = NonNullable<ObjectStore['assemble']>;

interface StoreOutlet {
  readonly assemble: Assemble;
  readonly copies: Destination['copies'];
  readonly describe: Describe;
  readonly scratch: Scratch;
  readonly signal?: AbortSignal | undefined;
}

export function storeOutlet({ assemble, copies, describe, scratch, signal }: StoreOutlet): Outlet {
  const made: Assembled[] = [];
  const make = async (name: string, pieces: readonly Piece[]): Promise<MadeFile> => {
    const assembled = await assemble({ ...describe(name), pieces, scratch, signal });
    made.push(assembled);
    return assembled;
  };
  return {
    destination: {
      copies,
      make,
      locationOf,
      async publish() {
        for (const assembled of made) await assembled.publish();
      },
      async discard() {
        for (const assembled of made) await assembled.discard();
      },
    },
    stored: ({ files }) =>
      Promise.resolve(
        files.map(({ path, bytes, sha256 = null, checks }) => {
          const { bucket, key } = describe(path);
          return { bucket, path: key, name: path, bytes, sha256, ...(checks.length ? { checks } : {}) };
        }),
      ),
  };
}

function locationOf(root: ByteSource, name: string): string {
  const location = fileNameOf(root.name);
  if (location !== name && location !== `${name}.data`) return location;
  const expected = `a model that is not called "${location}" as the result is; use "pack" or "embed"`;
  return fail('BadOption', { option: 'weights', value: 'link', expected });
}

interface FolderOutlet {
  readonly folder: string;
  readonly store: (path: string) => Promise<StoredFile>;
  readonly signal?: AbortSignal | undefined;
}

export const folderOutlet = ({ folder, store, signal }: FolderOutlet): Outlet => ({
  destination: folderDestination(folder, { signal }),
  async stored({ files, linked }) {
    const stored: StoredFile[] = [];
    for (const name of [...files.map(({ path }) => path), ...linked]) stored.push(await store(join(folder, name)));
    return stored;
  },
});
