/** A PyTorch file to an ONNX file: convert, write. */
import type { Tell } from '../bytes/advance.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { WrittenModel } from '../onnx/proto/write.ts';
import type { Conversion } from '../report/report.ts';
import { type ConvertedModel, convertSource, type ConvertSourceRequest } from './convert-source.ts';
import { type ModelPath, writeTo } from './model-path.ts';

export interface ConvertFileRequest extends ConvertSourceRequest {
  /** Where the `.onnx` is written. */
  readonly path: ModelPath;
  /** How far a large file is. */
  readonly tell?: Tell | undefined;
}

export interface ConvertedFile extends Pick<ConvertedModel, 'program' | 'warnings' | 'sha256' | 'isQuantized'> {
  readonly written: WrittenModel;
  readonly facts: Conversion;
}

export async function convertFile({ path, tell, ...request }: ConvertFileRequest): Promise<ConvertedFile> {
  const { source, signal } = request;
  if (typeof path === 'string') requireOutput(path, [source.name]);
  const { program, model, weights, facts, warnings, sha256, isQuantized } = await convertSource(request);
  const written = await writeTo(path, model, { weights, tell, ...(signal ? { signal } : {}) });
  return {
    program,
    written,
    facts: { ...facts, weights: written.weights },
    warnings: [...warnings, ...written.warnings],
    sha256,
    isQuantized,
  };
}
