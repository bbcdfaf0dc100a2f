/**
 * What divides a tensor channel by channel and changes nothing else: the constants of whatever computes it. Operators
 * that keep a positive factor of a channel are passed through.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf, int, numbers } from '../../onnx/match.ts';
import { channelsOf } from '../../tensor/arithmetic.ts';
import { channelCount, ungrouped } from '../../tensor/grouped-channels.ts';
import { axisOf, type ChannelAxis, type ChannelConstant, weightByOutput } from './layers.ts';

export interface Fold {
  /** Dividing all of them by a factor for each channel divides the tensor by it. */
  readonly constants: readonly ChannelConstant[];
  /** The node that is at the end of the way up. */
  readonly source: Node;
  /** It has a weight, or is the BatchNormalization of one. */
  readonly isLayer: boolean;
}

interface Asked {
  readonly graph: Graph;
  readonly axis: ChannelAxis;
}

type Row = (node: Node, asked: Asked) => Fold | null;

/**
 * null: no constants scale it channel by channel, or others read what would change on the way. Who reads the tensor
 * itself is for the caller to look at.
 */
export function foldInto(value: Value, asked: Asked): Fold | null {
  const { producer } = value;
  if (!producer || producer.graph !== asked.graph || producer.outputs[0] !== value) return null;
  const row = producer.domain === '' && Object.hasOwn(ROWS, producer.op) ? ROWS[producer.op]! : null;
  return row && row(producer, asked);
}

/** Into what is read, where it is there for this alone. */
function above(value: Value | null, asked: Asked): Fold | null {
  if (!value || value.uses.size !== 1 || asked.graph.isOutput(value)) return null;
  return foldInto(value, asked);
}

const passing: Row = (node, asked) => above(node.inputs[0]!, asked);

/** Of a tensor whose last axes are places. */
const passingPlaces: Row = (node, asked) => (asked.axis.trailing > 0 ? passing(node, asked) : null);

/** A clip from 0 to no end is a ReLU. With an end it would need one for each channel. */
const passingClip: Row = (node, asked) => {
  const [low, high] = [node.inputs[1], node.inputs[2]].map((bound) => bound && (numbers(bound)?.[0] ?? NaN));
  return low === 0 && (high == null || high >= LARGEST) ? passing(node, asked) : null;
};
const LARGEST = 3.4028234663852886e38;

/** `[N, C, 1, 1]` to `[N, C]`. */
const passingFlatten: Row = (node, asked) => {
  const shape = node.inputs[0]?.type?.shape ?? [];
  const isVector = shape.length > 2 && shape.slice(2).every((size) => size === 1);
  if (!isVector || int(node, 'axis') !== 1 || asked.axis.trailing !== 0) return null;
  return passing(node, { ...asked, axis: { ...asked.axis, trailing: shape.length - 2 } });
};

/** A factor on either side; a constant one is divided itself, where it has a number for each channel. */
const product: Row = (node, asked) => {
  const constants = node.inputs.flatMap((_, i) => constantAlong(node, i, asked.axis) ?? []);
  if (constants.length) return { constants: constants.slice(0, 1), source: node, isLayer: false };
  const [a, b] = node.inputs as readonly Value[];
  return above(b!, asked) ?? above(a!, asked);
};

/** A bias behind a product is divided with it. */
const sum: Row = (node, asked) => {
  const index = node.inputs.findIndex((input) => constantOf(input));
  const bias = index < 0 ? null : constantAlong(node, index, asked.axis);
  const rest = bias && above(node.inputs[1 - index]!, asked);
  return rest && { ...rest, constants: [...rest.constants, bias] };
};

/** A weight that others read would have to be there twice. */
const layer: Row = (node, { axis }) => {
  const weight = weightByOutput(node);
  const isFree = weight && node.inputs[weight.index]!.uses.size === 1;
  if (!isFree || channelCount(weight.view) !== axis.count || axisOf(weight).trailing !== axis.trailing) return null;
  const bias = constantsAlong(node, [2], lastOf(axis));
  return bias && { constants: [weight, ...bias], source: node, isLayer: true };
};

/** Scale and bias lie along the last axes of the tensor. */
const layerNorm: Row = (node, { axis }) => {
  const constants = constantsAlong(node, [1, 2], axis);
  return constants?.length ? { constants, source: node, isLayer: false } : null;
};

/** Scale and bias are vectors along the second axis. */
const channelNorm =
  (isLayer: boolean): Row =>
  (node, { axis }) => {
    const isSecond = axis.trailing > 0 || node.outputs[0]!.type?.shape.length === 2;
    const isFixed = !int(node, 'training_mode');
    const constants = isSecond && isFixed ? constantsAlong(node, [1, 2], lastOf(axis)) : null;
    return constants?.length ? { constants, source: node, isLayer } : null;
  };

const ROWS: Readonly<Record<string, Row>> = {
  MatMul: layer,
  Gemm: layer,
  Conv: layer,
  ConvTranspose: layer,
  BatchNormalization: channelNorm(true),
  InstanceNormalization: channelNorm(false),
  GroupNormalization: channelNorm(false),
  LayerNormalization: layerNorm,
  RMSNormalization: layerNorm,
  SimplifiedLayerNormalization: layerNorm,
  Mul: product,
  Div: passing,
  Add: sum,
  Sub: sum,
  Relu: passing,
  LeakyRelu: passing,
  PRelu: passing,
  Neg: passing,
  Abs: passing,
  Identity: passing,
  Clip: passingClip,
  Flatten: passingFlatten,
  MaxPool: passingPlaces,
  AveragePool: passingPlaces,
  GlobalMaxPool: passingPlaces,
  GlobalAveragePool: passingPlaces,
};

const lastOf = ({ count }: ChannelAxis): ChannelAxis => ({ count, trailing: 0 });

/** null: one that is there has no number for each channel. */
function constantsAlong(node: Node, indices: readonly number[], axis: ChannelAxis): ChannelConstant[] | null {
  const found = indices.filter((i) => node.inputs[i]).map((i) => constantAlong(node, i, axis));
  return found.every((constant) => constant !== null) ? found : null;
}

/** Axes are counted from the last one, as broadcasting does. */
function constantAlong(node: Node, index: number, { count, trailing }: ChannelAxis): ChannelConstant | null {
  const data = constantOf(node.inputs[index]);
  if (data?.dtype !== 'float32' || data.shape.at(-1 - trailing) !== count) return null;
  return { node, index, view: ungrouped(channelsOf(data.shape, data.shape.length - 1 - trailing)) };
}
