/** Choices that a job, the command line, the report and the code share: named here, with what others ask of them. */

/** Models that can be made: what is quantized is measured against the reference it was made of. */
export const VARIANTS = {
  fp32: { role: 'reference', title: 'FP32', bits: 32, onlyWeights: false },
  int8: { role: 'quantized', title: 'INT8', bits: 8, onlyWeights: false },
  int4: { role: 'quantized', title: 'INT4', bits: 4, onlyWeights: true },
} as const satisfies Record<string, VariantRow>;

interface VariantRow {
  readonly role: 'reference' | 'quantized';
  readonly title: string;
  /** Of a weight. */
  readonly bits: number;
  /** Whatever the approach, because kernels have activations of 8 bits and more. */
  readonly onlyWeights: boolean;
}

export type VariantDtype = keyof typeof VARIANTS;
export type Role = (typeof VARIANTS)[VariantDtype]['role'];
// Object.keys forgets the names, here and below.
export const DTYPES = Object.keys(VARIANTS) as readonly VariantDtype[];
/** Those that are made when nothing is said. */
export const DEFAULT_DTYPES: readonly VariantDtype[] = ['fp32', 'int8'];
export const roleOf = (dtype: VariantDtype): Role => VARIANTS[dtype].role;
export const isQuantized = ({ dtype }: { readonly dtype: VariantDtype }): boolean => roleOf(dtype) === 'quantized';

/** What a model's file name ends in: `.onnx`, `.int8.onnx`; `name` tells several forms of one type apart. */
export const suffixOf = (dtype: VariantDtype, name: string = dtype): string =>
  roleOf(dtype) === 'reference' ? '.onnx' : `.${name}.onnx`;

/**
 * Which integers codes are, activations first, then weights: INC's names, said in place of `int8`. U8U8 never saturates
 * on x64 processors without VNNI.
 */
export const CODE_TYPES = {
  U8S8: { activations: 'uint8', weights: 'int8' },
  S8S8: { activations: 'int8', weights: 'int8' },
  U8U8: { activations: 'uint8', weights: 'uint8' },
} as const;
export type CodeTypes = keyof typeof CODE_TYPES;
export const CODE_TYPE_NAMES = Object.keys(CODE_TYPES) as readonly CodeTypes[];
export const DEFAULT_CODE_TYPES: CodeTypes = 'U8S8';

/** What `dtype` may say: a model that can be made, or INT8 with its integers named. */
export type AskedDtype = VariantDtype | CodeTypes;
export const ASKED_DTYPES: readonly AskedDtype[] = [...DTYPES, ...CODE_TYPE_NAMES];
const namesCodes = (asked: AskedDtype): asked is CodeTypes => Object.hasOwn(CODE_TYPES, asked);
export const variantDtypeOf = (asked: AskedDtype): VariantDtype => (namesCodes(asked) ? 'int8' : asked);
/** What PyTorch's INT8 is carried over to. */
export const CARRIED_DTYPES = ASKED_DTYPES.filter((asked) => !VARIANTS[variantDtypeOf(asked)].onlyWeights);
export const codeTypesOf = (asked: AskedDtype): CodeTypes => (namesCodes(asked) ? asked : DEFAULT_CODE_TYPES);

/** How dynamic modules of a quantized PyTorch model round what they read. */
export const DYNAMIC_ACTIVATIONS = {
  torch: { largest: 127, about: "to 7 bits, as PyTorch's x86 engines do: the same numbers as PyTorch" },
  onnx: { largest: 255, about: 'to 8 bits, by DynamicQuantizeLinear: finer than PyTorch, and one operator' },
} as const;
export type DynamicActivations = keyof typeof DYNAMIC_ACTIVATIONS;
export const DYNAMIC_ACTIVATION_NAMES = Object.keys(DYNAMIC_ACTIVATIONS) as readonly DynamicActivations[];
export const DEFAULT_DYNAMIC_ACTIVATIONS: DynamicActivations = 'torch';

/**
 * Where scales come from: calibration data, each run, the weights alone (activations stay float), or the INT8 model
 * that PyTorch made.
 */
export const APPROACHES = {
  static: { needsCalibration: true, hasFormats: true },
  dynamic: { needsCalibration: false, hasFormats: false },
  'weight-only': { needsCalibration: false, hasFormats: true },
  transferred: { needsCalibration: false, hasFormats: true },
} as const satisfies Record<string, { readonly needsCalibration: boolean; readonly hasFormats: boolean }>;

export type Approach = keyof typeof APPROACHES;
export const APPROACH_NAMES = Object.keys(APPROACHES) as readonly Approach[];
/** Those that torchferry computes itself, from an FP32 model alone. */
export type ComputedApproach = Exclude<Approach, 'transferred'>;
export const COMPUTED_APPROACHES = APPROACH_NAMES.filter((name): name is ComputedApproach => name !== 'transferred');
/** The one that is meant when none is named. */
export const approachFor = (hasCalibration: boolean): ComputedApproach => (hasCalibration ? 'static' : 'dynamic');

