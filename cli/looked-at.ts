/** A quantized file, and what onnxruntime makes of its operators. */
import { isFailure } from '../shared/errors.ts';
import type { QuantizedOperator } from '../shared/report/report.ts';
import { integerKernels } from '../shared/steps/integer-kernels.ts';
import type { QuantizedFile } from '../shared/steps/quantize-file.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

export interface LookedAt extends QuantizedFile {
  readonly kernels: readonly QuantizedOperator[];
}

/** The model is written, and may be for another runtime than the one here: that it does not load is a warning. */
export async function lookedAt(made: QuantizedFile, path: string): Promise<LookedAt> {
  try {
    return { ...made, kernels: await inTemporaryFolder((folder) => integerKernels(path, folder)) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { ...made, kernels: [], warnings: [...made.warnings, error.message] };
  }
}
