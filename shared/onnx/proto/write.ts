/** Writes a model as .onnx, tensor by tensor: the weights are never in memory together. */
import { basename, dirname, join } from 'node:path';
import type { Tell } from '../../bytes/advance.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import type { Destination, MadeFile } from '../../bytes/destination.ts';
import type { RecordCheck } from '../../bytes/record-check.ts';
import type { Weights } from '../../choices.ts';
import { requireOutput } from '../../bytes/output-file.ts';
import type { Model, Value } from '../ir.ts';
import { ContentBuilder, type FileContent, piecesOf } from './file-content.ts';
import { folderDestination } from './folder-destination.ts';
import { isTensor, modelParts } from './parts.ts';
import type { Placement } from './placement.ts';
import { checksOf } from './whole-records.ts';

export interface WriteOptions {
  /**
   * `embed`: one file. `pack`: weights in `<name>.data` beside it. `link`: weights stay in the file they were read
   * from,
   * which must lie in the folder of the .onnx; computed ones are embedded.
   */
  readonly weights: Weights;
  /** Also write the types of intermediate values. */
  readonly valueInfo?: boolean;
  readonly sha256?: boolean;
  readonly signal?: AbortSignal;
  /** How far a large file of a folder is. */
  readonly tell?: Tell | undefined;
}

export type NamedWrite = Pick<WriteOptions, 'weights' | 'valueInfo'> & { readonly name: string };

export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal; present when it was asked for, or cost nothing. */
  readonly sha256?: string;
  /** What was copied unread: whoever reads the file first holds it against these. */
  readonly checks: readonly RecordCheck[];
}

export interface WrittenModel {
  /** The .onnx first, then the data file if there is one, then copies of the files that weights are linked to. */
  readonly files: readonly WrittenFile[];
  /** The mode that was used: above 2 GiB a model cannot be embedded. */
  readonly weights: Weights;
  /** Names of the files in the same folder that hold linked weights. */
  readonly linked: readonly string[];
  readonly warnings: readonly string[];
}

/** Both files appear under their names only when they are complete; on failure or abort nothing is left. */
export async function writeModel(model: Model, path: string, options: WriteOptions): Promise<WrittenModel> {
  const read = [...model.graph.initializers].flatMap(({ data }) => data?.stored?.origin.root.name ?? []);
  if (options.weights !== 'link') for (const file of [path, dataName(path)]) requireOutput(file, new Set(read));
  const folder = dirname(path);
  const written = await writeModelTo(folderDestination(folder, options), model, { name: basename(path), ...options });
  return { ...written, files: written.files.map((file) => ({ ...file, path: join(folder, file.path) })) };
}

const dataName = (name: string): string => `${name}.data`;

/** The same, wherever files are made; `name` is that of the .onnx, and the paths of what was written are names. */
export async function writeModelTo(
  destination: Destination,
  model: Model,
  { name, weights, valueInfo = false }: NamedWrite,
): Promise<WrittenModel> {
  const files: WrittenFile[] = [];
  try {
    const links = new Map<ByteSource, string>();
    const locationOf = ({ data }: Value): string => {
      const { root } = data!.stored!.origin;
      const location = links.get(root) ?? destination.locationOf(root, name);
      links.set(root, location);
      return location;
    };
    const { onnx, placement } = await modelParts(model, {
      weights,
      valueInfo,
      dataFile: dataName(name),
      locationOf,
      copies: (root) => destination.copies(root),
    });
    const make = async (file: string, content: FileContent): Promise<WrittenFile> => {
      const made = await destination.make(file, piecesOf(content));
      return { path: file, ...factsOf(made), checks: checksOf(content.placed, made.unchecked) };
    };
    if (placement.packed.length) files.push(await make(dataName(name), packedContent(placement)));
    const content = new ContentBuilder();
    for (const part of onnx) {
      if (isTensor(part)) content.data(part);
      else content.bytes(part);
    }
    files.unshift(await make(name, content));
    for (const [root, location] of links) if (destination.copies(root)) files.push(await make(location, wholeOf(root)));
    await destination.publish();
    return { files, linked: [...links.values()], ...usedMode(weights, placement.packed.length > 0, name) };
  } catch (error) {
    await destination.discard();
    throw error;
  }
}

const factsOf = ({ bytes, sha256 }: MadeFile): Pick<WrittenFile, 'bytes' | 'sha256'> => ({
  bytes,
  ...(sha256 === null ? {} : { sha256 }),
});

function wholeOf(root: ByteSource): FileContent {
  const content = new ContentBuilder();
  content.source(root);
  return content;
}

function usedMode(wanted: Weights, isPacked: boolean, name: string): { weights: Weights; warnings: string[] } {
  if (!isPacked || wanted === 'pack') return { weights: wanted, warnings: [] };
  return {
    weights: 'pack',
    warnings: [`the weights of "${name}" do not fit into one file of 2 GiB; they are in "${dataName(name)}" beside it`],
  };
}

function packedContent({ places, packed }: Placement): FileContent {
  const content = new ContentBuilder();
  for (const value of packed) {
    const at = places.get(value)!;
    if (at.kind !== 'pack') throw new Error(`initializer "${value.name}" is not packed`);
    const gap = at.offset - content.length;
    const { stored } = value.data!;
    if (gap && at.run === 'next') {
      const { root, start } = stored!.origin;
      content.source(root.slice(start - gap, start));
    } else if (gap) content.bytes(new Uint8Array(gap));
    content.data(value.data!, { inRun: at.run !== null });
  }
  return content;
}