/** How codes are written: between Quantize/DequantizeLinear pairs, or by operators on codes. */
export const QUANT_FORMATS = {
  QDQ: { aliases: [] },
  QLinear: { aliases: ['QOperator'] },
} as const satisfies Record<string, { readonly aliases: readonly string[] }>;

export type QuantFormat = keyof typeof QUANT_FORMATS;
export const QUANT_FORMAT_NAMES = Object.keys(QUANT_FORMATS) as readonly QuantFormat[];
export const DEFAULT_FORMAT: QuantFormat = 'QDQ';

/** What becomes of the conditions on input sizes that PyTorch recorded a program under. */
export const GUARDS = ['report', 'check'] as const;
export type GuardsOption = (typeof GUARDS)[number];

/**
 * Where an operator of onnxruntime loses NaN that PyTorch carries: it stays as it is, or is written in a longer form
 * that carries it. What carries NaN at hardly any cost does so in both.
 */
export const NAN = ['fast', 'exact'] as const;
export type NaNOption = (typeof NAN)[number];

/** Where weights go: into the .onnx, into one file beside it, or nowhere because they lie in the PyTorch file. */
export const WEIGHTS = ['embed', 'pack', 'link'] as const;
export type Weights = (typeof WEIGHTS)[number];

/** What outputs are compared with, and what readers call it. */
export const AGAINST = { pytorch: 'PyTorch', fp32: VARIANTS.fp32.title } as const;
export type Against = keyof typeof AGAINST;

/**
 * Processors a quantized model is made for. x64 without VNNI adds uint8 x int8 products in pairs of 16 bits, which
 * saturate where weights are large.
 */
export const PROCESSORS = {
  any: { addsPairsIn16Bits: true, padsChannels: true, title: 'any processor' },
  vnni: { addsPairsIn16Bits: false, padsChannels: true, title: 'x64 with VNNI' },
  arm64: { addsPairsIn16Bits: false, padsChannels: false, title: 'ARM64' },
} as const satisfies Record<string, ProcessorFacts>;

interface ProcessorFacts {
  readonly addsPairsIn16Bits: boolean;
  /** onnxruntime has faster integer convolutions for a multiple of four channels. */
  readonly padsChannels: boolean;
  readonly title: string;
}

export type Processor = keyof typeof PROCESSORS;
export const PROCESSOR_NAMES = Object.keys(PROCESSORS) as readonly Processor[];
export const DEFAULT_PROCESSOR: Processor = 'any';

/** Types of codes that can be chosen for activations and for weights, as onnxruntime's tool names them. */
export const QUANT_TYPES = {
  QUInt8: { dtype: 'uint8', addsPairs: false },
  QInt8: { dtype: 'int8', addsPairs: true },
  QUInt16: { dtype: 'uint16', addsPairs: false },
  QInt16: { dtype: 'int16', addsPairs: false },
} as const satisfies Record<string, QuantTypeRow>;
interface QuantTypeRow {
  readonly dtype: string;
  /** As a weight its products are added in 16 bits by some processors. */
  readonly addsPairs: boolean;
}
export type QuantType = keyof typeof QUANT_TYPES;
export const QUANT_TYPE_NAMES = Object.keys(QUANT_TYPES) as readonly QuantType[];
export const WEIGHT_TYPE_NAMES = ['QUInt8', 'QInt8', 'QInt16'] as const satisfies readonly QuantType[];
export type WeightType = (typeof WEIGHT_TYPE_NAMES)[number];
export const DEFAULT_QUANT_TYPES = { activation: 'QUInt8', weight: 'QInt8' } as const satisfies Record<
  string,
  QuantType
>;

/** How many neighbours of a weight, along what is summed, share a scale where only weights are quantized. */
export const BLOCK_SIZES = [32, 64, 128] as const;
export type BlockSize = (typeof BLOCK_SIZES)[number];
/** Of a code where only weights are quantized. */
export const WEIGHT_BITS = [4, 8] as const;
export type WeightBits = (typeof WEIGHT_BITS)[number];

/** How scales and codes of blocks are found, by their names in the field. */
export const WEIGHT_ALGORITHMS = {
  RTN: { needsCalibration: false, about: 'round to nearest' },
  HQQ: { needsCalibration: false, about: 'half-quadratic: scales and zero points that leave the smallest errors' },
  GPTQ: { needsCalibration: true, about: 'what is lost by one weight is made up for by the next, on calibration data' },
} as const satisfies Record<string, { readonly needsCalibration: boolean; readonly about: string }>;
export type WeightAlgorithm = keyof typeof WEIGHT_ALGORITHMS;
export const WEIGHT_ALGORITHM_NAMES = Object.keys(WEIGHT_ALGORITHMS) as readonly WeightAlgorithm[];

/** `sym` and `asym`, as Intel's tools say it. */
export const SCHEMES = ['sym', 'asym'] as const;

