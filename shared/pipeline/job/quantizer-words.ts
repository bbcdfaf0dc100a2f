/** What a job says of how to quantize, in the words of the quantizer. */
import { DEFAULT_SMOOTH_QUANT, type WeightOnly } from '../../choices.ts';
import type { AccuracyChoice } from '../../quantize/accuracy/adjust.ts';
import type { ObserverChoice } from '../../quantize/observers/index.ts';
import { fixedRecipe, type RecipeChoice } from '../../quantize/recipe.ts';
import type { Setting } from '../../quantize/tuning/candidates.ts';
import type { NodeChoice } from '../../quantize/which-nodes.ts';
import { type JobFile } from './job-schema.ts';

/** What a job says of weight-only quantization, in the words of the quantizer. */
export function weightOnlyOf(asked: NonNullable<JobFile['weight_only']>): Partial<Omit<WeightOnly, 'bits'>> {
  const { algorithm, embeddings, scheme } = asked;
  const blockSize = asked.block_size ?? asked.group_size;
  const symmetric = asked.is_symmetric ?? (scheme === undefined ? undefined : scheme === 'sym');
  return {
    ...(blockSize === undefined ? {} : { blockSize }),
    ...(symmetric === undefined ? {} : { symmetric }),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(embeddings === undefined ? {} : { embeddings }),
  };
}

/** What a job says of how to quantize, in the words of the quantizer; what it does not say is left out. */
export const recipeChoice = ({
  recipe,
  processor,
  activation_type: activationType,
  weight_type: weightType,
  reduce_range: reduceRange,
  per_channel: perChannel,
  quantize_all: full,
  extra_options: extraOptions,
}: Pick<
  JobFile,
  | 'recipe'
  | 'processor'
  | 'activation_type'
  | 'weight_type'
  | 'reduce_range'
  | 'per_channel'
  | 'quantize_all'
  | 'extra_options'
>): RecipeChoice => ({
  ...(recipe === undefined ? {} : { recipe: fixedRecipe(recipe) }),
  ...(processor === undefined ? {} : { processor }),
  ...(activationType === undefined ? {} : { activationType }),
  ...(weightType === undefined ? {} : { weightType }),
  ...(reduceRange === undefined ? {} : { reduceRange }),
  ...(perChannel === undefined ? {} : { perChannel }),
  ...(full === undefined ? {} : { full }),
  ...(extraOptions === undefined ? {} : { extraOptions }),
});

/** Which nodes. */
export const nodeChoice = ({
  keep_float: keepFloat = [],
  nodes_to_quantize: nodesToQuantize = [],
  nodes_to_exclude: nodesToExclude = [],
  op_types_to_quantize: opTypesToQuantize = [],
}: Pick<JobFile, 'keep_float' | 'nodes_to_quantize' | 'nodes_to_exclude' | 'op_types_to_quantize'>): NodeChoice => ({
  keepFloat,
  nodesToQuantize,
  nodesToExclude,
  opTypesToQuantize,
});

/** What is done so that quantization loses less. */
export const accuracyChoice = ({
  smooth_quant: smooth = false,
  cross_layer_equalization: crossLayerEqualization = false,
  bias_correction: biasCorrection = false,
}: Pick<JobFile, 'smooth_quant' | 'cross_layer_equalization' | 'bias_correction'>): AccuracyChoice => ({
  ...(smooth === false ? {} : { smoothQuant: { ...DEFAULT_SMOOTH_QUANT, ...(smooth === true ? {} : smooth) } }),
  crossLayerEqualization,
  biasCorrection,
});

/** And how ranges are found. */
export const observerChoice = ({
  calibrate_method: observer,
  num_bins: numBins,
  percentile,
  averaging_constant: averagingConstant,
}: Nullable<Pick<JobFile, 'calibrate_method' | 'num_bins' | 'percentile' | 'averaging_constant'>>): ObserverChoice => ({
  ...(observer == null ? {} : { observer }),
  observerOptions: {
    ...(numBins == null ? {} : { numBins }),
    ...(percentile == null ? {} : { percentile }),
    ...(averagingConstant == null ? {} : { averagingConstant }),
  },
});

/** What a job says outright where the rest is found by trial. */
export function askedSetting(said: JobFile): Setting {
  const { recipe: _, ...others } = said;
  const { approach, quant_format: formats = [], weight_only: weightOnly = {} } = said;
  return {
    ...recipeChoice(others),
    ...observerChoice(others),
    ...nodeChoice(others),
    ...saidOf(accuracyChoice(others)),
    weightOnly: { ...weightOnlyOf(weightOnly), bits: 8 },
    ...(approach === undefined ? {} : { approach }),
    ...(formats.length === 1 ? { format: formats[0]! } : {}),
  };
}

/** What is not done when nothing is said may be tried. */
const saidOf = ({ smoothQuant, crossLayerEqualization, biasCorrection }: AccuracyChoice): AccuracyChoice => ({
  ...(smoothQuant ? { smoothQuant } : {}),
  ...(crossLayerEqualization ? { crossLayerEqualization } : {}),
  ...(biasCorrection ? { biasCorrection } : {}),
});

type Nullable<T> = { readonly [K in keyof T]?: T[K] | null | undefined };
