/** What the options of `quantize` say; `convert` to integers has some of them. */
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
  type VariantDtype,
  VARIANTS,
  WEIGHT_ALGORITHM_NAMES,
  WEIGHT_BITS,
  WEIGHT_TYPE_NAMES,
  type WeightOnly,
} from '../../shared/choices.ts';
import { fail } from '../../shared/errors.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { inTodaysWords } from '../../shared/pipeline/job/old-spellings.ts';
import {
  accuracyChoice,
  nodeChoice,
  observerChoice,
  recipeChoice,
  weightOnlyOf,
} from '../../shared/pipeline/job/quantizer-words.ts';
import type { AccuracyChoice } from '../../shared/quantize/accuracy/adjust.ts';
import { DEFAULT_OBSERVER, OBSERVER_NAMES, type ObserverChoice } from '../../shared/quantize/observers/index.ts';
import { ASKED_RECIPES, DEFAULT_RECIPE, type RecipeChoice } from '../../shared/quantize/recipe.ts';
import type { NodeChoice } from '../../shared/quantize/which-nodes.ts';
import type { QuantizeFileRequest } from '../../shared/steps/quantize-file.ts';
import { foundBeside } from '../beside.ts';
import type { Context, OptionValues } from '../command.ts';
import { extraOptions } from '../extra-options.ts';
import { besideModel } from '../job-options.ts';
import { autoOrShare, choice, names, oneOfNumbers, quantFormat, text } from '../values.ts';

export type QuantizeOptions = Pick<QuantizeFileRequest, 'approach' | 'format'> &
  RecipeChoice &
  NodeChoice &
  AccuracyChoice &
  ObserverChoice & {
    /** Path of an .npz, or of a folder of them. */
    readonly calibration: string | undefined;
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
export function dtypeOf(options: OptionValues, job: JobFile): VariantDtype {
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