/** Weight-only quantization, as onnxruntime's and Intel's tools name its options. */
export interface WeightOnly {
  readonly bits: WeightBits;
  readonly blockSize: BlockSize;
  /** The zero point is the middle code, and not stored. */
  readonly symmetric: boolean;
  readonly algorithm: WeightAlgorithm;
  /** Also tables that are looked up by row. */
  readonly embeddings: boolean;
}
/** Of the weights of a model whose weights alone are quantized. */
export const bitsOf = (dtype: VariantDtype): WeightBits => (VARIANTS[dtype].bits === 4 ? 4 : 8);

export const DEFAULT_WEIGHT_ONLY: WeightOnly = {
  bits: 4,
  blockSize: 64,
  symmetric: false,
  algorithm: 'RTN',
  embeddings: false,
};

/** What a quantized model can be asked to keep, by the names of the job; the command line has them with hyphens. */
export const CRITERIA = {
  maxTop1Drop: {
    about: 'points of top-1 accuracy that a quantized model may lose against FP32, on the same labelled samples',
    bounds: {},
  },
  minTop1Agreement: {
    about: 'smallest share, 0 to 1, of rows whose largest score stays at the same place',
    bounds: { min: 0, max: 1 },
  },
  minSqnr: {
    about: 'smallest signal to quantization noise ratio of any floating-point output, in decibels',
    bounds: {},
  },
  maxLatencyRatio: {
    about: 'longest median latency, as a multiple of that of FP32 in the same runs',
    bounds: { min: 0 },
  },
  maxSizeRatio: { about: 'largest size, as a multiple of that of FP32', bounds: { min: 0 } },
} as const satisfies Record<string, { readonly about: string; readonly bounds: { min?: number; max?: number } }>;

export type CriterionName = keyof typeof CRITERIA;
export const CRITERION_NAMES = Object.keys(CRITERIA) as readonly CriterionName[];
/** Limits that are set. */
export type Criterion = { readonly [N in CriterionName]?: number };

/** What is done so that quantization loses less, by the names of options; the order of channels needs none. */
export const ADJUSTMENTS = {
  channel_order: { title: 'Order of channels', changesRanges: false },
  cross_layer_equalization: { title: 'Cross-layer equalization', changesRanges: true },
  smooth_quant: { title: 'SmoothQuant', changesRanges: true },
  bias_correction: { title: 'Bias correction', changesRanges: false },
} as const satisfies Record<string, { readonly title: string; readonly changesRanges: boolean }>;
export type AdjustmentName = keyof typeof ADJUSTMENTS;

/** How far SmoothQuant moves what is uneven from activations to weights: 0 not at all, 1 all of it; auto: by layer. */
export type Alpha = number | 'auto';
export interface SmoothQuant {
  readonly alpha: Alpha;
}
export const DEFAULT_SMOOTH_QUANT: SmoothQuant = { alpha: 'auto' };

/** What accuracy is measured by where a model is tuned for it. */
export const ACCURACY_METRICS = {
  top1: { title: 'Top-1', unit: 'share', maxDrop: 0.01, min: null, about: 'share of labels that are recognized' },
  top1_agreement: {
    title: 'Top-1 agreement with FP32',
    unit: 'share',
    maxDrop: 0.01,
    min: null,
    about: 'share of samples whose largest score stays at the same place',
  },
  sqnr: {
    title: 'SQNR from FP32',
    unit: 'decibels',
    maxDrop: null,
    min: 15,
    about: 'decibels; FP32 has no end of them',
  },
  mse: { title: 'Mean squared error', unit: 'number', maxDrop: null, min: null, about: 'distance from FP32, squared' },
} as const satisfies Record<string, AccuracyMetricRow>;

interface AccuracyMetricRow {
  readonly title: string;
  readonly unit: 'share' | 'decibels' | 'number';
  /** What may be lost against FP32 when nothing is said; null: it has to be said, or `min`. */
  readonly maxDrop: number | null;
  /** What must be there when nothing is said. */
  readonly min: number | null;
  readonly about: string;
}
export type AccuracyMetric = keyof typeof ACCURACY_METRICS;
export const ACCURACY_METRIC_NAMES = Object.keys(ACCURACY_METRICS) as readonly AccuracyMetric[];

/** How accurate a tuned model has to be; what is left out is the default of the metric. */
export interface AccuracyGoal {
  /** Left out: the first that can be measured, in the order of the table. */
  readonly metric?: AccuracyMetric;
  /** What may be lost against FP32, in the unit of the metric. */
  readonly max_drop?: number;
  /** What must be there, whatever FP32 has. */
  readonly min?: number;
}

/** How long is looked for it. */
export interface TuningBounds {
  readonly trials: number;
  readonly seconds: number;
}
/** The stage that tunes has fifteen minutes on AWS. */
export const DEFAULT_TUNING: TuningBounds = { trials: 100, seconds: 600 };
