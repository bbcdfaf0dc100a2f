/**
 * Tensors whose channels can be put in another order together: from the layers that give them, through operators that
 * treat every channel alike, to the layers that read them. Nobody outside sees the order.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf, int, integers, ints, isStandard, isUnused } from '../../onnx/match.ts';
import { channelsOf } from '../../tensor/arithmetic.ts';
import { channelCount, ungrouped } from '../../tensor/grouped-channels.ts';
import { elementCount } from '../../tensor/type.ts';
import { axisOf, type ChannelAxis, type ChannelConstant, weightByInput, weightByOutput } from './layers.ts';

export interface ChannelRegion {
  readonly count: number;
  readonly tensors: ReadonlySet<Value>;
  /** What has to be put in the same order. */
  readonly constants: readonly ChannelConstant[];
  /** Those among them that are weights of layers that read the channels. */
  readonly readers: readonly ChannelConstant[];
}

/** null: somebody sees the order. */
export function regionOf(value: Value, axis: ChannelAxis, graph: Graph): ChannelRegion | null {
  const region = new Region(graph, axis.count);
  return region.takeIn(value, axis.trailing) && region.takeWeights() ? region : null;
}

class Region implements ChannelRegion {
  readonly count: number;
  readonly tensors = new Set<Value>();
  readonly constants: ChannelConstant[] = [];
  readonly readers: ChannelConstant[] = [];
  readonly #graph: Graph;
  readonly #trailing = new Map<Value, number>();
  readonly #nodes = new Set<Node>();
  readonly #layers = new Set<Node>();

  constructor(graph: Graph, count: number) {
    this.#graph = graph;
    this.count = count;
  }

