/** Quantization recipes: what to quantize, to which codes, as data. */
import {
  DEFAULT_WEIGHT_ONLY,
  type Processor,
  PROCESSORS,
  type QuantFormat,
  QUANT_TYPES,
  type QuantType,
  type WeightOnly,
  type WeightType,
} from '../choices.ts';
import { fail } from '../errors.ts';
import { roundHalfEven } from '../tensor/arithmetic.ts';
import { type CodeDtype, CODES } from '../tensor/qparams.ts';
import type { ExtraOptions } from './extra-options.ts';
import type { NodeChoice } from './which-nodes.ts';
import { PAIR_LIMIT } from './sum-layouts.ts';

/** How a range of numbers becomes codes. */
export interface CodeSpec {
  readonly dtype: CodeDtype;
  /** The zero point is the middle code, the range as wide on both sides. */
  readonly symmetric: boolean;
  /** What the ends of the range become: a part of what the type holds. */
  readonly low: number;
  readonly high: number;
  /** Largest sum of two int8 codes whose products with uint8 a kernel may add in 16 bits; null: it need not care. */
  readonly pairLimit: number | null;
  /** A narrower range is widened upwards. Left out: 0. */
  readonly minimumRange?: number;
  /** The zero point is the lowest code, or the middle one where something is below 0. Left out: any code. */
  readonly restricted?: boolean;
}

export interface Recipe {
  readonly weights: CodeSpec;
  readonly activations: CodeSpec;
  /**
   * Where the bias of a Linear that is MatMul and Add is added: as float, or to the int32 sums. A product of two
   * matrices is a Gemm to onnxruntime, whose bias is int32 always.
   */
  readonly bias: 'float' | 'int32';
  readonly output: {
    /** Of such a Linear, bias included: `codes` rounds it, as PyTorch's quantized modules do. */
    readonly linear: 'float' | 'codes';
    /**
     * Of MatMul where the next operator reads codes. In float its bias can be added before anything is rounded.
     */
    readonly product: 'float' | 'codes';
  };
  readonly targets: {
    /**
     * MatMul of two computed tensors, as in attention. Costs accuracy; weights are where the size and most of the time
     * are.
     */
    readonly products: boolean;
    /**
     * Also operators that onnxruntime has no integer kernel for on CPU: they shrink and are rounded, but run in float.
     */
    readonly withoutKernel: boolean;
    /** Operators that are named: also those that stay in float otherwise. None: all that make something faster. */
    readonly operators: readonly string[];
  };
  /** Weights have a scale for each channel of their results, else one for all. */
  readonly perChannel: boolean;
  /** Of onnxruntime's tool, by its names. */
  readonly extra: ExtraOptions;
  /** What weights become where only they are quantized. */
  readonly weightOnly: WeightOnly;
}

/** What the ends of a symmetric range become, where it is not the whole type, as in onnxruntime's tool. */
const SYMMETRIC: Readonly<Partial<Record<CodeDtype, Ends>>> = {
  int8: { low: -127, high: 127 },
  int16: { low: -32767, high: 32767 },
};

/** The codes that the ends of a range become. Weights of uint8 are those of int8, moved. */
export const ENDS = {
  activation: ({ dtype, symmetric }: Kind): Ends => (symmetric && SYMMETRIC[dtype]) || CODES[dtype],
  weight: (kind: Kind): Ends =>
    kind.symmetric && kind.dtype === 'uint8' ? { low: 1, high: 255 } : ENDS.activation(kind),
} as const;
type Ends = Pick<CodeSpec, 'low' | 'high'>;
type Kind = Pick<CodeSpec, 'dtype' | 'symmetric'>;

const activationSpec = (type: QuantType, { symmetric }: Pick<Kind, 'symmetric'>): CodeSpec => {
  const kind = { dtype: QUANT_TYPES[type].dtype, symmetric };
  return { ...kind, ...ENDS.activation(kind), pairLimit: null };
};
const weightSpec = (type: QuantType, { symmetric }: Pick<Kind, 'symmetric'>): CodeSpec => {
  const { dtype, addsPairs } = QUANT_TYPES[type];
  const kind = { dtype, symmetric };
  return { ...kind, ...ENDS.weight(kind), pairLimit: addsPairs ? PAIR_LIMIT : null };
};

