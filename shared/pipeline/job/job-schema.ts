/** The options of a job: names, what each may be, its default. Those of INC's Torch2ONNXConfig keep their names. */
import {
  ACCURACY_METRIC_NAMES,
  ACCURACY_METRICS,
  ASKED_DTYPES,
  BLOCK_SIZES,
  COMPUTED_APPROACHES,
  CRITERIA,
  CRITERION_NAMES,
  type CriterionName,
  DEFAULT_DTYPES,
  DEFAULT_DYNAMIC_ACTIVATIONS,
  DEFAULT_FORMAT,
  DEFAULT_PROCESSOR,
  DEFAULT_QUANT_TYPES,
  DEFAULT_TUNING,
  DYNAMIC_ACTIVATION_NAMES,
  GUARDS,
  NAN,
  PROCESSOR_NAMES,
  QUANT_FORMAT_NAMES,
  QUANT_FORMATS,
  QUANT_TYPE_NAMES,
  SCHEMES,
  WEIGHT_TYPE_NAMES,
  WEIGHT_ALGORITHM_NAMES,
  WEIGHTS,
} from '../../choices.ts';
import { DEFAULT_OPSET, NEWEST_OPSET, OLDEST_ASKED } from '../../onnx/opset.ts';
import { DEFAULT_OBSERVER, OBSERVER_NAMES } from '../../quantize/observers/index.ts';
import { EXTRA_OPTIONS } from '../../quantize/extra-options.ts';
import { ASKED_RECIPES, DEFAULT_RECIPE } from '../../quantize/recipe.ts';
import {
  type Check,
  type Checked,
  either,
  fieldsOf,
  integer,
  listOf,
  mapOf,
  number,
  oneOf,
  oneOfNumbers,
  oneOrMore,
  text,
  yesOrNo,
} from './json-reader.ts';
import { besideKey } from './beside.ts';
import { extraOptions } from './extra-options-check.ts';

/** Every alias to the format it means. */
const FORMAT_ALIASES = Object.fromEntries(
  QUANT_FORMAT_NAMES.flatMap((name) => QUANT_FORMATS[name].aliases.map((alias) => [alias, name] as const)),
);

interface Option<T> {
  readonly check: Check<T>;
  readonly default: T | null;
  readonly about: string;
}

const option = <T>(about: string, check: Check<T>, defaultValue: T | null = null): Option<T> => ({
  about,
  check,
  default: defaultValue,
});

const axisNames = mapOf('an object from axis to name, such as {"0": "batch"}', text, /^-?\d+$/);

const criteria = Object.fromEntries(CRITERION_NAMES.map((name) => [name, number(CRITERIA[name].bounds)])) as Record<
  CriterionName,
  Check<number>
>;

