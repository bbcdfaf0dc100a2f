/** Scales, zero points and codes of a plan as initializers, each made once, under names nobody has yet. */
import { attribute, type Attribute, type Graph, Node, type Origin, Value } from '../onnx/ir.ts';
import { asFloat32, bytesOf, channelsOf, dequantizeBias, quantizeBias, quantizeInto } from '../tensor/arithmetic.ts';
import { derivedData, memoryData, type TensorData } from '../tensor/data.ts';
import type { Dtype } from '../tensor/dtype.ts';
import type { Dim } from '../tensor/dim.ts';
import { encodeNumbers } from '../tensor/numbers.ts';
import { type PlanOf, rootOf, type TensorPlan } from './plan.ts';
import { biasValues, type QParams } from './qparams.ts';

/** What a code means: the scale and zero point of a tensor, as values of the graph. */
export interface Grid {
  readonly scale: Value;
  readonly zeroPoint: Value;
}

interface NodeSpec {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly (Value | null)[];
  readonly output: Value;
  /** Further outputs. */
  readonly more?: readonly Value[];
  readonly attributes?: Iterable<readonly [string, Attribute]>;
  readonly origin?: Origin | null;
}

/** Adds to a graph what quantization needs. */
export class Grids {
  readonly graph: Graph;
  readonly #params: ReadonlyMap<TensorPlan, QParams>;
  readonly #names: Set<string>;
  /** Names in the FP32 graph: scales keep them whatever happens to the tensor. */
  readonly #nameOf = new Map<Value, string>();
  readonly #grids = new Map<TensorPlan, Grid>();
  readonly #codes = new Map<TensorPlan, Value>();
  readonly #carriers = new Map<Value, Value>();

  constructor(graph: Graph, params: ReadonlyMap<TensorPlan, QParams>) {
    this.graph = graph;
    this.#params = params;
    this.#names = new Set(namesIn(graph));
    for (const node of graph.nodes) for (const value of node.outputs) this.#nameOf.set(value, value.name);
  }

  /** Its name in the FP32 graph. */
  nameOf(value: Value): string {
    return this.#nameOf.get(value) ?? value.name;
  }

  paramsOf(plan: TensorPlan): QParams {
    const params = this.#params.get(rootOf(plan));
    if (!params) throw new Error(`"${plan.value.name}" has no scale`);
    return params;
  }

  gridOf(plan: TensorPlan): Grid {
    const root = rootOf(plan);
    const known = this.#grids.get(root);
    if (known) return known;
    const { dtype, scale, zeroPoint, axis } = this.paramsOf(root);
    const name = this.nameOf(root.value);
    const shape = axis === null ? [] : [scale.length];
    const grid = {
      scale: this.constant(`${name}_scale`, memoryData('float32', shape, bytesOf(scale))),
      zeroPoint: this.constant(
        `${name}_zero_point`,
        memoryData(dtype, shape, encodeNumbers(dtype, new Array<number>(scale.length).fill(zeroPoint))),
      ),
    };
    this.#grids.set(root, grid);
    return grid;
  }

  /** The initializer with the codes of a constant. */
  codesOf(plan: PlanOf<'weight' | 'constant' | 'bias'>): Value {
    const known = this.#codes.get(plan);
    if (known) return known;
    const codes = this.constant(`${plan.value.name}_quantized`, this.codeDataOf(plan));
    this.#codes.set(plan, codes);
    return codes;
  }

  /** A bias as float, rounded as its codes are: the same numbers whether they are added before or after scaling. */
  numbersOf(bias: PlanOf<'bias'>): Value {
    const { scale } = this.paramsOf(bias);
    const codes = this.codeDataOf(bias);
    return this.constant(
      `${bias.value.name}_rounded`,
      derivedData('float32', codes.shape, [codes], (bytes) => bytesOf(dequantizeBias(bytes, scale))),
    );
  }

  codeDataOf(plan: PlanOf<'weight' | 'constant' | 'bias'>): TensorData {
    return codeData(plan, this.paramsOf(plan));
  }

  constant(name: string, data: TensorData): Value {
    return this.graph.addInitializer(this.fresh(name), data);
  }