/** onnxruntime on CPU: everything that becomes faster or four times smaller, at the least cost in accuracy. */
const DEFAULT: Recipe = {
  weights: weightSpec('QInt8', { symmetric: true }),
  activations: activationSpec('QUInt8', { symmetric: false }),
  bias: 'float',
  output: { linear: 'float', product: 'float' },
  targets: { products: false, withoutKernel: false, operators: [] },
  perChannel: true,
  extra: {},
  weightOnly: DEFAULT_WEIGHT_ONLY,
};

/** Named as Intel Neural Compressor 2.x names them. */
export const RECIPES = {
  QDQ_OP_FP32_BIAS: DEFAULT,
  QDQ_OP_INT32_BIAS: { ...DEFAULT, bias: 'int32' },
  QDQ_OP_FP32_BIAS_QDQ: { ...DEFAULT, output: { ...DEFAULT.output, linear: 'codes' } },
} as const satisfies Record<string, Recipe>;

export type RecipeName = keyof typeof RECIPES;
export const DEFAULT_RECIPE: RecipeName = 'QDQ_OP_FP32_BIAS';

/** What `recipe` may say: one of them, or that recipe, form and calibrator are to be found by trial. */
export type AskedRecipe = RecipeName | 'auto';
// Object.keys forgets the names.
export const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];
export const ASKED_RECIPES: readonly AskedRecipe[] = [...RECIPE_NAMES, 'auto'];
/** The one that is meant where there is nothing to try: codes that PyTorch chose. */
export const fixedRecipe = (asked: AskedRecipe = DEFAULT_RECIPE): RecipeName =>
  asked === 'auto' ? DEFAULT_RECIPE : asked;

/** A recipe by name and what is changed of it: any of them goes with any other. */
export interface RecipeChoice {
  readonly recipe?: RecipeName | Recipe;
  /** Where it will run: codes of weights are chosen so that sums are exact there. */
  readonly processor?: Processor;
  /** int8 by uint8 has no kernel and is refused; dynamic quantization has uint8 activations always. */
  readonly activationType?: QuantType;
  readonly weightType?: WeightType;
  /** Seven-bit weights. */
  readonly reduceRange?: boolean;
  /** A scale for each channel of a weight; false: one for all of them, as onnxruntime's tool has it by default. */
  readonly perChannel?: boolean;
  /** Every operator that has an integer form, products of two computed tensors included. */
  readonly full?: boolean;
  /** What is left out is the default. */
  readonly weightOnly?: Partial<WeightOnly>;
  /** By the names of onnxruntime's tool. */
  readonly extraOptions?: ExtraOptions;
}

export function recipeOf(choice: RecipeChoice & Pick<NodeChoice, 'opTypesToQuantize'>): Recipe {
  const { recipe = DEFAULT_RECIPE, full = false } = choice;
  const base: Recipe = typeof recipe === 'string' ? RECIPES[recipe] : recipe;
  const extra = { ...base.extra, ...choice.extraOptions };
  const activations = activationsOf(base.activations, choice, extra);
  const weights = weightsOf(base.weights, choice, extra);
  const perChannel = choice.perChannel ?? base.perChannel;
  requireKernels({ activations, weights, perChannel });
  const { output, targets } = base;
  return {
    ...base,
    activations,
    weights,
    perChannel,
    extra,
    weightOnly: { ...base.weightOnly, ...choice.weightOnly },
    output: full ? { ...output, product: 'codes' } : output,
    targets: {
      products: full || (extra.MatMulConstBOnly === undefined ? targets.products : !extra.MatMulConstBOnly),
      withoutKernel: full || targets.withoutKernel,
      operators: choice.opTypesToQuantize ?? targets.operators,
    },
  };
}

