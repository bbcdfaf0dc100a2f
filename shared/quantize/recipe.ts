/** Quantization recipes: what to quantize and on which grid, as data. */

export interface QuantizationRecipe {
  /** MatMul of two computed tensors, as in attention. Costs accuracy; weights are where the size and most of the time are. */
  readonly products: boolean;
  /** Give MatMul an integer output where the next operator reads codes. In float its bias can be added before anything is rounded. */
  readonly matmulOutput: boolean;
  /** Also operators that onnxruntime has no integer kernel for on CPU: they shrink and are rounded, but run in float. */
  readonly withoutKernel: boolean;
  /** Seven-bit weights: for x64 processors without VNNI, whose u8 x s8 products saturate in 16 bits. */
  readonly reduceRange: boolean;
}

const DEFAULT: QuantizationRecipe = { products: false, matmulOutput: false, withoutKernel: false, reduceRange: false };

export const RECIPES = {
  /** onnxruntime on CPU: everything that becomes faster or four times smaller, at the least cost in accuracy. */
  default: DEFAULT,
  /** Every operator that has an integer form. */
  full: { ...DEFAULT, products: true, matmulOutput: true, withoutKernel: true },
  /** For x64 without VNNI. */
  'reduce-range': { ...DEFAULT, reduceRange: true },
} as const satisfies Record<string, QuantizationRecipe>;

export type RecipeName = keyof typeof RECIPES;

export const isRecipeName = (name: string): name is RecipeName => Object.hasOwn(RECIPES, name);
