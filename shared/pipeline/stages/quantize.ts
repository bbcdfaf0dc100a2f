/** Quantize: the FP32 ONNX model to one INT8 form of it. */
import { join } from 'node:path';
import { bitsOf, type ComputedApproach, DEFAULT_FORMAT } from '../../choices.ts';
import type { RecipeChoice } from '../../quantize/recipe.ts';
import { quantizeFile, type QuantizedFile } from '../../steps/quantize-file.ts';
import { recordBeside } from '../../steps/quantized-pair.ts';
import { transferFile } from '../../steps/transfer-file.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import { approachOf, type VariantRequest } from '../job/variants.ts';
import { accuracyChoice, nodeChoice, observerChoice, recipeChoice, weightOnlyOf } from '../job/quantizer-words.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { QuantizeFacts, StoredFile } from '../workspace/record.ts';

export const run = jobStage<QuantizeFacts>('quantize', async (workspace, input, { signal }) => {
  const converted = await factsOf(workspace, 'convert');
  const variant = variantOf(converted, input);
  const [model] = await workspace.fetch(converted.files);
  const task = { model: model!, variant, signal };
  const approach = approachOf(workspace.job.options, variant.dtype);
  const { written, facts, operators, warnings } = await (approach === 'transferred'
    ? carriedOver(workspace, task)
    : computed(workspace, { ...task, approach }));
  const files: StoredFile[] = [];
  for (const { path } of written.files)
    files.push(await workspace.store(path, path.slice(workspace.folder.length + 1)));
  return {
    facts: { quantization: facts, files, operators, warnings },
    output: { bytes: files.reduce((n, file) => n + file.bytes, 0) },
  };
});

interface Task {
  /** Path of the FP32 model. */
  readonly model: string;
  readonly variant: VariantRequest;
  readonly signal: AbortSignal | undefined;
}

interface ComputedTask extends Task {
  readonly approach: ComputedApproach;
}

async function computed(
  workspace: Workspace,
  { model, variant, approach, signal }: ComputedTask,
): Promise<QuantizedFile> {
  const { options } = workspace.job;
  const { calibration, weights, weight_only: weightOnly } = options;
  return quantizeFile({
    model,
    path: join(workspace.folder, variant.file),
    approach,
    format: variant.format ?? DEFAULT_FORMAT,
    ...(approach === 'weight-only' ? weightsAlone(recipeChoice(options)) : recipeChoice(options)),
    ...accuracyChoice(options),
    weightOnly: { ...weightOnlyOf(weightOnly ?? {}), bits: bitsOf(variant.dtype) },
    ...observerChoice(options),
    ...nodeChoice(options),
    weights,
    workFolder: workspace.folder,
    calibration:
      calibration === null ? undefined : { source: await workspace.openBeside(calibration), name: calibration },
    signal,
  });
}

/** What is said of activations is for the other variants of the job. */
const weightsAlone = (choice: RecipeChoice): RecipeChoice => ({ ...choice, extraOptions: {} });

async function carriedOver(workspace: Workspace, { model, variant, signal }: Task): Promise<QuantizedFile> {
  const { recipe, quantized_model: name, dynamic_activations: activations, weights } = workspace.job.options;
  return transferFile({
    graph: model,
    quantized: await workspace.openBeside(name!),
    record: await workspace.openIfThere(recordBeside(name!)),
    path: join(workspace.folder, variant.file),
    recipe,
    format: variant.format ?? DEFAULT_FORMAT,
    types: variant.types,
    activations,
    weights,
    signal,
  });
}
