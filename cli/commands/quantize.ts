/** `torchferry quantize`: INT8 from any ONNX model. */
import { ASKED_RECIPES, DEFAULT_RECIPE, type RecipeChoice } from '../../shared/quantize/recipe.ts';
import { fail } from '../../shared/errors.ts';
import {
  approachFor,
  APPROACHES,
  bitsOf,
  BLOCK_SIZES,
  COMPUTED_APPROACHES,
  type ComputedApproach,
  DEFAULT_FORMAT,
  DEFAULT_PROCESSOR,
  DEFAULT_QUANT_TYPES,
  DEFAULT_WEIGHT_ONLY,
  PROCESSOR_NAMES,
  QUANT_TYPE_NAMES,
  QUANT_FORMAT_NAMES,
  suffixOf,
  type VariantDtype,
  VARIANTS,
  WEIGHT_ALGORITHM_NAMES,
  WEIGHT_BITS,
  WEIGHT_TYPE_NAMES,
  type WeightOnly,
} from '../../shared/choices.ts';
import type { AccuracyChoice } from '../../shared/quantize/accuracy/adjust.ts';
import { DEFAULT_OBSERVER, OBSERVER_NAMES, type ObserverChoice } from '../../shared/quantize/observers/index.ts';
import {
  accuracyChoice,
  nodeChoice,
  observerChoice,
  recipeChoice,
  weightOnlyOf,
} from '../../shared/pipeline/job/quantizer-words.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import type { NodeChoice } from '../../shared/quantize/which-nodes.ts';
import { inTodaysWords } from '../../shared/pipeline/job/old-spellings.ts';
import { blocksText } from '../../shared/report/blocks.ts';
import type { QuantizeFileRequest } from '../../shared/steps/quantize-file.ts';
import { foundBeside } from '../beside.ts';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import type { Command, Context, OptionValues } from '../command.ts';
import { extraOptions } from '../extra-options.ts';
import { onnxFiles, pathsOf } from '../files.ts';
import { besideModel, readJobFile } from '../job-options.ts';
import { jobWords } from '../../shared/steps/job-words.ts';
import { kernelLines } from '../kernel-lines.ts';
import type { LookedAt } from '../looked-at.ts';
import { eachFile } from '../outcomes.ts';
import { outputPaths } from '../output-paths.ts';
import { size } from '../sizes.ts';
import { inTemporaryFolder } from '../temporary-folder.ts';
import { quantizeInTime } from '../timed-quantization.ts';
import { type TimeLimit, timeLimitIn, timeLimitOption } from '../time-limit.ts';
import { isTuned, requireNoTuning, toTuned, tuningLines } from '../tuned.ts';
import { TUNING_OPTIONS } from '../tuning-options.ts';
import { autoOrShare, choice, names, oneOfNumbers, quantFormat, text } from '../values.ts';

