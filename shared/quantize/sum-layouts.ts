/**
 * In which order integer kernels add products. x64 processors without VNNI add them in pairs, 16 bits wide: 0 and 1, 2
 * and 3, ... of that order (vpmaddubsw), and 255 * a + 255 * b saturates where |a + b| > 128.
 */
import type { Node } from '../onnx/ir.ts';
import { int } from '../onnx/match.ts';
import type { SumLayout } from '../tensor/pair-sums.ts';

/** Largest sum of two neighbouring int8 codes that 16 bits hold for any two uint8 activations. */
export const PAIR_LIMIT = 128;

/** Of a constant of this shape, as the node reads it: every order a kernel may take. None: it sums in 32 bits. */
export type SumLayouts = (node: Node, shape: readonly number[]) => readonly SumLayout[];

const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);

/** `[..., K, N]`: along K. */
export const alongColumns: SumLayouts = (_, shape) => [
  { outer: product(shape.slice(0, -2)), length: shape.at(-2) ?? 1, inner: shape.at(-1) ?? 1, order: null },
];

/** `[N, K]`: along K. */
export const alongRows: SumLayouts = (_, [rows = 1, length = 1]) => [{ outer: rows, length, inner: 1, order: null }];

export const ofGemm: SumLayouts = (node, shape) => (int(node, 'transB') ? alongRows : alongColumns)(node, shape);

/**
 * `[M, C, ...kernel]`: along kernel x C, as onnxruntime turns images to NHWC, and along C x kernel, as they lie. The
 * kernel of depthwise convolutions with one output for each channel sums in 32 bits.
 */
export const ofConv: SumLayouts = (node, [outer = 1, channels = 1, ...kernel]) => {
  if (channels === 1 && outer === int(node, 'group')) return [];
  const places = product(kernel);
  const sums = { outer, length: channels * places, inner: 1 } as const;
  const isOneOrder = channels === 1 || places === 1;
  return [{ ...sums, order: null }, ...(isOneOrder ? [] : [{ ...sums, order: channelsLast(channels, places) }])];
};

const channelsLast = (channels: number, places: number): Int32Array =>
  Int32Array.from({ length: channels * places }, (_, i) => (i % channels) * places + Math.floor(i / channels));
