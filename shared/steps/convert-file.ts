/** A PyTorch file to an ONNX file: convert, write. */
import { requireOutput } from '../bytes/output-file.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import type { Conversion } from '../report/report.ts';
import { type ConvertedModel, convertSource, type ConvertSourceRequest } from './convert-source.ts';

export interface ConvertFileRequest extends ConvertSourceRequest {
  /** Where the `.onnx` is written. */
  readonly path: string;
}

export interface ConvertedFile extends Pick<ConvertedModel, 'program' | 'warnings' | 'isQuantized'> {
  readonly written: WrittenModel;
  readonly facts: Conversion;
}

export async function convertFile({ path, ...request }: ConvertFileRequest): Promise<ConvertedFile> {
  const { source, signal } = request;
  requireOutput(path, [source.name]);
  const { program, model, weights, facts, warnings, isQuantized } = await convertSource(request);
  const written = await writeModel(model, path, { weights, ...(signal ? { signal } : {}) });
  return {
    program,
    written,
    facts: { ...facts, weights: written.weights },
    warnings: [...warnings, ...written.warnings],
    isQuantized,
  };
}
