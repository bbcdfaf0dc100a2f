/** Where a constant is added to each channel of what a layer gives. */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf, float, isStandard } from '../../onnx/match.ts';
import type { TensorData } from '../../tensor/data.ts';
import { elementCount } from '../../tensor/type.ts';
import { axisOf, type ChannelAxis, type ChannelConstant, weightByOutput } from './layers.ts';

export interface BiasPlace {
  readonly layer: Node;
  /** The layer, or the Add behind it. */
  readonly node: Node;
  readonly index: number;
  /** One number for each channel, or one for all; null: an input that is still free. */
  readonly data: TensorData | null;
  /** What it is multiplied by. */
  readonly factor: number;
  /** The sum that it is part of. */
  readonly sum: Value;
  readonly axis: ChannelAxis;
}

/** The place, or why there is none. */
export function biasPlaceOf(layer: Node, graph: Graph): BiasPlace | string {
  const weight = weightByOutput(layer);
  if (!weight) return 'its weight is no constant matrix or kernel';
  const axis = axisOf(weight);
  return isStandard(layer, 'MatMul') ? behind(weight, axis, graph) : within(weight, axis);
}

const BIAS = 2;

function within({ node }: ChannelConstant, axis: ChannelAxis): BiasPlace | string {
  const value = node.inputs[BIAS] ?? null;
  const data = constantOf(value);
  const factor = isStandard(node, 'Gemm') ? float(node, 'beta')! : 1;
  if (value && (!data || data.dtype !== 'float32')) return 'its bias is computed';
  if (data && !isVector(data, axis.count)) return 'its bias is no vector';
  if (factor === 0) return 'its bias is multiplied by 0';
  return { layer: node, node, index: BIAS, data, factor, sum: node.outputs[0]!, axis };
}

/** A product has no bias: the next operator adds it. */
function behind({ node }: ChannelConstant, axis: ChannelAxis, graph: Graph): BiasPlace | string {
  const product = node.outputs[0]!;
  const use = product.uses.size === 1 && !graph.isOutput(product) ? [...product.uses][0]! : null;
  const none = 'no bias is added to it, and an Add for one would be another operator';
  if (!use || !isStandard(use.node, 'Add') || use.node.graph !== graph) return none;
  const index = 1 - use.index;
  const data = constantOf(use.node.inputs[index]);
  if (data?.dtype !== 'float32' || !isVector(data, axis.count)) return none;
  return { layer: node, node: use.node, index, data, factor: 1, sum: use.node.outputs[0]!, axis };
}

const isVector = ({ shape }: TensorData, count: number): boolean =>
  elementCount(shape) === 1 || (elementCount(shape) === count && shape.at(-1) === count);
