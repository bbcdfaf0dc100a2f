/** The ONNX graph in memory: values know their producer and their uses; names are labels, references are the truth. */
import type { TensorData } from '../tensor/data.ts';
import type { Dim } from '../tensor/dim.ts';
import { type TensorType, tensorType } from '../tensor/type.ts';

/** Attribute values by ONNX kind; ints are numbers inside the safe range, bigint beyond it. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: TensorData }
  | { readonly kind: 'graph'; readonly value: Graph };

/** Where a node came from, kept through every pass: shown in messages and in the report. */
export interface Origin {
  readonly operator: string;
  readonly module: string;
  readonly line: string | null;
}

export interface Use {
  readonly node: Node;
  readonly index: number;
}

export class Value {
  name: string;
  /** null while nothing is known (models read from files without shape information). */
  type: TensorType | null;
  /** The type is not in the file the model was read from; it was found, and is not written. */
  isInferred = false;
  /** The node that computes it; null for graph inputs and initializers. */
  producer: Node | null = null;
  /** Set for initializers only. */
  data: TensorData | null = null;
  /**
   * The elements of a small integer tensor as dimensions (row-major), when they are known: what Shape, Concat, Mul ...
   * compute.
   */
  content: readonly Dim[] | null = null;
  readonly #uses = new Set<Use>();
  constructor(name: string, type: TensorType | null) {
    this.name = name;
    this.type = type;
  }
  /**
   * Inputs of nodes that read this value, those of subgraphs included. Graph outputs are not uses: see `Graph.outputs`.
   */
  get uses(): ReadonlySet<Use> {
    return this.#uses;
  }
  /** For Node only. */
  linkUse(use: Use): void {
    this.#uses.add(use);
  }
  unlinkUse(use: Use): void {
    this.#uses.delete(use);
  }
}

export class Node {
  readonly op: string;
  /** Empty string: ai.onnx. */
  readonly domain: string;
  name = '';
  readonly attributes: Map<string, Attribute>;
  readonly outputs: readonly Value[];
  origin: Origin | null = null;
  /** The graph it stands in; null once removed. */
  graph: Graph | null = null;
  readonly #uses: (Use | null)[] = [];
  readonly #inputs: (Value | null)[] = [];

  constructor(spec: {
    op: string;
    domain?: string;
    inputs: readonly (Value | null)[];
    outputs: readonly Value[];
    attributes?: Iterable<readonly [string, Attribute]>;
  }) {
    this.op = spec.op;
    this.domain = spec.domain ?? '';
    this.attributes = new Map(spec.attributes ?? []);
    this.outputs = spec.outputs;
    for (const output of spec.outputs) output.producer = this;
    spec.inputs.forEach((input, i) => this.setInput(i, input));
  }

  /** null: an optional input that is absent. */
  get inputs(): readonly (Value | null)[] {
    return this.#inputs;
  }

  setInput(index: number, value: Value | null): void {
    const old = this.#uses[index];
    if (old) this.#inputs[index]!.unlinkUse(old);
    const use = value ? { node: this, index } : null;
    if (value && use) value.linkUse(use);
    this.#inputs[index] = value;
    this.#uses[index] = use;
  }

  /** Graphs held by attributes (If, Loop, Scan). */
  subgraphs(): Graph[] {
    return [...this.attributes.values()].flatMap((a) => (a.kind === 'graph' ? [a.value] : []));
  }
}

export class Graph {
  name: string;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly initializers = new Set<Value>();
  readonly #nodes = new Set<Node>();
  constructor(name: string) {
    this.name = name;
  }

  /** In topological order, as long as nodes are added after what they read. */
  get nodes(): ReadonlySet<Node> {
    return this.#nodes;
  }

  addInput(name: string, type: TensorType | null): Value {
    const value = new Value(name, type);
    this.inputs.push(value);
    return value;
  }

  addInitializer(name: string, data: TensorData): Value {
    const value = new Value(name, tensorType(data.dtype, data.shape));
    value.data = data;
    this.initializers.add(value);
    return value;
  }

  addNode(node: Node): Node {
    node.graph = this;
    this.#nodes.add(node);
    return node;
  }

  /** Take a node out and unlink what it reads; its outputs must not be used any more. */
  removeNode(node: Node): void {
    if (!this.#nodes.delete(node)) throw new Error(`node ${node.op} "${node.name}" is not in graph "${this.name}"`);
    for (let i = 0; i < node.inputs.length; i++) node.setInput(i, null);
    for (const subgraph of node.subgraphs()) for (const inner of [...subgraph.nodes]) subgraph.removeNode(inner);
    node.graph = null;
  }

  /** `by` takes the place of a node, and has its outputs already. */
  replaceNode(node: Node, by: Node): void {
    const order = [...this.#nodes].map((other) => (other === node ? by : other));
    this.removeNode(node);
    this.#nodes.clear();
    for (const each of order) this.addNode(each);
  }

  removeInitializer(value: Value): void {
    this.initializers.delete(value);
  }

  /** Make every reader of `from`, this graph's outputs included, read `to`. A graph output keeps its name. */
  replaceUses(from: Value, to: Value): void {
    for (const { node, index } of [...from.uses]) node.setInput(index, to);
    this.outputs.forEach((output, i) => {
      if (output === from) this.outputs[i] = to;
    });
  }

  isOutput(value: Value): boolean {
    return this.outputs.includes(value);
  }

  /** Put the nodes into an order in which everything is computed before it is read (stable where the order is free). */
  sortNodes(): void {
    const order = topologicalOrder(this.#nodes);
    this.#nodes.clear();
    for (const node of order) this.#nodes.add(node);
  }
}

function* valuesRead(node: Node): Generator<Value> {
  for (const input of node.inputs) if (input) yield input;
  for (const subgraph of node.subgraphs()) {
    for (const inner of subgraph.nodes) yield* valuesRead(inner);
    yield* subgraph.outputs;
  }
}

function topologicalOrder(nodes: ReadonlySet<Node>): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const root of nodes) {
    const stack: { node: Node; reads: Iterator<Value> }[] = [];
    const enter = (node: Node): void => {
      state.set(node, 'open');
      stack.push({ node, reads: valuesRead(node) });
    };
    if (!state.has(root)) enter(root);
    while (stack.length) {
      const top = stack[stack.length - 1]!;
      const next = top.reads.next();
      if (next.done) {
        state.set(top.node, 'done');
        order.push(top.node);
        stack.pop();
        continue;
      }
      const before = next.value.producer;
      if (!before || !nodes.has(before) || state.get(before) === 'done') continue;
      if (state.get(before) === 'open') throw new Error(`graph has a cycle through ${before.op} "${before.name}"`);
      enter(before);
    }
  }
  return order;
}

export interface Model {
  readonly graph: Graph;
  /** Domain to version; '' is ai.onnx. */
  readonly opsets: Map<string, number>;
  irVersion: number;
  producerName: string;
  producerVersion: string;
  readonly metadata: Map<string, string>;
}

export const attribute = {
  int: (value: number | bigint): Attribute => ({ kind: 'int', value }),
  float: (value: number): Attribute => ({ kind: 'float', value }),
  string: (value: string): Attribute => ({ kind: 'string', value }),
  ints: (value: readonly (number | bigint)[]): Attribute => ({ kind: 'ints', value }),
  floats: (value: readonly number[]): Attribute => ({ kind: 'floats', value }),
  tensor: (value: TensorData): Attribute => ({ kind: 'tensor', value }),
  graph: (value: Graph): Attribute => ({ kind: 'graph', value }),
} as const;
