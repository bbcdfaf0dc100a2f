/** An ONNX file read and written again: checked, with its weights where they are wanted, ready to be quantized. */
import { fileSource } from '../bytes/file-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { Weights } from '../choices.ts';
import { holdsCodes } from '../onnx/holds-codes.ts';
import { openModel } from '../onnx/proto/read.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import type { OperatorCount, ReportedTensor } from '../report/report.ts';
import { operatorCounts, reportedTensor } from './model-facts.ts';
import { nameSource } from './origin.ts';

export interface RewriteFileRequest {
  /** Path of the `.onnx`; weights may lie beside it. */
  readonly model: string;
  readonly path: string;
  /** There is no PyTorch file to leave them in, so `link` embeds them. */
  readonly weights: Weights;
  readonly signal?: AbortSignal | undefined;
}

export interface RewrittenFile {
  readonly written: WrittenModel;
  readonly operators: readonly OperatorCount[];
  readonly inputs: readonly ReportedTensor[];
  readonly isQuantized: boolean;
}

export async function rewriteFile({ model: file, path, weights, signal }: RewriteFileRequest): Promise<RewrittenFile> {
  requireOutput(path, [file]);
  const { model, close } = await openModel(file);
  const source = fileSource(file);
  try {
    await nameSource(model, source, signal);
    const written = await writeModel(model, path, {
      weights: weights === 'link' ? 'embed' : weights,
      ...(signal ? { signal } : {}),
    });
    const inputs = model.graph.inputs.map(reportedTensor);
    return { written, operators: operatorCounts(model), inputs, isQuantized: holdsCodes(model) };
  } finally {
    source.close();
    close();
  }
}
