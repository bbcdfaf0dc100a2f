/** An FP32 model in memory, out of a PyTorch program or an ONNX file, whichever the file is. */
import { type FileSource, fileSource } from '../bytes/byte-source.ts';
import { convertProgram, type ConvertOptions } from '../convert/convert.ts';
import { fail } from '../errors.ts';
import { isWithoutGraph, open, refuse } from '../formats/open.ts';
import type { Model } from '../onnx/ir.ts';
import { openModel } from '../onnx/proto/read.ts';
import { VERSION } from '../version.ts';

export interface OpenedGraph {
  readonly model: Model;
  readonly warnings: readonly string[];
  /** Weights are read from the file until then. */
  close(): void;
}

/**
 * `path`: a `.pt2` or an `.onnx`, by content. Options of the conversion do not apply to a graph that is converted
 * already.
 */
export async function openGraph(path: string, options: ConvertOptions): Promise<OpenedGraph> {
  const source = fileSource(path);
  const opened = await open(source);
  if (opened.kind === 'program') return graphOf(source, await opened.read(), options);
  source.close();
  if (isWithoutGraph(opened)) return refuse(source, opened);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null || option === 'opset_version') continue;
    fail('BadOption', {
      option,
      value: JSON.stringify(value),
      expected: `nothing, because "${path}" is an ONNX model already`,
    });
  }
  const { model, close } = await openModel(path);
  return { model, warnings: [], close };
}

function graphOf(
  source: FileSource,
  program: Parameters<typeof convertProgram>[0],
  options: ConvertOptions,
): OpenedGraph {
  const { model, warnings } = convertProgram(program, options);
  model.producerVersion = VERSION;
  return { model, warnings, close: () => source.close() };
}
