/** An ONNX file read and written again: checked, with its weights where they are wanted, ready to be quantized. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fileSource } from '../bytes/file-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { Weights } from '../choices.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { type OpenModel, openModel } from '../onnx/proto/read.ts';
import { readModel } from '../onnx/proto/read-model.ts';
import type { WrittenModel } from '../onnx/proto/write.ts';
import type { OperatorCount, ReportedTensor } from '../report/report.ts';
import { operatorCounts, reportedTensor } from './model-facts.ts';
import { type ModelPath, writeTo } from './model-path.ts';
import { nameSource, type NameSourceOptions } from './origin.ts';

export interface RewriteFileRequest {
  /** Path of the `.onnx`, with its weights inside or beside it; or the file itself, with its weights inside. */
  readonly model: string | ByteSource;
  readonly path: ModelPath;
  /** What is known of the source without reading it; left out: it is hashed. */
  readonly content?: NameSourceOptions['content'];
  /** There is no PyTorch file to leave them in, so `link` embeds them. */
  readonly weights: Weights;
  /** The options of all that is done, for the metadata. */
  readonly job?: object | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RewrittenFile {
  readonly written: WrittenModel;
  readonly operators: readonly OperatorCount[];
  readonly inputs: readonly ReportedTensor[];
  /** Of the source; null: not known. */
  readonly sha256: string | null;
  readonly isQuantized: boolean;
}

export async function rewriteFile(request: RewriteFileRequest): Promise<RewrittenFile> {
  const { model: file, path, content, weights, job, signal } = request;
  if (typeof file === 'string' && typeof path === 'string') requireOutput(path, [file]);
  const { model, source, close } = typeof file === 'string' ? await openFile(file) : await openSource(file);
  try {
    const sha256 = await nameSource(model, source, { content, job, signal });
    const written = await writeTo(path, model, {
      weights: weights === 'link' ? 'embed' : weights,
      ...(signal ? { signal } : {}),
    });
    const inputs = model.graph.inputs.map(reportedTensor);
    return { written, operators: operatorCounts(model), inputs, sha256, isQuantized: holdsCodes(model) };
  } finally {
    close();
  }
}

interface OpenedOnnx extends OpenModel {
  readonly source: ByteSource;
}

async function openFile(path: string): Promise<OpenedOnnx> {
  const opened = await openModel(path);
  const source = fileSource(path);
  const close = (): void => {
    source.close();
    opened.close();
  };
  return { model: opened.model, source, close };
}

const openSource = async (source: ByteSource): Promise<OpenedOnnx> => ({
  model: await readModel(source),
  source,
  close: () => {},
});
