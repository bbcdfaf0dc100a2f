/** Quantize: the FP32 ONNX model to one INT8 form of it. */
import { join } from 'node:path';
import { quantizeFile } from '../../steps/quantize-file.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import type { QuantizeFacts, StoredFile } from '../workspace/record.ts';

export const run = jobStage<QuantizeFacts>('quantize', async (workspace, input, { signal }) => {
  const { approach, recipe, keep_float: keepFloat, calibration, weights } = workspace.job.options;
  const converted = await factsOf(workspace, 'convert');
  const variant = variantOf(converted, input);
  const [model] = await workspace.fetch(converted.files);
  const { written, facts, operators } = await quantizeFile({
    model: model!,
    path: join(workspace.folder, variant.file),
    approach,
    format: variant.format ?? 'QDQ',
    recipe,
    keepFloat,
    weights,
    workFolder: workspace.folder,
    calibration:
      calibration === null ? undefined : { source: await workspace.openBeside(calibration), name: calibration },
    signal,
  });
  const files: StoredFile[] = [];
  for (const { path } of written.files)
    files.push(await workspace.store(path, path.slice(workspace.folder.length + 1)));
  return {
    facts: { quantization: facts, files, operators, warnings: written.warnings },
    output: { bytes: files.reduce((n, file) => n + file.bytes, 0) },
  };
});