export const quantize: Command = {
  usage:
    `torchferry quantize <model.onnx>... [-o FILE|DIR] [--approach ${COMPUTED_APPROACHES.join('|')}] ` +
    `[--calibration NPZ|DIR] [--calibrate-method M] [--quant-format ${QUANT_FORMAT_NAMES.join('|')}] [--recipe R] ` +
    `[--processor ${PROCESSOR_NAMES.join('|')}] [--reduce-range] [--per-tensor] [--quantize-all] ` +
    `[--op-types-to-quantize A,B] [--nodes-to-exclude A,B] [--extra-options JSON] [--smooth-quant auto|N] ` +
    `[--cross-layer-equalization] [--bias-correction] [--bits ${WEIGHT_BITS.join('|')}] ` +
    `[--block-size ${BLOCK_SIZES.join('|')}] [--symmetric] [--algorithm ${WEIGHT_ALGORITHM_NAMES.join('|')}] ` +
    '[--embeddings] [--recipe auto [--max-drop N] [--metric M] [--test-data NPZ] [--trials N] [--seconds N]] ' +
    '[--job FILE] [--json]',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE|DIR',
      describe: 'where to write; default: <model>.int8.onnx (or .int4) beside the model',
    },
    approach: {
      type: 'string',
      value: COMPUTED_APPROACHES.join('|'),
      describe: 'default: static with calibration data, else dynamic; an option of weight-only asks for that',
    },
    calibration: {
      type: 'string',
      value: 'NPZ|DIR',
      describe:
        'representative inputs; a folder of .npz or .npy files has some of them in each; default: ' +
        '<model>.calibration.npz beside the model',
    },
    'quant-format': {
      type: 'string',
      value: QUANT_FORMAT_NAMES.join('|'),
      describe: 'form of a static or weight-only model',
    },
    'calibrate-method': {
      type: 'string',
      value: OBSERVER_NAMES.join('|'),
      describe: 'how ranges of activations are found',
    },
    recipe: {
      type: 'string',
      value: 'NAME',
      describe:
        `how the bias of a quantized Linear is computed: ${ASKED_RECIPES.join(', ')}; auto tries all that is left ` +
        'open, and takes the fastest that is accurate enough',
    },
    processor: {
      type: 'string',
      value: PROCESSOR_NAMES.join('|'),
      describe: 'where it will run; "any" keeps sums exact on x64 without VNNI, the others use the full range',
    },
    'activation-type': { type: 'string', value: QUANT_TYPE_NAMES.join('|'), describe: 'codes of activations' },
    'weight-type': { type: 'string', value: WEIGHT_TYPE_NAMES.join('|'), describe: 'codes of weights' },
    'reduce-range': { type: 'boolean', describe: 'seven-bit weights' },
    'per-tensor': { type: 'boolean', describe: 'one scale for all channels of a weight (per_channel false)' },
    'quantize-all': { type: 'boolean', describe: 'every operator with an integer form, attention products too' },
    'nodes-to-quantize': { type: 'string', value: 'A,B', describe: 'names of nodes: no others' },
    'nodes-to-exclude': { type: 'string', value: 'A,B', describe: 'names of nodes to leave in float' },
    'op-types-to-quantize': { type: 'string', value: 'A,B', describe: 'operators: no others' },
    'extra-options': {
      type: 'string',
      value: 'JSON',
      describe: 'of onnxruntime\'s tool, by its names: {"ActivationSymmetric": true}',
    },
    'smooth-quant': {
      type: 'string',
      value: 'auto|N',
      describe: 'SmoothQuant with this alpha, 0 to 1; auto: by layer, what loses least on calibration data',
    },
    'cross-layer-equalization': {
      type: 'boolean',
      describe: 'makes channels between layers as large as their weights',
    },
    'bias-correction': { type: 'boolean', describe: 'takes back by biases what layers are off in the mean' },
    bits: { type: 'string', value: WEIGHT_BITS.join('|'), describe: 'weight-only: of a weight' },
    'block-size': {
      type: 'string',
      value: BLOCK_SIZES.join('|'),
      describe: `weight-only: how many weights share a scale; default: ${DEFAULT_WEIGHT_ONLY.blockSize}`,
    },
    'group-size': { type: 'string', value: 'N', describe: 'the same as --block-size' },
    symmetric: { type: 'boolean', describe: 'weight-only: no zero points' },
    algorithm: {
      type: 'string',
      value: WEIGHT_ALGORITHM_NAMES.join('|'),
      describe: `weight-only: how scales and codes are found; default: ${DEFAULT_WEIGHT_ONLY.algorithm}`,
    },
    embeddings: { type: 'boolean', describe: 'weight-only: also tables that are looked up by row' },
    'test-data': { type: 'string', value: 'NPZ', describe: 'recipe auto: inputs and labels that trials are judged on' },
    labels: { type: 'string', value: 'NAME', describe: 'array of labels in the test data; default: y' },
    ...TUNING_OPTIONS,
    ...timeLimitOption('each model that calibration or a trial runs', STAGE_SECONDS),
    job: { type: 'string', value: 'FILE', describe: 'a job file with further options' },
  },
  async run({ files, options, progress, signal }) {
    const models = onnxFiles(files);
    const job = await readJobFile(text(options, 'job'));
    const dtype = dtypeOf(options, job);
    if (!isTuned(options, job, dtype)) requireNoTuning(options);
    const seconds = timeLimitIn(options, STAGE_SECONDS);
    const pathOf = outputPaths(models, {
      output: text(options, 'output'),
      suffix: suffixOf(dtype),
      reads: [text(options, 'calibration'), text(options, 'test-data'), text(options, 'job')],
    });
    return eachFile(pathsOf(models), { progress, options }, async (file) => {
      const path = pathOf(file);
      progress.step(`quantizing ${file}`);
      const made = { model: file, path, weights: 'embed', signal, seconds, progress } as const;
      const { written, facts, warnings, kernels } = isTuned(options, job, dtype)
        ? await toTuned({ ...made, file, options, job })
        : await toInt8({ ...made, ...quantizeOptions(options, job, { model: file, dtype, progress }) });
      for (const warning of warnings) progress.note(`note: ${warning}`);
      const bytes = written.files.reduce((n, f) => n + f.bytes, 0);
      const counts = `${facts.quantized} operators quantized, ${facts.skipped.length} left in float`;
      return {
        text: [
          `${path}: ${counts}, ${size(bytes)}`,
          ...(facts.tuning ? tuningLines(facts.tuning).map((line) => `  ${line}`) : []),
          ...(facts.blocks ? [`  ${blocksText(facts.blocks)}`] : []),
          ...kernelLines(kernels).map((line) => `  ${line}`),
        ].join('\n'),
        facts: { files: written.files, warnings, ...facts, kernels },
      };
    });
  },
};

