/** Options of a job that have no effect. */
import { APPROACHES } from '../../choices.ts';
import { type JobFile, type JobOptions } from './job-schema.ts';
import { approachesOf, isTuned, quantizedDtypes } from './variants.ts';

/** How ranges of calibration data are found. */
const OF_OBSERVERS = ['calibrate_method', 'num_bins', 'percentile', 'averaging_constant'] as const;
/** What is done so that layers lose less; weights in blocks have ways of their own. */
const OF_ACCURACY = ['smooth_quant', 'cross_layer_equalization', 'bias_correction'] as const;
/** Dynamic quantization has one form; the range of its weights can be chosen all the same. */
const OF_STATIC = ['quant_format', 'recipe', 'activation_type', 'quantize_all', ...OF_OBSERVERS] as const;
/** Which nodes. */
const OF_NODES = ['keep_float', 'nodes_to_quantize', 'nodes_to_exclude', 'op_types_to_quantize'] as const;

/** What codes there are, and of what. */
const OF_CODES = [
  'activation_type',
  'weight_type',
  'reduce_range',
  'per_channel',
  'extra_options',
  'quantize_all',
] as const;

/** What is ours to choose where PyTorch chose no codes and scales. */
const OF_COMPUTED = ['approach', 'calibration', ...OF_NODES, ...OF_CODES, ...OF_OBSERVERS, ...OF_ACCURACY] as const;
/** What is looked for by trial. */
const OF_TUNING = ['accuracy', 'tuning'] as const;
/** What is to be chosen where PyTorch did. */
const OF_TRANSFERRED = ['dynamic_activations'] as const;
/** What is about activations, or about pairs of 8-bit products. */
const OF_ACTIVATIONS = [...OF_TRANSFERRED, 'recipe', 'processor', ...OF_CODES, ...OF_ACCURACY] as const;
/** What is of use also where the program itself is one that PyTorch quantized. */
const OF_PYTORCHS_INT8 = ['int8_reference'] as const;
const OF_QUANTIZED = [
  ...OF_TRANSFERRED,
  ...OF_PYTORCHS_INT8,
  'quant_format',
  'recipe',
  'criterion',
  'processor',
  'weight_only',
  ...OF_TUNING,
  ...OF_COMPUTED,
] as const;

/** What was asked and has no effect, each with why. */
export function idleOptions(job: JobFile, options: JobOptions): string[] {
  const idle = (name: keyof JobFile, why: string): string[] =>
    job[name] === undefined ? [] : [`${name} has no effect: ${why}`];
  const labels = options.test_data === null ? idle('labels', 'there is no test_data') : [];
  const approaches = approachesOf(options);
  if (approaches.length === 0)
    return [...labels, ...OF_QUANTIZED.flatMap((name) => idle(name, 'no INT8 model is asked for'))];
  const isTried = quantizedDtypes(options).some((dtype) => isTuned(options, dtype));
  const tuning = isTried ? [] : idleTuning(options).flatMap(([name, why]) => idle(name, why));
  const onlyWeights = approaches.includes('weight-only');
  const blocks = onlyWeights ? [] : idle('weight_only', 'no model is asked for whose weights alone are quantized');
  if (approaches.every((each) => each === 'weight-only')) {
    const why = 'weights alone are quantized';
    const others = job.approach === 'weight-only' ? OF_ACTIVATIONS : (['approach', ...OF_ACTIVATIONS] as const);
    return [...labels, ...tuning, ...others.flatMap((name) => idle(name, why))];
  }
  if (options.quantized_model !== null) {
    const why = 'codes and scales are those of quantized_model';
    const ours = OF_COMPUTED.filter((name) => !onlyWeights || ![...OF_NODES, 'calibration'].includes(name));
    return [...labels, ...tuning, ...blocks, ...ours.flatMap((name) => idle(name, why))];
  }
  const computed = [
    ...labels,
    ...tuning,
    ...blocks,
    ...OF_TRANSFERRED.flatMap((name) => idle(name, 'there is no quantized_model')),
    ...OF_PYTORCHS_INT8.flatMap((name) =>
      idle(name, 'there is no quantized_model, unless PyTorch quantized the program'),
    ),
  ];
  if (APPROACHES[options.approach].hasFormats) return computed;
  const ofStatic = OF_STATIC.filter(
    (name) => (!onlyWeights || name !== 'quant_format') && (!isTried || name !== 'recipe'),
  );
  return [
    ...computed,
    ...ofStatic.flatMap((name) =>
      idle(name, 'dynamic quantization has one form, unless PyTorch quantized the program'),
    ),
  ];
}

/** Of a job that tries nothing. */
function idleTuning({ recipe, quantized_model }: JobOptions): readonly (readonly [keyof JobFile, string])[] {
  const isCarried = recipe === 'auto' && quantized_model !== null;
  const why = isCarried ? 'codes and scales are those of quantized_model' : 'recipe is not "auto"';
  const names = isCarried ? (['recipe', ...OF_TUNING] as const) : OF_TUNING;
  return names.map((name) => [name, why]);
}
