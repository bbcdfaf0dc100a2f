/** Quantize: the FP32 ONNX model to one INT8 form of it. */
import { join } from 'node:path';
import { openModel } from '../../onnx/proto/read.ts';
import { writeModel } from '../../onnx/proto/write.ts';
import { quantizeModel } from '../../quantize/quantize.ts';
import { type Batch, type Samples, readSamples } from '../../runtime/samples.ts';
import { declaredOf } from '../../steps/declared.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { operatorCounts } from '../../steps/model-facts.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import type { ConvertFacts, QuantizeFacts, StoredFile } from '../workspace/record.ts';

// Large enough to keep the processor busy, small enough for the memory of a function.
const BATCH = 4;

export const run = jobStage<QuantizeFacts>('quantize', async (workspace, input, { signal }) => {
  const { options } = workspace.job;
  const converted = await factsOf<ConvertFacts>(workspace, 'convert', null);
  const variant = variantOf(converted, input);
  const [path] = await workspace.fetch(converted.files);
  const opened = await openModel(path!);
  try {
    const { calibration } = options;
    const inputs = declaredOf(opened.model.graph.inputs);
    const samples =
      calibration === null
        ? null
        : await readSamples(await workspace.openBeside(calibration), inputs, { code: 'BadCalibrationData' });
    const { model, facts } = await quantizeModel(opened.model, {
      approach: options.approach,
      format: variant.format ?? 'QDQ',
      recipe: options.recipe,
      keepFloat: options.keep_float,
      workFolder: workspace.folder,
      ...(samples && calibration !== null
        ? { calibration: batchesOf(samples, signal), calibrationFile: calibration }
        : {}),
    });
    signal?.throwIfAborted();
    // Quantized weights are computed: there is nothing to link them to.
    const weights = options.weights === 'link' ? 'embed' : options.weights;
    const written = await writeModel(model, join(workspace.folder, variant.file), {
      weights,
      ...(signal ? { signal } : {}),
    });
    const files: StoredFile[] = [];
    for (const { path: made } of written.files)
      files.push(await workspace.store(made, made.slice(workspace.folder.length + 1)));
    return {
      facts: { quantization: facts, files, operators: operatorCounts(model), warnings: written.warnings },
      output: { bytes: files.reduce((n, file) => n + file.bytes, 0) },
    };
  } finally {
    opened.close();
  }
});

async function* batchesOf(samples: Samples, signal: AbortSignal | undefined): AsyncGenerator<Batch> {
  for await (const batch of samples.batches(BATCH)) {
    signal?.throwIfAborted();
    yield batch;
  }
}
