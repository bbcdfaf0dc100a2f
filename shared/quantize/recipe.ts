/** Quantization recipes: what to quantize and on which grid, as data. */

export interface QuantizationRecipe {
  /**
   * Where the bias of a Linear that is MatMul and Add is added: as float, or on the int32 grid of the sums. A product
   * of two
   * matrices is a Gemm to onnxruntime, whose bias is int32 always.
   */
  readonly bias: 'float' | 'int32';
  /** Round what such a Linear gives, bias included, as PyTorch's quantized modules do. */
  readonly roundLinear: boolean;
  /**
   * MatMul of two computed tensors, as in attention. Costs accuracy; weights are where the size and most of the time
   * are.
   */
  readonly products: boolean;
  /**
   * Give MatMul an integer output where the next operator reads codes. In float its bias can be added before anything
   * is rounded.
   */
  readonly matmulOutput: boolean;
  /**
   * Also operators that onnxruntime has no integer kernel for on CPU: they shrink and are rounded, but run in float.
   */
  readonly withoutKernel: boolean;
  /** Seven-bit weights: for x64 processors without VNNI, whose u8 x s8 products saturate in 16 bits. */
  readonly reduceRange: boolean;
}

/** onnxruntime on CPU: everything that becomes faster or four times smaller, at the least cost in accuracy. */
const DEFAULT: QuantizationRecipe = {
  bias: 'float',
  roundLinear: false,
  products: false,
  matmulOutput: false,
  withoutKernel: false,
  reduceRange: false,
};

/** The first three are named as Intel Neural Compressor 2.x names them. */
export const RECIPES = {
  QDQ_OP_FP32_BIAS: DEFAULT,
  QDQ_OP_INT32_BIAS: { ...DEFAULT, bias: 'int32' },
  QDQ_OP_FP32_BIAS_QDQ: { ...DEFAULT, roundLinear: true },
  /** Every operator that has an integer form. */
  full: { ...DEFAULT, products: true, matmulOutput: true, withoutKernel: true },
  /** For x64 without VNNI. */
  reduce_range: { ...DEFAULT, reduceRange: true },
} as const satisfies Record<string, QuantizationRecipe>;

export type RecipeName = keyof typeof RECIPES;
export const DEFAULT_RECIPE: RecipeName = 'QDQ_OP_FP32_BIAS';
