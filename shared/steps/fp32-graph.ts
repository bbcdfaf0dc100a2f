/** An FP32 model in memory, out of a PyTorch program or an ONNX file, whichever the file is. */
import { fileSource } from '../bytes/file-source.ts';
import { convertProgram, type ConvertOptions } from '../convert/convert.ts';
import { fail } from '../errors.ts';
import { isWithoutGraph, open, refuse } from '../formats/open.ts';
import type { Model } from '../onnx/ir.ts';
import { openModel } from '../onnx/proto/read.ts';
import { nameSource } from './origin.ts';

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
  try {
    const opened = await open(source);
    if (isWithoutGraph(opened)) return refuse(source, opened);
    if (opened.kind === 'program') {
      const { model, warnings } = convertProgram(await opened.read(), options);
      await nameSource(model, source, { job: options });
      return { model, warnings, close: () => source.close() };
    }
    requireNoOptions(path, options);
    const { model, close } = await openModel(path);
    await nameSource(model, source);
    source.close();
    return { model, warnings: [], close };
  } catch (error) {
    source.close();
    throw error;
  }
}

function requireNoOptions(path: string, options: ConvertOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null || option === 'opset_version') continue;
    fail('BadOption', {
      option,
      value: JSON.stringify(value),
      expected: `nothing, because "${path}" is an ONNX model already`,
    });
  }
}
