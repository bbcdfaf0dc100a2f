/** Operators with weights as layers: where channels lie in what they read, in their weight and in what they give. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf, int } from '../../onnx/match.ts';
import { channelsOf } from '../../tensor/arithmetic.ts';
import { channelCount, type GroupedChannels, ungrouped } from '../../tensor/grouped-channels.ts';

/** A constant among the inputs of a node, and the channels its elements belong to. */
export interface ChannelConstant {
  readonly node: Node;
  readonly index: number;
  readonly view: GroupedChannels;
}

/** Channels of a tensor: how many there are, and how many axes follow theirs. */
export interface ChannelAxis {
  readonly count: number;
  readonly trailing: number;
}

type View = (node: Node, shape: readonly number[]) => GroupedChannels | null;

interface LayerRow {
  /** Whether a weight of this shape is one. */
  readonly fits: (shape: readonly number[]) => boolean;
  /** Elements of the weight by the channels they multiply; null: they cannot be told apart. */
  readonly reads: View;
  /** By the channels they are summed to. */
  readonly gives: View;
}

const along = (shape: readonly number[], axis: number): GroupedChannels => ungrouped(channelsOf(shape, axis));
const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);

/** `[rows, columns, ...kernel]`, rows in groups: each group has columns of its own. */
function byColumn(node: Node, [rows = 1, columns = 1, ...kernel]: readonly number[]): GroupedChannels {
  const groups = int(node, 'group') ?? 1;
  return { groups, outer: rows / groups, channels: columns, inner: product(kernel) };
}

const isMatrix = (shape: readonly number[]): boolean => shape.length === 2;
const isKernel = (shape: readonly number[]): boolean => shape.length > 2;

const LAYERS: Readonly<Record<string, LayerRow>> = {
  MatMul: { fits: isMatrix, reads: (_, shape) => along(shape, 0), gives: (_, shape) => along(shape, 1) },
  Gemm: {
    fits: isMatrix,
    reads: (node, shape) => (int(node, 'transA') ? null : along(shape, int(node, 'transB') ? 1 : 0)),
    gives: (node, shape) => along(shape, int(node, 'transB') ? 0 : 1),
  },
  Conv: { fits: isKernel, reads: byColumn, gives: (_, shape) => along(shape, 0) },
  ConvTranspose: { fits: isKernel, reads: (_, shape) => along(shape, 0), gives: byColumn },
};
const WEIGHT = 1;

/** The weight of a node, seen by what it reads or by what it gives; null: it is no layer with a constant weight. */
function weightBy(side: 'reads' | 'gives', node: Node): ChannelConstant | null {
  const row = node.domain === '' && Object.hasOwn(LAYERS, node.op) ? LAYERS[node.op]! : null;
  const data = constantOf(node.inputs[WEIGHT]);
  if (!row || data?.dtype !== 'float32' || !row.fits(data.shape)) return null;
  const view = row[side](node, data.shape);
  return view && { node, index: WEIGHT, view };
}

export const weightByInput = (node: Node): ChannelConstant | null => weightBy('reads', node);
export const weightByOutput = (node: Node): ChannelConstant | null => weightBy('gives', node);

/** Where those channels lie in the tensor that is read or given: last by matrices, second by kernels. */
export const axisOf = ({ node, index, view }: ChannelConstant): ChannelAxis => ({
  count: channelCount(view),
  trailing: constantOf(node.inputs[index])!.shape.length - 2,
});