export const OPTIONS = {
  dtype: option(
    'Which models to make; int4 quantizes weights only. Where PyTorch quantized the model, INT8 may name its ' +
      'integers: U8S8 (uint8 activations, ' +
      'int8 weights; the same as int8), S8S8 or U8U8.',
    oneOrMore(oneOf(ASKED_DTYPES)),
    [...DEFAULT_DTYPES],
  ),
  opset_version: option(
    'ONNX opset to write, 13 or newer; an older one is raised to 13 where INT8 is made.',
    integer({ min: OLDEST_ASKED, max: NEWEST_OPSET }),
    DEFAULT_OPSET,
  ),
  quant_format: option(
    'Form of a static INT8 model: Quantize/DequantizeLinear pairs, or QLinear operators.',
    oneOrMore(oneOf(QUANT_FORMAT_NAMES, FORMAT_ALIASES)),
    [DEFAULT_FORMAT],
  ),
  example_inputs: option('An .npz beside the model with inputs to validate with.', besideKey),
  input_names: option('Names of the inputs, in order.', listOf(text, 1)),
  output_names: option('Names of the outputs, in order.', listOf(text, 1)),
  dynamic_axes: option(
    'Names for dynamic dimensions: input to {axis: name}.',
    mapOf('an object from input to {axis: name}', either(listOf(integer()), axisNames, Array.isArray), /./),
  ),
  recipe: option(
    'How the bias of a quantized Linear is computed; or auto: INT8 is tried in all the ways that the job leaves ' +
      'open, and the fastest that is accurate enough is taken, with the layers in float that it needs.',
    oneOf(ASKED_RECIPES),
    DEFAULT_RECIPE,
  ),
  accuracy: option(
    'Of recipe auto: what INT8 must keep on test_data, else example_inputs, else calibration. The metric (' +
      ACCURACY_METRIC_NAMES.map((name) => `${name}: ${ACCURACY_METRICS[name].about}`).join('; ') +
      '), what of it may be lost against FP32 (max_drop, 0.005 being half a point; default 0.01) and what must be ' +
      'there (min).',
    fieldsOf({ metric: oneOf(ACCURACY_METRIC_NAMES), max_drop: number({ min: 0 }), min: number() }),
  ),
  tuning: option(
    `Of recipe auto: how many trials it may take (default ${DEFAULT_TUNING.trials}), and how many seconds ` +
      `(${DEFAULT_TUNING.seconds}). Another start goes on from the trials of the one before.`,
    fieldsOf({ trials: integer({ min: 1, max: 100_000 }), seconds: number({ min: 0 }) }),
  ),
  processor: option(
    'Where INT8 will run. x64 processors without VNNI add 8-bit products in 16 bits: for "any", weights have codes ' +
      'that cannot overflow there; for "vnni" (x64 with VNNI) and "arm64" they use the full range.',
    oneOf(PROCESSOR_NAMES),
    DEFAULT_PROCESSOR,
  ),
  activation_type: option(
    'Codes of activations in a static model: QInt8 is for processors whose kernels multiply int8 by int8; 16 bits ' +
      '(QDQ alone) are computed in float on CPU.',
    oneOf(QUANT_TYPE_NAMES),
    DEFAULT_QUANT_TYPES.activation,
  ),
  weight_type: option(
    'Codes of weights: QUInt8 never saturates, and is slower; QInt16 (QDQ alone) is computed in float on CPU.',
    oneOf(WEIGHT_TYPE_NAMES),
    DEFAULT_QUANT_TYPES.weight,
  ),
  reduce_range: option('Seven-bit weights: no two of them can overflow, whichever are added.', yesOrNo, false),
  per_channel: option(
    "A scale for each channel of a weight; false: one for all of them, which is the default of onnxruntime's tool.",
    yesOrNo,
    true,
  ),
  extra_options: option(
    "Of onnxruntime's tool, by its names: " +
      Object.entries(EXTRA_OPTIONS)
        .map(([name, { about }]) => `${name} (${about})`)
        .join('; ') +
      '.',
    extraOptions,
    {},
  ),
  quantize_all: option(
    'Every operator that has an integer form: also products of two computed tensors, as in attention, and what ' +
      'onnxruntime computes in float on CPU.',
    yesOrNo,
    false,
  ),
  smooth_quant: option(
    'SmoothQuant: channels that are large in activations become smaller there and larger in weights, by alpha (0 to ' +
      '1, or "auto": by layer, what loses least on calibration data). Default: not done; true means auto.',
    either(
      yesOrNo,
      fieldsOf({ alpha: either(oneOf(['auto']), number({ min: 0, max: 1 }), (v) => typeof v !== 'number') }),
      (v) => typeof v === 'boolean',
    ),
    false,
  ),
  cross_layer_equalization: option(
    'Makes channels between two layers as large as those of their weights, where a factor passes through what is ' +
      'between them (ReLU, not ReLU6).',
    yesOrNo,
    false,
  ),
  bias_correction: option(
    'Takes back, by the bias, what quantization shifts each channel of a layer by in the mean over calibration data.',
    yesOrNo,
    false,
  ),
  approach: option(
    'Quantize activations with ranges from calibration data (static), at run time (dynamic) or not at all ' +
      '(weight-only). Default: static when there is calibration data.',
    oneOf(COMPUTED_APPROACHES),
  ),
  weight_only: option(
    'Weights alone in blocks (int4, and int8 with approach "weight-only"): how many share a scale (block_size or ' +
      'group_size, default 64), is_symmetric (or scheme; default asymmetric), the algorithm (default RTN), and ' +
      'whether embeddings are quantized too.',
    fieldsOf({
      block_size: oneOfNumbers(BLOCK_SIZES),
      group_size: oneOfNumbers(BLOCK_SIZES),
      is_symmetric: yesOrNo,
      scheme: oneOf(SCHEMES),
      algorithm: oneOf(WEIGHT_ALGORITHM_NAMES),
      embeddings: yesOrNo,
    }),
  ),
  calibration: option(
    'An .npz beside the model with representative inputs. Default: <model>.calibration.npz when it exists.',
    besideKey,
  ),
  calibrate_method: option(
    "How ranges of activations are found, by the names of onnxruntime's tool: MinMax, Percentile, Entropy; also " +
      'MovingAverage, MSE (the smallest mean squared error) and auto (of all but MovingAverage, for each tensor the ' +
      'one with the smallest mean squared error).',
    oneOf(OBSERVER_NAMES),
    DEFAULT_OBSERVER,
  ),
  num_bins: option(
    "Bins of a histogram. Default: 2048; onnxruntime's tool has 128 for Entropy, with which it cuts nothing off.",
    integer({ min: 128, max: 8192 }),
  ),
  percentile: option(
    'How many of a hundred magnitudes Percentile keeps. Default: 99.999.',
    number({ min: 0, max: 100 }),
  ),
  averaging_constant: option(
    'The part of a MovingAverage that the next sample is. Default: 0.01.',
    number({ min: 0, max: 1 }),
  ),
  test_data: option(
    'An .npz beside the model with inputs and labels, to measure accuracy. Default: <model>.test.npz when it exists.',
    besideKey,
  ),
  labels: option('Name of the array of labels in test_data.', text, 'y'),
  reference: option(
    'An .npz beside the model with inputs and the outputs PyTorch computes. Default: ' +
      '<model>.reference.npz when it exists.',
    besideKey,
  ),
  quantized_model: option(
    "The INT8 model PyTorch made, beside the model: Neural Compressor's best_model.pt, or a state_dict. Its codes, " +
      'scales and zero points are carried over. Default: <model>.int8.pt when it exists.',
    besideKey,
  ),
  int8_reference: option(
    "An .npz beside the model with inputs and the outputs PyTorch's INT8 computes, sample by sample: the report says " +
      'how many equal them. Default: <model>.int8.reference.npz when it exists.',
    besideKey,
  ),
  dynamic_activations: option(
    'How dynamic modules of quantized_model round what they read: to 7 bits with the numbers of PyTorch, or to 8 ' +
      'bits by DynamicQuantizeLinear.',
    oneOf(DYNAMIC_ACTIVATION_NAMES),
    DEFAULT_DYNAMIC_ACTIVATIONS,
  ),
  weights: option(
    'Weights inside the .onnx, in one file beside it, or left in the PyTorch file.',
    oneOf(WEIGHTS),
    'embed',
  ),
  guards: option(
    'What becomes of the conditions on input sizes that PyTorch recorded the program under: said in the report and ' +
      'in the metadata of the model, or also checked by the model at every run, which then fails instead of ' +
      'computing another program.',
    oneOf(GUARDS),
    'report',
  ),
  nan: option(
    'Operators that lose NaN in onnxruntime, such as maximum pooling and sorting: as they are and named in the ' +
      'report (fast), or in longer forms that give NaN where PyTorch does (exact).',
    oneOf(NAN),
    'fast',
  ),
  tolerance: option(
    'How far FP32 outputs may be from those of PyTorch: abs(a - b) <= atol + rtol * abs(b).',
    fieldsOf({ rtol: number({ min: 0 }), atol: number({ min: 0 }) }),
  ),
  criterion: option(
    'What INT8 must keep to be chosen: points of top-1, share of equal top-1, decibels, and how long and large it ' +
      'may be as multiples of FP32.',
    fieldsOf(criteria),
  ),
  keep_float: option('Names of nodes or modules to leave in float.', listOf(text), []),
  nodes_to_quantize: option('Names of nodes: no others are quantized. Default: all.', listOf(text), []),
  nodes_to_exclude: option('Names of nodes to leave in float.', listOf(text), []),
  op_types_to_quantize: option(
    'Operators: no others are quantized. Named ones are quantized also where they stay in float otherwise. Default: ' +
      'those that become faster or smaller.',
    listOf(text),
    [],
  ),
  seed: option('Seed of random inputs.', integer({ min: 0, max: 2 ** 32 - 1 }), 0),
} as const satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