  /** A value of the same shape as `like`. */
  value(name: string, dtype: Dtype, like: Value | null): Value {
    return new Value(this.fresh(name), like?.type ? { dtype, shape: like.type.shape } : null);
  }

  typed(name: string, dtype: Dtype, shape: readonly Dim[] | null): Value {
    return new Value(this.fresh(name), shape && { dtype, shape });
  }

  add(spec: NodeSpec): Node {
    const inputs = spec.inputs.slice(0, spec.inputs.findLastIndex((input) => input !== null) + 1);
    const node = new Node({
      op: spec.op,
      domain: spec.domain ?? '',
      inputs,
      outputs: [spec.output, ...(spec.more ?? [])],
      attributes: spec.attributes ?? [],
    });
    node.name = this.fresh(`${spec.output.name}_${spec.op}`);
    node.origin = spec.origin ?? null;
    return this.graph.addNode(node);
  }

  dequantize(codes: Value, { scale, zeroPoint }: Grid, output: Value, axis: number | null = null): Value {
    const attributes = axis === null ? [] : [['axis', attribute.int(axis)] as const];
    this.add({ op: 'DequantizeLinear', inputs: [codes, scale, zeroPoint], output, attributes });
    return output;
  }

  quantize(value: Value, { scale, zeroPoint }: Grid, output: Value): Value {
    this.add({ op: 'QuantizeLinear', inputs: [value, scale, zeroPoint], output });
    return output;
  }

  /** Everybody who reads `from` reads `to`, which takes its name; `from` is called `<name>_<suffix>`. */
  supersede(from: Value, to: Value, suffix: string): void {
    this.graph.replaceUses(from, to);
    to.name = from.name;
    from.name = this.fresh(`${from.name}_${suffix}`);
    this.#carriers.set(from, to);
  }

  /** The value that holds the numbers of a tensor of the FP32 graph by now. */
  carrierOf(value: Value): Value {
    const next = this.#carriers.get(value);
    return next ? this.carrierOf(next) : value;
  }

  fresh(stem: string): string {
    let name = stem;
    for (let i = 1; this.#names.has(name); i++) name = `${stem}_${i}`;
    this.#names.add(name);
    return name;
  }
}

function* namesIn(graph: Graph): Generator<string> {
  for (const value of [...graph.inputs, ...graph.initializers]) yield value.name;
  for (const node of graph.nodes) {
    yield node.name;
    for (const output of node.outputs) yield output.name;
    for (const subgraph of node.subgraphs()) yield* namesIn(subgraph);
  }
}

/** Computed when the file is written; until then only the scales are in memory. */
function codeData(plan: PlanOf<'weight' | 'constant' | 'bias'>, { dtype, scale, zeroPoint }: QParams): TensorData {
  const { shape } = plan.data;
  if (plan.kind === 'bias') {
    // Integer kernels want a vector, whatever ones surround it in the float model.
    return derivedData('int32', [channelCount(plan)], [plan.data], (bytes) =>
      bytesOf(quantizeBias(biasValues(plan, bytes), scale)),
    );
  }
  const channels = channelsOf(shape, plan.kind === 'weight' ? plan.axis : null);
  const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const grid = { channels, scale, zeroPoint: new Array<number>(scale.length).fill(zeroPoint), low, high };
  return derivedData(dtype, shape, [plan.data], (bytes) => {
    const values = asFloat32(bytes);
    return bytesOf(
      quantizeInto(dtype === 'int8' ? new Int8Array(values.length) : new Uint8Array(values.length), values, grid),
    );
  });
}

const channelCount = ({ data }: PlanOf<'bias'>): number => data.shape.reduce((n, d) => n * d, 1);

/** Take out the float constants that nobody reads any more. */
export function removeUnread(graph: Graph, values: Iterable<Value>): void {
  for (const value of values) {
    if (value.uses.size > 0 || graph.isOutput(value)) continue;
    if (graph.initializers.has(value)) graph.removeInitializer(value);
    const { producer } = value;
    if (producer?.graph !== graph || producer.outputs.length !== 1) continue;
    const inputs = producer.inputs.filter((input) => input !== null);
    graph.removeNode(producer);
    removeUnread(graph, inputs);
  }
}