  /** A tensor with whatever gives and reads it; `trailing` axes follow its channels. */
  takeIn(value: Value, trailing: number): boolean {
    if (this.tensors.has(value)) return this.#trailing.get(value) === trailing;
    this.tensors.add(value);
    this.#trailing.set(value, trailing);
    const { producer, uses, type } = value;
    if (!producer || producer.outputs[0] !== value || this.#graph.isOutput(value)) return false;
    if (type?.dtype !== 'float32' || type.shape.at(-1 - trailing) !== this.count) return false;
    return [producer, ...[...uses].map(({ node }) => node)].every((node) => this.#node(node, trailing));
  }

  /** undefined: it is not one of the tensors. */
  trailingOf(value: Value): number | undefined {
    return this.#trailing.get(value);
  }

  #node(node: Node, trailing: number): boolean {
    if (this.#nodes.has(node)) return true;
    this.#nodes.add(node);
    const row = node.domain === '' && Object.hasOwn(ROWS, node.op) ? ROWS[node.op]! : null;
    return row !== null && node.graph === this.#graph && row(this, node, trailing);
  }

  /** Whether it reads or gives the channels is known when all tensors are. */
  takeLayer(node: Node): void {
    this.#layers.add(node);
  }

  takeWeights(): boolean {
    return [...this.#layers].every((node) => this.#weightOf(node));
  }

  #weightOf(node: Node): boolean {
    const [reads, gives] = [weightByInput(node), weightByOutput(node)];
    // As a bias, the channels would be those that it gives.
    if (node.inputs.slice(1).some((other) => other && this.tensors.has(other))) return false;
    const [input, output] = [this.#trailing.get(node.inputs[0]!), this.#trailing.get(node.outputs[0]!)];
    if (!reads || !gives || [input, output].some((at) => at !== undefined && at !== axisOf(gives).trailing))
      return false;
    const isBoth = input !== undefined && output !== undefined;
    // Rows and columns of one weight would move, or rows from group to group; a depthwise kernel has rows alone.
    if ((isBoth || (int(node, 'group') ?? 1) !== 1) && !isDepthwise(node, this.count)) return false;
    if (output !== undefined) return this.#weight(gives) && (!node.inputs[2] || this.takeConstant(node, 2, 0));
    this.readers.push(reads);
    return this.#weight(reads);
  }

  /** It is there for this alone: else others would read another order, or it would be there twice. */
  #weight(weight: ChannelConstant): boolean {
    this.constants.push(weight);
    const { node, index, view } = weight;
    return view.groups === 1 && channelCount(view) === this.count && node.inputs[index]!.uses.size === 1;
  }

  /** A number for each channel, or one for all of them. */
  takeConstant(node: Node, index: number, trailing: number): boolean {
    const data = constantOf(node.inputs[index]);
    const size = data ? (data.shape.at(-1 - trailing) ?? 1) : 0;
    if (size === this.count && size !== 1 && data?.dtype === 'float32') {
      this.constants.push({ node, index, view: ungrouped(channelsOf(data.shape, data.shape.length - 1 - trailing)) });
      return true;
    }
    return size === 1;
  }
}

/** Takes in what a node reads and gives; false: it does not treat all channels alike. */
type Row = (region: Region, node: Node, trailing: number) => boolean;

const through = (region: Region, node: Node, trailing: number): boolean =>
  node.outputs.slice(1).every(isUnused) &&
  region.takeIn(node.inputs[0]!, trailing) &&
  region.takeIn(node.outputs[0]!, trailing);

const alike: Row = (region, node, trailing) =>
  node.inputs.slice(1).every((bound) => !bound || isScalar(bound)) && through(region, node, trailing);

const isScalar = (value: Value): boolean => {
  const data = constantOf(value);
  return data !== null && elementCount(data.shape) === 1;
};

/** Of pictures: elsewhere a window would go over the channels. */
const windows: Row = (region, node, trailing) => trailing > 0 && through(region, node, trailing);

/** What is broadcast along the channels stays as it is. */
const together: Row = (region, node, trailing) =>
  region.takeIn(node.outputs[0]!, trailing) &&
  node.inputs.every((input, i) => {
    if (constantOf(input)) return region.takeConstant(node, i, trailing);
    const shape = input!.type?.shape;
    return (shape !== undefined && (shape.at(-1 - trailing) ?? 1) === 1) || region.takeIn(input!, trailing);
  });

const layer: Row = (region, node, trailing) => {
  region.takeLayer(node);
  return !isDepthwise(node, region.count) || through(region, node, trailing);
};

/** Each channel has a kernel of its own. */
const isDepthwise = (node: Node, count: number): boolean =>
  isStandard(node, 'Conv') && int(node, 'group') === count && constantOf(node.inputs[1])?.shape[0] === count;

const batchNorm: Row = (region, node, trailing) => {
  const isSecond = node.outputs[0]!.type?.shape.length === trailing + 2;
  const isFixed = !int(node, 'training_mode');
  return (
    isSecond && isFixed && through(region, node, trailing) && [1, 2, 3, 4].every((i) => region.takeConstant(node, i, 0))
  );
};

/** Over other axes than the channels. */
const reduction: Row = (region, node) => {
  const [rank, axes] = [node.inputs[0]!.type?.shape.length, ints(node, 'axes') ?? integers(node.inputs[1])];
  if (rank === undefined || !axes?.length) return false;
  const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const isKept = int(node, 'keepdims') !== 0;
  const places = Array.from({ length: rank }, (_, axis) => axis).flatMap((axis): Place[] => {
    const gone = isKept ? 0 : [...reduced].filter((each) => each > axis).length;
    return reduced.has(axis) ? [] : [{ before: rank - 1 - axis, after: rank - 1 - axis - gone }];
  });
  return moving(region, node, places);
};

/** `[N, C, 1, 1]` to `[N, C]`. */
const flatten: Row = (region, node) => {
  const shape = node.inputs[0]!.type?.shape ?? [];
  const isVector = shape.length >= 2 && shape.slice(2).every((size) => size === 1);
  return isVector && int(node, 'axis') === 1 && moving(region, node, [{ before: shape.length - 2, after: 0 }]);
};

/** How many axes follow the channels before and after. */
interface Place {
  readonly before: number;
  readonly after: number;
}

function moving(region: Region, node: Node, places: readonly Place[]): boolean {
  const [input, output] = [node.inputs[0]!, node.outputs[0]!];
  const place = places.find(
    ({ before, after }) => region.trailingOf(input) === before || region.trailingOf(output) === after,
  );
  return place !== undefined && region.takeIn(input, place.before) && region.takeIn(output, place.after);
}

const rows = (ops: readonly string[], row: Row): Readonly<Record<string, Row>> =>
  Object.fromEntries(ops.map((op) => [op, row]));

const UNARY = [
  ...['Identity', 'Neg', 'Abs', 'Relu', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'ThresholdedRelu', 'Clip'],
  ...[
    'Sigmoid',
    'HardSigmoid',
    'Tanh',
    'Gelu',
    'HardSwish',
    'Mish',
    'Softplus',
    'Softsign',
    'Erf',
    'Exp',
    'Log',
    'Sqrt',
  ],
];

const ROWS: Readonly<Record<string, Row>> = {
  ...rows(['MatMul', 'Gemm', 'Conv', 'ConvTranspose'], layer),
  ...rows(UNARY, alike),
  ...rows(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'PRelu'], together),
  ...rows(['MaxPool', 'AveragePool', 'GlobalMaxPool', 'GlobalAveragePool'], windows),
  ...rows(['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum'], reduction),
  BatchNormalization: batchNorm,
  Flatten: flatten,
};
