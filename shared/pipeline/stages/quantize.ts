/** Quantize: the FP32 ONNX model to one INT8 form of it. */
import { join } from 'node:path';
import { bitsOf, type ComputedApproach, DEFAULT_FORMAT, DEFAULT_TUNING, type TuningBounds } from '../../choices.ts';
import { fixedRecipe, type RecipeChoice } from '../../quantize/recipe.ts';
import { trialText } from '../../report/goal.ts';
import { type CalibrationData, quantizeFile, type QuantizedFile } from '../../steps/quantize-file.ts';
import { recordBeside } from '../../steps/quantized-pair.ts';
import { type TransferredFile, transferFile } from '../../steps/transfer-file.ts';
import { tuneFile } from '../../steps/tune-file.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { factsOf, variantOf } from '../workspace/previous.ts';
import type { JobFile } from '../job/job-schema.ts';
import { approachOf, isTuned, type VariantRequest } from '../job/variants.ts';
import {
  accuracyChoice,
  askedSetting,
  nodeChoice,
  observerChoice,
  recipeChoice,
  weightOnlyOf,
} from '../job/quantizer-words.ts';
import type { Services } from '../workspace/services.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { QuantizeFacts, StoredFile } from '../workspace/record.ts';

export const run = jobStage<QuantizeFacts>('quantize', async (workspace, input, services) => {
  const { signal } = services;
  const converted = await factsOf(workspace, 'convert');
  const variant = variantOf(converted, input);
  const [model] = await workspace.fetch(converted.files);
  const task = { model: model!, variant, signal };
  const approach = approachOf(workspace.job.options, variant.dtype);
  const { written, facts, operators, warnings } = await (approach === 'transferred'
    ? carriedOver(workspace, task)
    : isTuned(workspace.job.options, variant.dtype)
      ? tuned(workspace, task, services)
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
    calibration: await calibrationData(workspace, calibration),
    signal,
  });
}

/** What is said of activations is for the other variants of the job. */
const weightsAlone = (choice: RecipeChoice): RecipeChoice => ({ ...choice, extraOptions: {} });

/** Part of the time of the stage that trials may take: what they found has to be made and stored. */
const FOR_TRIALS = 0.7;

async function tuned(
  workspace: Workspace,
  { model, variant, signal }: Task,
  { processor: host, log, secondsLeft, trialsFile }: Services,
): Promise<QuantizedFile> {
  const { options, reported } = workspace.job;
  const { calibration, test_data, example_inputs, labels, weights } = options;
  // Those of the table, checked when the job was claimed.
  const said = Object.fromEntries(
    reported.flatMap(({ name, value, from }) => (from === 'job' ? [[name, value]] : [])),
  ) as JobFile;
  const data = test_data ?? example_inputs;
  const { seconds, trials }: TuningBounds = { ...DEFAULT_TUNING, ...options.tuning };
  return tuneFile({
    model,
    path: join(workspace.folder, variant.file),
    asked: askedSetting(said),
    weights,
    workFolder: workspace.folder,
    calibration: await calibrationData(workspace, calibration),
    data:
      data === null
        ? undefined
        : { source: await workspace.openBeside(data), labels: test_data === null ? undefined : labels },
    accuracy: options.accuracy ?? {},
    bounds: { trials, seconds: Math.min(seconds, (secondsLeft?.() ?? Infinity) * FOR_TRIALS) },
    history: (trialsFile ?? ((name) => workspace.textFile(`trials.${name}.json`)))(variant.name),
    host,
    now: () => performance.now(),
    onTrial: (trial, count) => log(`trial ${count}: ${trialText(trial)}`, { trial }),
    signal,
  });
}

const calibrationData = async (workspace: Workspace, name: string | null): Promise<CalibrationData | undefined> =>
  name === null ? undefined : { source: await workspace.openBeside(name), name };

async function carriedOver(workspace: Workspace, { model, variant, signal }: Task): Promise<TransferredFile> {
  const { recipe, quantized_model: name, dynamic_activations: activations, weights } = workspace.job.options;
  return transferFile({
    graph: model,
    quantized: await workspace.openBeside(name!),
    record: await workspace.openIfThere(recordBeside(name!)),
    path: join(workspace.folder, variant.file),
    recipe: fixedRecipe(recipe),
    format: variant.format ?? DEFAULT_FORMAT,
    types: variant.types,
    activations,
    weights,
    signal,
  });
}
