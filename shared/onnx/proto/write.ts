/** Writes a model as .onnx, tensor by tensor: the weights are never in memory together. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Weights } from '../../choices.ts';
import { requireOutput } from '../../bytes/output-file.ts';
import { fail } from '../../errors.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { Model, Value } from '../ir.ts';
import { FileWriter, type WrittenFile } from './file-writer.ts';
import { isTensor, modelParts } from './parts.ts';
import type { Placement } from './placement.ts';

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
}

export interface WrittenModel {
  /** The .onnx first, then the data file if there is one. */
  readonly files: readonly WrittenFile[];
  /** The mode that was used: above 2 GiB a model cannot be embedded. */
  readonly weights: Weights;
  /** Names of the files in the same folder that hold linked weights. */
  readonly linked: readonly string[];
  readonly warnings: readonly string[];
}

/** Both files appear under their names only when they are complete; on failure or abort nothing is left. */
export async function writeModel(model: Model, path: string, options: WriteOptions): Promise<WrittenModel> {
  const dataPath = `${path}.data`;
  const read = [...model.graph.initializers].flatMap(({ data }) => data?.stored?.origin.root.name ?? []);
  if (options.weights !== 'link') for (const file of [path, dataPath]) requireOutput(file, new Set(read));
  const { onnx: parts, placement } = await modelParts(model, {
    weights: options.weights,
    valueInfo: options.valueInfo ?? false,
    dataFile: basename(dataPath),
    locationOf: (value) => linkLocation(value, path),
  });
  const { places, packed } = placement;
  const writers: FileWriter[] = [];
  const open = async (file: string): Promise<FileWriter> => {
    const writer = await FileWriter.create(file, options);
    writers.push(writer);
    return writer;
  };
  try {
    const files: WrittenFile[] = [];
    if (packed.length) files.push(await writePacked(await open(dataPath), placement));
    const onnx = await open(path);
    for (const part of parts) await (isTensor(part) ? writeData(onnx, part) : onnx.write(part));
    files.unshift(await onnx.finish());
    for (const writer of writers) await writer.publish();
    const linked = new Set([...places.values()].flatMap((at) => (at.kind === 'link' ? [at.location] : [])));
    return { files, linked: [...linked], ...usedMode(options.weights, packed.length > 0, path) };
  } catch (error) {
    for (const writer of writers) await writer.discard();
    throw error;
  }
}

function usedMode(wanted: Weights, isPacked: boolean, path: string): { weights: Weights; warnings: string[] } {
  if (!isPacked || wanted === 'pack') return { weights: wanted, warnings: [] };
  return {
    weights: 'pack',
    warnings: [
      `the weights of "${path}" do not fit into one file of 2 GiB; they are in "${basename(path)}.data" beside it`,
    ],
  };
}

async function writePacked(writer: FileWriter, { places, packed }: Placement): Promise<WrittenFile> {
  for (const value of packed) {
    const at = places.get(value)!;
    if (at.kind !== 'pack') throw new Error(`initializer "${value.name}" is not packed`);
    await writer.padTo(at.offset);
    await writeData(writer, value.data!);
  }
  return writer.finish();
}

async function writeData(writer: FileWriter, data: TensorData): Promise<void> {
  const start = writer.position;
  if (data.stored) await writer.copy(data.stored);
  else await writer.write(await data.read());
  const written = writer.position - start;
  if (written !== data.byteLength) throw new Error(`a tensor of ${data.byteLength} bytes gave ${written}`);
}

function linkLocation(value: Value, path: string): string {
  const { root } = value.data!.stored!.origin;
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
