/** Two operators of a kind in a row become one. */
import { dimText, isStatic } from '../../tensor/dim.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { Node } from '../ir.ts';
import type { Rule } from '../pass.ts';
import { int, integers, ints, producedBy } from '../match.ts';

export const mergeTransposes: Rule = {
  name: 'merge-transposes',
  root: 'Transpose',
  rewrite(node, op) {
    const inner = producedBy(node.inputs[0], 'Transpose');
    const rank = node.inputs[0]?.type?.shape.length;
    if (!inner || rank === undefined) return null;
    const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i);
    const [first, second] = [ints(inner, 'perm') ?? reversed, ints(node, 'perm') ?? reversed];
    return op.Transpose([inner.inputs[0]!], { perm: second.map((p) => first[p]!) });
  },
};

/** Element types whose every value the other holds: casting there and on is casting directly. */
const HOLDS: Readonly<Partial<Record<Dtype, readonly Dtype[]>>> = {
  bool: [
    'uint8',
    'int8',
    'uint16',
    'int16',
    'uint32',
    'int32',
    'uint64',
    'int64',
    'float16',
    'bfloat16',
    'float32',
    'float64',
  ],
  uint8: ['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32', 'float64'],
  int8: ['int16', 'int32', 'int64', 'float16', 'float32', 'float64'],
  uint16: ['uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'],
  int16: ['int32', 'int64', 'float32', 'float64'],
  uint32: ['uint64', 'int64', 'float64'],
  int32: ['int64', 'float64'],
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

export const mergeCasts: Rule = {
  name: 'merge-casts',
  root: 'Cast',
  rewrite(node, op) {
    const inner = producedBy(node.inputs[0], 'Cast');
    const x = inner?.inputs[0];
    const [from, through, to] = [x?.type?.dtype, inner?.outputs[0]!.type?.dtype, node.outputs[0]!.type?.dtype];
    if (!x || !from || !through || !to || !HOLDS[from]?.includes(through)) return null;
    // Saturation and rounding of 8-bit floats are attributes that both casts would have to share.
    if (inner!.attributes.size > 1 || node.attributes.size > 1) return null;
    return from === to ? x : op.Cast([x], { to });
  },
};

/** Axes of the inner one count in the shape between: take them to the last shape. */
export const mergeUnsqueezes: Rule = {
  name: 'merge-unsqueezes',
  root: 'Unsqueeze',
  rewrite(node, op) {
    const inner = producedBy(node.inputs[0], 'Unsqueeze');
    const [x, between] = [inner?.inputs[0], node.inputs[0]?.type?.shape.length];
    const rank = node.outputs[0]!.type?.shape.length;
    const [first, second] = [inner && axesOf(inner, between), axesOf(node, rank)];
    if (!x?.type || rank === undefined || !first || !second) return null;
    const kept = Array.from({ length: rank }, (_, i) => i).filter((axis) => !second.includes(axis));
    return op.Unsqueeze([x, op.ints([...second, ...first.map((axis) => kept[axis]!)].sort((a, b) => a - b))]);
  },
};

const axesOf = (node: Node, rank: number | undefined): number[] | null => {
  const axes = node.inputs[1] ? integers(node.inputs[1]) : ints(node, 'axes');
  return axes && rank !== undefined ? axes.map((axis) => (axis < 0 ? axis + rank : axis)) : null;
};

/** Only the last shape matters, unless it copies a dimension (0) of the one between. */
export const mergeReshapes: Rule = {
  name: 'merge-reshapes',
  root: 'Reshape',
  rewrite(node, op) {
    const inner = producedBy(node.inputs[0], 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze');
    const x = inner?.inputs[0];
    const shape = integers(node.inputs[1]);
    if (!x?.type || !shape || shape.includes(0) || int(node, 'allowzero') === 1) return null;
    return op.Reshape([x, node.inputs[1]!]);
  },
};

/**
 * A computed target shape becomes a constant where Reshape's own 0 (as the input) and -1 (what is left) say the same:
 * the arithmetic on symbolic dimensions before it is no longer needed.
 */
export const constantReshape: Rule = {
  name: 'constant-reshape',
  root: 'Reshape',
  rewrite(node, op) {
    const [x, target] = node.inputs;
    const content = target?.content;
    if (!x?.type || !content || target.data || int(node, 'allowzero') === 1 || content.includes(0)) return null;
    const dims = content.map((dim, i) => {
      if (isStatic(dim)) return dim;
      const given = x.type!.shape[i];
      return given !== undefined && dimText(given) === dimText(dim) ? 0 : -1;
    });
    if (dims.filter((d) => d < 0).length > 1) return null;
    return op.Reshape([x, op.ints(dims)]);
  },
};
