/** A folder of this machine as the destination of a model: pieces are read and joined. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Tell } from '../../bytes/advance.ts';
import { type Destination, type Piece, sizeOf } from '../../bytes/destination.ts';
import { fail } from '../../errors.ts';
import { FileWriter } from './file-writer.ts';

interface FolderOptions {
  /** Whether files are hashed while they are written. */
  readonly sha256?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told of files that take a while. */
  readonly tell?: Tell | undefined;
}

/** What is smaller is written before anybody asks how far it is. */
const LONG = 64 * 2 ** 20;

/** Files appear under their names only when all are complete; on failure or abort nothing is left. */
export function folderDestination(folder: string, options: FolderOptions = {}): Destination {
  const writers: FileWriter[] = [];
  return {
    copies: () => false,
    async make(name, pieces) {
      const of = sizeOf(pieces);
      const tell = of < LONG ? undefined : options.tell;
      const writer = await FileWriter.create(join(folder, name), {
        ...options,
        onWritten: (done) => tell?.({ doing: 'writing', unit: 'bytes', done, of }),
      });
      writers.push(writer);
      for (const piece of pieces) await writePiece(writer, piece);
      const { bytes, sha256 = null } = await writer.finish();
      return { bytes, sha256, unchecked: [] };
    },
    locationOf: (root, name) => locationOf(root, join(folder, name)),
    async publish() {
      for (const writer of writers) await writer.publish();
    },
    async discard() {
      for (const writer of writers) await writer.discard();
    },
  };
}

async function writePiece(writer: FileWriter, piece: Piece): Promise<void> {
  const start = writer.position;
  if (piece.stored) await writer.copy(piece.stored);
  else await writer.write(await piece.read());
  const written = writer.position - start;
  if (written !== piece.byteLength) throw new Error(`a piece of ${piece.byteLength} bytes gave ${written}`);
}

function locationOf(root: ByteSource, path: string): string {
  const source = resolve(root.name);
  const refuse = (expected: string): never => fail('BadOption', { option: 'weights', value: 'link', expected });
  if (dirname(source) !== dirname(resolve(path)))
    return refuse(
      `an output in the folder of "${root.name}", where its weights lie; write there, or use "pack" or "embed"`,
    );
  if (source === resolve(path))
    return refuse(
      `an output that does not replace "${root.name}", where its weights lie; choose another name, or ` +
        'use "pack" or "embed"',
    );
  if (!existsSync(source) || statSync(source).size !== root.size)
    return refuse(`"${root.name}" to be a local file; use "pack" or "embed"`);
  return basename(source);
}