type Value<N extends OptionName> = Checked<(typeof OPTIONS)[N]['check']>;
/** Options that always have a value. */
type Always =
  | 'dtype'
  | 'opset_version'
  | 'quant_format'
  | 'recipe'
  | 'processor'
  | 'activation_type'
  | 'weight_type'
  | 'reduce_range'
  | 'per_channel'
  | 'extra_options'
  | 'quantize_all'
  | 'smooth_quant'
  | 'cross_layer_equalization'
  | 'bias_correction'
  | 'approach'
  | 'calibrate_method'
  | 'labels'
  | 'dynamic_activations'
  | 'weights'
  | 'guards'
  | 'nan'
  | 'keep_float'
  | 'nodes_to_quantize'
  | 'nodes_to_exclude'
  | 'op_types_to_quantize'
  | 'seed';

/** A job as it was written: any of the options. */
export type JobFile = { readonly [N in OptionName]?: Value<N> };
/** A job as it runs: null where nothing was said and there is no default. */
export type JobOptions = { readonly [N in OptionName]: N extends Always ? Value<N> : Value<N> | null };

const checks = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].check])) as {
  [N in OptionName]: Check<Value<N>>;
};
export const JOB_FILE: Check<JobFile> = fieldsOf(checks) as Check<JobFile>;

/** For editors: the same table as JSON Schema. */
export const jobJsonSchema = (): Readonly<Record<string, unknown>> => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'torchferry job',
  description: 'Options of one conversion: <model>.job.json beside the model, or job.json in its folder.',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string' },
    ...Object.fromEntries(
      OPTION_NAMES.map((name) => {
        const { check, about, default: value } = OPTIONS[name];
        return [name, { description: about, ...(value === null ? {} : { default: value }), ...check.schema }];
      }),
    ),
  },
});
