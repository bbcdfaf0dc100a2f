/** Quantization recipes: what to quantize, to which codes, as data. */
import {
  DEFAULT_WEIGHT_ONLY,
  type Processor,
  PROCESSORS,
  QUANT_TYPES,
  type QuantType,
  type WeightOnly,
} from '../choices.ts';
import { fail } from '../errors.ts';
import type { CodeDtype } from '../tensor/qparams.ts';
import { PAIR_LIMIT } from './sum-layouts.ts';

/** How a range of numbers becomes codes. */
export interface CodeSpec {
  readonly dtype: CodeDtype;
  /** Zero point 0, the range as wide on both sides. */
  readonly symmetric: boolean;
  /** What the ends of the range become: a part of what the type holds. */
  readonly low: number;
  readonly high: number;
  /** Largest sum of two int8 codes whose products with uint8 a kernel may add in 16 bits; null: it need not care. */
  readonly pairLimit: number | null;
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
  };
  /** What weights become where only they are quantized. */
  readonly weightOnly: WeightOnly;
}

/** By type. Weights are symmetric, so that all channels have one zero point, as QLinearConv asks. */
const ACTIVATIONS = {
  uint8: { dtype: 'uint8', symmetric: false, low: 0, high: 255, pairLimit: null },
  int8: { dtype: 'int8', symmetric: false, low: -128, high: 127, pairLimit: null },
} as const satisfies Record<string, CodeSpec>;
const WEIGHTS = {
  int8: { dtype: 'int8', symmetric: true, low: -127, high: 127, pairLimit: PAIR_LIMIT },
  uint8: { dtype: 'uint8', symmetric: true, low: 1, high: 255, pairLimit: null },
} as const satisfies Record<string, CodeSpec>;
/** How far codes of seven bits are from their zero point: no two of them can overflow, whichever are added. */
const REDUCED = 64;

/** onnxruntime on CPU: everything that becomes faster or four times smaller, at the least cost in accuracy. */
const DEFAULT: Recipe = {
  weights: WEIGHTS.int8,
  activations: ACTIVATIONS.uint8,
  bias: 'float',
  output: { linear: 'float', product: 'float' },
  targets: { products: false, withoutKernel: false },
  weightOnly: DEFAULT_WEIGHT_ONLY,
};

/** Every operator that has an integer form. */
const FULL: Pick<Recipe, 'output' | 'targets'> = {
  output: { linear: 'float', product: 'codes' },
  targets: { products: true, withoutKernel: true },
};

/** Named as Intel Neural Compressor 2.x names them. */
export const RECIPES = {
  QDQ_OP_FP32_BIAS: DEFAULT,
  QDQ_OP_INT32_BIAS: { ...DEFAULT, bias: 'int32' },
  QDQ_OP_FP32_BIAS_QDQ: { ...DEFAULT, output: { ...DEFAULT.output, linear: 'codes' } },
} as const satisfies Record<string, Recipe>;

export type RecipeName = keyof typeof RECIPES;
export const DEFAULT_RECIPE: RecipeName = 'QDQ_OP_FP32_BIAS';

/** A recipe by name and what is changed of it: any of them goes with any other. */
export interface RecipeChoice {
  readonly recipe?: RecipeName | Recipe;
  /** Where it will run: codes of weights are chosen so that sums are exact there. */
  readonly processor?: Processor;
  /** int8 by uint8 has no kernel and is refused; dynamic quantization has uint8 activations always. */
  readonly activationType?: QuantType;
  readonly weightType?: QuantType;
  /** Seven-bit weights. */
  readonly reduceRange?: boolean;
  /** Every operator that has an integer form, products of two computed tensors included. */
  readonly full?: boolean;
  /** What is left out is the default. */
  readonly weightOnly?: Partial<WeightOnly>;
}

export function recipeOf(choice: RecipeChoice): Recipe {
  const { recipe = DEFAULT_RECIPE, full } = choice;
  const base: Recipe = typeof recipe === 'string' ? RECIPES[recipe] : recipe;
  const { activationType } = choice;
  const activations = activationType ? ACTIVATIONS[QUANT_TYPES[activationType]] : base.activations;
  const weights = weightsOf(base.weights, choice);
  if (activations.dtype === 'int8' && weights.dtype === 'uint8')
    fail('BadOption', { option: 'weight_type', value: 'QUInt8', expected: 'QInt8 where activation_type is QInt8' });
  return {
    ...base,
    activations,
    weights,
    weightOnly: { ...base.weightOnly, ...choice.weightOnly },
    ...(full ? { ...FULL, output: { ...base.output, product: FULL.output.product } } : {}),
  };
}

function weightsOf(base: CodeSpec, { weightType, processor, reduceRange }: RecipeChoice): CodeSpec {
  const weights: CodeSpec = weightType ? WEIGHTS[QUANT_TYPES[weightType]] : base;
  const zero = zeroOf(weights);
  const isFree = processor !== undefined && !PROCESSORS[processor].addsPairsIn16Bits;
  return {
    ...weights,
    ...(reduceRange ? { low: zero - REDUCED, high: zero + REDUCED } : {}),
    ...(isFree ? { pairLimit: null } : {}),
  };
}

/** The zero point of a symmetric spec. */
export const zeroOf = ({ low, high }: CodeSpec): number => (low + high) / 2;