function activationsOf(base: CodeSpec, { activationType }: RecipeChoice, extra: ExtraOptions): CodeSpec {
  const { ActivationSymmetric: symmetric = base.symmetric, MinimumRealRange: minimumRange } = extra;
  const isSame = activationType === undefined && symmetric === base.symmetric;
  const spec = isSame ? base : activationSpec(activationType ?? typeOf(base), { symmetric });
  const restricted = extra.ActivationRestrictedAsymmetric === true;
  if (restricted && (spec.dtype !== 'uint8' || symmetric))
    fail('BadOption', {
      option: 'extra_options.ActivationRestrictedAsymmetric',
      value: 'true',
      expected: 'activation_type QUInt8 without ActivationSymmetric',
    });
  return {
    ...spec,
    ...(minimumRange === undefined ? {} : { minimumRange }),
    ...(restricted ? { restricted } : {}),
  };
}

function weightsOf(
  base: CodeSpec,
  { weightType, processor, reduceRange }: RecipeChoice,
  { WeightSymmetric, MinimumRealRange: minimumRange }: ExtraOptions,
): CodeSpec {
  const symmetric = WeightSymmetric ?? base.symmetric;
  const isChanged = weightType !== undefined || symmetric !== base.symmetric;
  const weights = isChanged ? weightSpec(weightType ?? typeOf(base), { symmetric }) : base;
  const isFree = processor !== undefined && !PROCESSORS[processor].addsPairsIn16Bits;
  return {
    ...weights,
    ...(reduceRange ? reduced(weights) : {}),
    ...(isFree ? { pairLimit: null } : {}),
    ...(minimumRange === undefined ? {} : { minimumRange }),
  };
}

// Object.keys forgets the names.
const typeOf = ({ dtype }: CodeSpec): QuantType =>
  (Object.keys(QUANT_TYPES) as QuantType[]).find((type) => QUANT_TYPES[type].dtype === dtype)!;

/** As in onnxruntime's tool; a symmetric range keeps its zero point. */
export function reduced(spec: CodeSpec): Ends {
  const { low, high } = CODES[spec.dtype];
  const quarter = (high - low + 1) / 4;
  if (low === 0 && !spec.symmetric) return { low, high: 2 * quarter - 1 };
  const zero = spec.symmetric ? zeroOf(spec) : 0;
  return { low: zero - quarter, high: zero + quarter };
}

/**
 * The recipe for a form: onnxruntime's kernels add int8 by int8 in 32 bits, but where an operator stands between
 * DequantizeLinear and QuantizeLinear it makes int8 activations uint8 on x64.
 */
export function inForm(recipe: Recipe, format: QuantFormat): Recipe {
  const { activations, weights } = recipe;
  if (activations.dtype !== 'int8' || format === 'QDQ') return recipe;
  return { ...recipe, weights: { ...weights, pairLimit: null } };
}

/** Refuses what no kernel computes, or not as it is meant. */
function requireKernels({
  activations,
  weights,
  perChannel,
}: Pick<Recipe, 'activations' | 'weights' | 'perChannel'>): void {
  if (activations.dtype === 'int8' && weights.dtype === 'uint8')
    fail('BadOption', { option: 'weight_type', value: 'QUInt8', expected: 'QInt8 where activation_type is QInt8' });
  if (weights.symmetric) return;
  const refuse = (expected: string): never =>
    fail('BadOption', { option: 'extra_options.WeightSymmetric', value: 'false', expected });
  if (perChannel) refuse('true, or per_channel false: integer kernels take one zero point for all channels');
  // Pairs are kept apart by scales around 0.
  if (weights.pairLimit !== null && Math.max(-weights.low, weights.high) * 2 > weights.pairLimit)
    refuse('true, or reduce_range, weight_type QUInt8, or a processor other than "any": sums of two products overflow');
}

/** The zero point of a symmetric spec. */
export const zeroOf = ({ low, high }: Ends): number => roundHalfEven((low + high) / 2);
