/** Why a node of an operator with a quantized form has none. */
import type { Node } from '../onnx/ir.ts';
import { constantOf, float as floatOf, int, ints, string } from '../onnx/match.ts';

export const isConstantPad = (node: Node): boolean => string(node, 'mode') === 'constant';

export function refusePad(node: Node): string | null {
  return isConstantPad(node) && !padsWithZero(node) ? 'it pads with something else than 0' : null;
}

function padsWithZero(node: Node): boolean {
  const value = node.inputs[2];
  return !value || (constantOf(value)?.memory?.every((byte) => byte === 0) ?? false);
}

export function refuseResize(node: Node): string | null {
  if (string(node, 'mode') !== 'nearest') return 'only nearest neighbours keep the codes';
  return string(node, 'coordinate_transformation_mode') === 'tf_crop_and_resize' ? 'it crops' : null;
}

export function refuseProduct(node: Node): string | null {
  return node.inputs.some((input) => constantOf(input)?.shape.length === 1) ? 'it multiplies by a vector' : null;
}

export function refuseDynamicGemm(node: Node): string | null {
  if (int(node, 'transA')) return 'its left side is transposed';
  const isScaled = node.inputs[2] && floatOf(node, 'beta') !== 1;
  return isScaled && constantOf(node.inputs[2])?.dtype !== 'float32' ? 'beta is not 1 and its bias is computed' : null;
}

export function refusePool(node: Node): string | null {
  const isDilated = ints(node, 'dilations')?.some((d) => Number(d) !== 1);
  return isDilated ? 'the integer kernel has no dilations' : null;
}

// The codes of what remains always include that of 0 and saturate at their ends: a clip that excludes 0 would not be
// the same.
export function refuseClip(node: Node): string | null {
  for (const [index, allowed] of [
    [1, (x: number) => x <= 0],
    [2, (x: number) => x >= 0],
  ] as const) {
    const input = node.inputs[index];
    if (!input) continue;
    const data = constantOf(input);
    if (!data?.memory || data.dtype !== 'float32') return 'its bounds are not constant';
    if (!allowed(new DataView(data.memory.buffer, data.memory.byteOffset).getFloat32(0, true)))
      return 'its bounds exclude 0';
  }
  return null;
}

/** Mean and deviation, or what training changes. */
export const refuseStatistics = (node: Node): string | null =>
  node.outputs.length > 1 ? 'more than its first result is used' : null;

/** A graph inside would see codes it does not know of. */
export const refuseSubgraph = (node: Node): string | null =>
  [...node.attributes.values()].some(({ kind }) => kind === 'graph') ? 'it has a graph inside' : null;

const constantFloats = (node: Node, inputs: readonly number[]): boolean =>
  inputs.every((i) => constantOf(node.inputs[i])?.dtype === 'float32');

/** The kernel wants time first, and knows its weights. */
export function refuseRecurrent(node: Node): string | null {
  if (int(node, 'layout') === 1) return 'it has the batch first';
  return constantFloats(node, [1, 2]) ? null : 'its weights are computed';
}

/** What QAttention has, of com.microsoft.Attention. */
const OF_QATTENTION: ReadonlySet<string> = new Set(
  'do_rotary mask_filter_value num_heads past_present_share_buffer scale unidirectional'.split(' '),
);

export function refuseAttention(node: Node): string | null {
  const other = [...node.attributes.keys()].find((name) => !OF_QATTENTION.has(name));
  if (other) return `its integer kernel has no ${other}`;
  if (node.inputs[5] || node.inputs[6]) return 'its integer kernel adds nothing to the scores';
  if (!node.inputs[2]) return 'its integer kernel wants a bias';
  return constantFloats(node, [1]) ? null : 'its weight is computed';
}

export function refuseEmbedding(node: Node): string | null {
  if (node.outputs.length > 2) return 'its integer kernel does not give the sum of embeddings';
  if (node.inputs[8]) return 'its integer kernel takes no positions';
  const tables = [2, 3, 4, 5, 6].filter((i) => i !== 4 || node.inputs[4]);
  return constantFloats(node, tables) ? null : 'one of its tables is computed';
}