type QuantizeOptions = Pick<QuantizeFileRequest, 'approach' | 'format'> &
  RecipeChoice &
  NodeChoice &
  AccuracyChoice &
  ObserverChoice & {
    /** Path of an .npz, or of a folder of them. */
    readonly calibration: string | undefined;
  };

type Int8Request = QuantizeOptions &
  Pick<QuantizeFileRequest, 'model' | 'path' | 'weights' | 'signal'> &
  Pick<TimeLimit, 'seconds'> &
  Pick<Context, 'progress'>;

/** Quantize, with a folder for what is made on the way. */
export const toInt8 = ({ signal, seconds, progress, ...request }: Int8Request): Promise<LookedAt> => {
  const { model: _model, path: _path, weights: _weights, ...how } = request;
  return inTemporaryFolder((workFolder) =>
    quantizeInTime({ ...request, workFolder, job: jobWords(how) }, { seconds, signal, tell: progress.advance }),
  );
};

interface Wanted extends Pick<Context, 'progress'> {
  readonly model: string;
  readonly dtype: VariantDtype;
}

/** Options of the command line win over the job's. */
export function quantizeOptions(
  options: OptionValues,
  job: JobFile,
  { model, dtype, progress }: Wanted,
): QuantizeOptions {
  const approachWith = (data?: string): ComputedApproach =>
    VARIANTS[dtype].onlyWeights ? 'weight-only' : askedApproach(options, job, data);
  const named =
    text(options, 'calibration') ?? (job.calibration === undefined ? undefined : besideModel(model, job.calibration));
  const accuracy = accuracyOptions(options, job);
  const wantsData = APPROACHES[approachWith('')].needsCalibration || accuracy.smoothQuant || accuracy.biasCorrection;
  const calibration = named ?? (wantsData ? foundBeside(model, 'calibration', { progress }) : undefined);
  return {
    calibration,
    approach: approachWith(calibration),
    format: quantFormat(options, job.quant_format?.[0] ?? DEFAULT_FORMAT),
    ...recipeOptions(options, job),
    ...accuracy,
    weightOnly: { ...weightOnlyOptions(options, job), bits: bitsOf(dtype) },
    ...observerChoice({
      ...job,
      calibrate_method: choice(options, 'calibrate-method', {
        among: OBSERVER_NAMES,
        fallback: job.calibrate_method ?? DEFAULT_OBSERVER,
      }),
    }),
    ...nodeOptions(options, job),
  };
}

const OF_WEIGHT_ONLY = ['bits', 'block-size', 'group-size', 'symmetric', 'algorithm', 'embeddings'] as const;

const askedApproach = (options: OptionValues, job: JobFile, calibration?: string): ComputedApproach =>
  choice(options, 'approach', {
    among: COMPUTED_APPROACHES,
    fallback: OF_WEIGHT_ONLY.some((name) => options[name] !== undefined)
      ? 'weight-only'
      : (job.approach ?? approachFor(calibration !== undefined)),
  });

