/** `extra_options` of onnxruntime's quantization tool: those that mean something here, by its names. */
import { type ComputedApproach, type QuantFormat } from '../choices.ts';
import { fail } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import type { TensorQuantOverrides } from './tensor-overrides.ts';

/** What an option is, and where it has a meaning. */
interface ExtraOption {
  readonly kind: 'yes or no' | 'number' | 'operators' | 'overrides';
  readonly about: string;
  /** Left out: static alone. */
  readonly approaches?: readonly ComputedApproach[];
  /** Left out: both. */
  readonly format?: QuantFormat;
}

export const EXTRA_OPTIONS = {
  ActivationSymmetric: { kind: 'yes or no', about: 'activations have the middle code as zero point' },
  ActivationRestrictedAsymmetric: {
    kind: 'yes or no',
    about: 'uint8 activations have the zero point 0, or 128 where some are negative',
  },
  WeightSymmetric: {
    kind: 'yes or no',
    about: 'weights have the middle code as zero point (default); false needs per_channel false',
    approaches: ['static', 'dynamic'],
  },
  MinimumRealRange: { kind: 'number', about: 'no range of an activation or an operand is narrower' },
  MatMulConstBOnly: { kind: 'yes or no', about: 'false also quantizes products of two computed tensors' },
  ForceQuantizeNoInputCheck: {
    kind: 'yes or no',
    about: 'operators that only move data are quantized also where nothing around them is',
  },
  CalibMovingAverage: { kind: 'yes or no', about: 'calibrate_method MovingAverage' },
  CalibMovingAverageConstant: { kind: 'number', about: 'averaging_constant' },
  CalibPercentile: { kind: 'number', about: 'percentile' },
  CalibTensorRangeSymmetric: { kind: 'yes or no', about: 'ranges are as far on both sides of 0' },
  QuantizeBias: { kind: 'yes or no', about: 'false leaves biases in float', format: 'QDQ' },
  AddQDQPairToWeight: { kind: 'yes or no', about: 'weights stay float, behind a pair of Q and DQ', format: 'QDQ' },
  DedicatedQDQPair: { kind: 'yes or no', about: 'a pair of Q and DQ for each reader', format: 'QDQ' },
  QDQKeepRemovableActivations: {
    kind: 'yes or no',
    about: 'Relu and Clip stay where saturation does the same',
    format: 'QDQ',
  },
  OpTypesToExcludeOutputQuantization: {
    kind: 'operators',
    about: 'operators whose results stay float',
    format: 'QDQ',
  },
  TensorQuantOverrides: {
    kind: 'overrides',
    about:
      'codes of single tensors, {"tensor": [{"quant_type": "QInt8", "symmetric": true}]}: also reduce_range, rmin, ' +
      'rmax, scale with zero_point, and axis (that of the channels) with one for each channel',
    format: 'QDQ',
  },
} as const satisfies Record<string, ExtraOption>;

interface Kinds {
  readonly 'yes or no': boolean;
  readonly number: number;
  readonly operators: readonly string[];
  readonly overrides: TensorQuantOverrides;
}
type Rows = typeof EXTRA_OPTIONS;
export type ExtraOptionName = keyof Rows;
export type ExtraOptions = { readonly [N in ExtraOptionName]?: Kinds[Rows[N]['kind']] };

/** As earlier versions of the tool spell them. */
export const OLD_NAMES: Readonly<Record<string, ExtraOptionName>> = {
  OpTypesToExcludeOutputQuantizatioin: 'OpTypesToExcludeOutputQuantization',
};

/** Those of the tool that do not exist here, and why. */
const ABSENT: Readonly<Record<string, string>> = {
  CalibMaxIntermediateOutputs:
    'calibration keeps a few numbers of each tensor and one batch, however many samples there are',
  CalibStridedMinMax: 'samples are read one by one, so that none has to be left out or put off',
  QDQOpTypePerChannelSupportToAxis:
    'kernels take scales along the channels of the result, and onnxruntime fails where they lie along another axis',
  EnableSubgraph: 'the bodies of If, Loop and Scan stay in float',
  UseQDQContribOps: 'operators of com.microsoft are written where those of ai.onnx lack a type',
  QDQDisableWeightAdjustForInt32Bias: 'a bias that does not fit in int32 would be cut off without a word',
  SmoothQuant: 'say smooth_quant: true',
  SmoothQuantAlpha: 'say smooth_quant: {"alpha": 0.5}',
  SmoothQuantFolding: 'smooth_quant folds where something computes the tensor',
  'extra.Sigmoid.nnapi': 'override the result: TensorQuantOverrides with scale 0.00390625 and zero_point 0',
  BlockSize: 'it is weight_only.block_size',
  DefaultTensorType: 'types are inferred from the whole graph',
};

/** Why there is no such option. */
export const whyAbsent = (name: string): string =>
  ABSENT[name] ??
  (didYouMean(name, Object.keys(EXTRA_OPTIONS)) || `the options are ${Object.keys(EXTRA_OPTIONS).join(', ')}`);

/** What the options are used with. */
interface Use {
  readonly approach: ComputedApproach;
  readonly format: QuantFormat;
}

/** Refuses what does not exist, and what has no meaning for the approach or the format. */
export function requireExtraOptions(options: ExtraOptions, { approach, format }: Use): void {
  for (const [name, value] of Object.entries(options)) {
    const row: ExtraOption | undefined = Object.hasOwn(EXTRA_OPTIONS, name)
      ? EXTRA_OPTIONS[name as ExtraOptionName]
      : undefined;
    const refuse = (expected: string): never =>
      fail('BadOption', { option: `extra_options.${name}`, value: JSON.stringify(value), expected });
    if (!row) return refuse(`no such option: ${whyAbsent(name)}`);
    const { approaches = ['static'] } = row;
    if (!approaches.includes(approach))
      refuse(`approach ${approaches.join(' or ')}, not ${approach}: it means nothing there`);
    if (row.format && approach === 'static' && row.format !== format)
      refuse(`quant_format ${row.format}, not ${format}: it means nothing there`);
  }
}