/** Weights alone have 4 bits unless 8 are asked for; no other approach makes 4. */
function dtypeOf(options: OptionValues, job: JobFile): VariantDtype {
  const approach = askedApproach(options, job);
  const bits = oneOfNumbers(options, 'bits', { among: WEIGHT_BITS, fallback: DEFAULT_WEIGHT_ONLY.bits });
  const given = OF_WEIGHT_ONLY.find((name) => options[name] !== undefined);
  if (approach !== 'weight-only' && given !== undefined) {
    fail('WrongUsage', {
      problem: `--${given} is of weight-only quantization, --approach asks for ${approach}`,
      hint: 'leave one of them out',
    });
  }
  return approach === 'weight-only' && bits === 4 ? 'int4' : 'int8';
}

function weightOnlyOptions(options: OptionValues, job: JobFile): Partial<WeightOnly> {
  const asked = weightOnlyOf(job.weight_only ?? {});
  const size = text(options, 'block-size') === undefined ? 'group-size' : 'block-size';
  return {
    ...asked,
    blockSize: oneOfNumbers(options, size, {
      among: BLOCK_SIZES,
      fallback: asked.blockSize ?? DEFAULT_WEIGHT_ONLY.blockSize,
    }),
    algorithm: choice(options, 'algorithm', {
      among: WEIGHT_ALGORITHM_NAMES,
      fallback: asked.algorithm ?? DEFAULT_WEIGHT_ONLY.algorithm,
    }),
    ...(options['symmetric'] === true ? { symmetric: true } : {}),
    ...(options['embeddings'] === true ? { embeddings: true } : {}),
  };
}

function accuracyOptions(options: OptionValues, job: JobFile): AccuracyChoice {
  const alpha = autoOrShare(options, 'smooth-quant');
  return accuracyChoice({
    ...job,
    ...(alpha === undefined ? {} : { smooth_quant: { alpha } }),
    ...(options['cross-layer-equalization'] === true ? { cross_layer_equalization: true } : {}),
    ...(options['bias-correction'] === true ? { bias_correction: true } : {}),
  });
}

function recipeOptions(options: OptionValues, job: JobFile): RecipeChoice {
  const recipe = text(options, 'recipe');
  const given = inTodaysWords({
    ...(recipe === undefined ? {} : { recipe }),
    ...(options['reduce-range'] === true ? { reduce_range: true } : {}),
    ...(options['quantize-all'] === true ? { quantize_all: true } : {}),
  });
  return recipeChoice({
    recipe: choice({ recipe: given['recipe'] as string | undefined }, 'recipe', {
      among: ASKED_RECIPES,
      fallback: job.recipe ?? DEFAULT_RECIPE,
    }),
    processor: choice(options, 'processor', {
      among: PROCESSOR_NAMES,
      fallback: job.processor ?? DEFAULT_PROCESSOR,
    }),
    activation_type: choice(options, 'activation-type', {
      among: QUANT_TYPE_NAMES,
      fallback: job.activation_type ?? DEFAULT_QUANT_TYPES.activation,
    }),
    weight_type: choice(options, 'weight-type', {
      among: WEIGHT_TYPE_NAMES,
      fallback: job.weight_type ?? DEFAULT_QUANT_TYPES.weight,
    }),
    reduce_range: given['reduce_range'] === true || job.reduce_range === true,
    quantize_all: given['quantize_all'] === true || job.quantize_all === true,
    per_channel: options['per-tensor'] !== true && job.per_channel !== false,
    extra_options: extraOptions(options, job) ?? {},
  });
}

/** Lists of the command line replace those of the job. */
const nodeOptions = (options: OptionValues, job: JobFile): NodeChoice =>
  nodeChoice({
    keep_float: job.keep_float ?? [],
    nodes_to_quantize: names(options, 'nodes-to-quantize') ?? job.nodes_to_quantize ?? [],
    nodes_to_exclude: names(options, 'nodes-to-exclude') ?? job.nodes_to_exclude ?? [],
    op_types_to_quantize: names(options, 'op-types-to-quantize') ?? job.op_types_to_quantize ?? [],
  });
