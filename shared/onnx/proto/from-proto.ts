/** Messages to a graph: names become references, scope by scope. */
import { fail } from '../../errors.ts';
import type { Dim } from '../../tensor/dim.ts';
import type { TensorData } from '../../tensor/data.ts';
import { type TensorType, tensorType } from '../../tensor/type.ts';
import { dtypeOfNumber } from '../data-type.ts';
import { dimOfParam } from '../dim-text.ts';
import { type Attribute, Graph, type Model, Node, type Origin, Value } from '../ir.ts';
import { unknownDim } from '../unknown-dim.ts';
import { utf8Text } from './decode.ts';
import type { ExternalData } from './external-data.ts';
import { ATTRIBUTE_TYPES, type Message } from './messages.ts';
import { tensorData } from './tensor-data.ts';
import { ORIGIN_KEYS } from './to-proto.ts';

/** Since IR version 4 initializers need not be inputs too; models are kept in that form. */
const OLDEST_IR = 4;

export interface ReadContext {
  readonly file: string;
  readonly external: ExternalData | undefined;
}

export function modelOf(message: Message<'ModelProto'>, context: ReadContext): Model {
  const { file } = context;
  refuseUnsupported(message, file);
  if (!message.graph) return fail('CorruptModel', { file, where: 'model', reason: 'it has no graph' });
  const opsets = new Map(
    (message.opset_import ?? []).map(({ domain, version }) => [
      domain === 'ai.onnx' ? '' : (domain ?? ''),
      Number(version ?? 0),
    ]),
  );
  if (!opsets.has('')) fail('CorruptModel', { file, where: 'model', reason: 'it names no ai.onnx opset' });
  return {
    graph: new GraphReader(message.graph, context).read(),
    opsets,
    irVersion: Math.max(OLDEST_IR, Number(message.ir_version ?? 0)),
    producerName: message.producer_name ?? '',
    producerVersion: message.producer_version ?? '',
    metadata: new Map((message.metadata_props ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
  };
}

function refuseUnsupported({ functions }: Message<'ModelProto'>, file: string): void {
  const names = (functions ?? []).map(({ name, domain }) => `${domain ? `${domain}.` : ''}${name ?? ''}`);
  if (names.length) {
    fail('UnsupportedFormat', {
      file,
      found: `a model with local functions (${names.slice(0, 5).join(', ')})`,
      hint: 'inline them first (onnx.inliner.inline_local_functions)',
    });
  }
}

class GraphReader {
  readonly #message: Message<'GraphProto'>;
  readonly #context: ReadContext;
  readonly #parent: GraphReader | null;
  readonly #graph: Graph;
  readonly #values = new Map<string, Value>();
  readonly #types = new Map<string, TensorType | null>();
  readonly #serial: { next: number };
  /**
   * Outputs of nodes that do not stand yet. Reading one of them is reading ahead: ONNX forbids it, some files do it.
   */
  readonly #ahead = new Set<Value>();
  #readsAhead = false;

  constructor(message: Message<'GraphProto'>, context: ReadContext, parent: GraphReader | null = null) {
    this.#message = message;
    this.#context = context;
    this.#parent = parent;
    this.#graph = new Graph(message.name ?? '');
    this.#serial = parent ? parent.#serial : { next: 0 };
  }

  read(): Graph {
    const { input = [], output = [], value_info = [], node = [], sparse_initializer } = this.#message;
    if (sparse_initializer)
      fail('UnsupportedFormat', {
        file: this.#context.file,
        found: 'a model with sparse initializers',
        hint: 'make them dense',
      });
    for (const { name, type } of [...value_info, ...output]) if (name) this.#types.set(name, this.#type(type));
    this.#addInitializers();
    for (const { name, type } of input) {
      // What is both input and initializer has a value: it is read as an initializer.
      if (this.#values.has(name ?? '') && this.#graph.initializers.has(this.#values.get(name ?? '')!)) continue;
      if (!this.#parent && type && !type.tensor_type) this.#refuseInput(name ?? '');
      this.#define(this.#graph.addInput(name ?? '', this.#type(type)), 'input');
    }
    const outputs = node.map((n, i) =>
      (n.output ?? []).map((name) => this.#addOutput(name, `output of ${nodeText(n, i)}`)),
    );
    node.forEach((n, i) => this.#addNode(n, i, outputs[i]!));
    if (this.#readsAhead) this.#sort();
    output.forEach(({ name }) => this.#graph.outputs.push(this.#lookup(name ?? '', 'the outputs')));
    return this.#graph;
  }

  #addInitializers(): void {
    for (const tensor of this.#message.initializer ?? []) {
      const name = tensor.name ?? '';
      const where = `initializer "${name}"`;
      this.#define(this.#graph.addInitializer(name, tensorData(tensor, where, this.#context)), where);
    }
  }

  #addOutput(name: string, where: string): Value {
    const value = new Value(name, this.#types.get(name) ?? null);
    if (name !== '') this.#define(value, where);
    this.#ahead.add(value);
    return value;
  }

  #define(value: Value, where: string): void {
    if (value.name === '') this.#corrupt(where, 'it has no name');
    if (this.#values.has(value.name)) this.#corrupt(where, `the name "${value.name}" is given twice`);
    this.#values.set(value.name, value);
  }

  #lookup(name: string, where: string): Value {
    const local = this.#values.get(name);
    if (!local)
      return this.#parent
        ? this.#parent.#lookup(name, where)
        : this.#corrupt(where, `it reads "${name}", which nothing computes`);
    if (this.#ahead.has(local)) this.#readsAhead = true;
    return local;
  }

  #addNode(message: Message<'NodeProto'>, index: number, outputs: readonly Value[]): void {
    const where = nodeText(message, index);
    if (!message.op_type) this.#corrupt(where, 'it names no operator');
    const attributes = new Map<string, Attribute>();
    for (const attribute of message.attribute ?? []) {
      const name = attribute.name ?? '';
      if (attributes.has(name)) this.#corrupt(where, `attribute "${name}" is given twice`);
      attributes.set(name, this.#attribute(attribute, `attribute "${name}" of ${where}`));
    }
    const inputs = (message.input ?? []).map((name) => (name === '' ? null : this.#lookup(name, where)));
    const domain = message.domain === 'ai.onnx' ? '' : (message.domain ?? '');
    const node = new Node({ op: message.op_type ?? '', domain, inputs, outputs, attributes });
    node.name = message.name ?? '';
    node.origin = originOf(message.metadata_props ?? []);
    this.#graph.addNode(node);
    for (const output of outputs) this.#ahead.delete(output);
  }

  #attribute(message: Message<'AttributeProto'>, where: string): Attribute {
    const type = message.type ?? 0;
    const kind = KINDS.get(type) ?? KIND_BY_FIELD.find(([field]) => type === 0 && message[field] !== undefined)?.[1];
    if (message.ref_attr_name || !kind) {
      const found = message.ref_attr_name ? 'a reference to a function attribute' : `type ${type}`;
      return fail('UnsupportedFormat', {
        file: this.#context.file,
        found: `a model whose ${where} is ${found}`,
        hint: 'torchferry reads numbers, strings, tensors and graphs',
      });
    }
    return ATTRIBUTE_VALUES[kind](message, {
      text: (bytes) => utf8Text(bytes) ?? this.#corrupt(where, 'it is no UTF-8 text'),
      tensor: () => tensorData(message.t ?? this.#corrupt(where, 'it has no tensor'), where, this.#context),
      graph: () => new GraphReader(message.g ?? this.#corrupt(where, 'it has no graph'), this.#context, this).read(),
    });
  }

  /** null for sequences, optionals and maps, and for element types torchferry does not know. */
  #type(message: Message<'TypeProto'> | undefined): TensorType | null {
    const tensor = message?.tensor_type;
    const dtype = dtypeOfNumber(tensor?.elem_type ?? 0);
    if (!tensor?.shape || dtype === null) return null;
    return tensorType(
      dtype,
      (tensor.shape.dim ?? []).map((dim) => this.#dim(dim)),
    );
  }

  #dim({ dim_value, dim_param }: Message<'DimensionProto'>): Dim {
    // Some exporters write -1 or 0 where a size is unknown; a negative size says nothing.
    if (typeof dim_value === 'number' && dim_value >= 0) return dim_value;
    return dimOfParam(dim_param ?? '') ?? unknownDim(this.#serial.next++);
  }

  #sort(): void {
    try {
      this.#graph.sortNodes();
    } catch (cause) {
      fail(
        'CorruptModel',
        {
          file: this.#context.file,
          where: `graph "${this.#graph.name}"`,
          reason: cause instanceof Error ? cause.message : String(cause),
        },
        cause,
      );
    }
  }

  #refuseInput(name: string): never {
    return fail('UnsupportedFormat', {
      file: this.#context.file,
      found: `a model whose input "${name}" is no tensor`,
      hint: 'torchferry reads models with tensor inputs',
    });
  }

  #corrupt(where: string, reason: string): never {
    return fail('CorruptModel', { file: this.#context.file, where, reason });
  }
}

const nodeText = ({ op_type, name }: Message<'NodeProto'>, index: number): string =>
  `node ${index} (${op_type ?? ''}${name ? ` "${name}"` : ''})`;

const KINDS: ReadonlyMap<number, Attribute['kind']> = new Map(
  Object.entries(ATTRIBUTE_TYPES).map(([kind, type]) => [type, kind as Attribute['kind']]),
);
/** Before IR version 2 an attribute had no type: the field that is set tells. */
const KIND_BY_FIELD: readonly (readonly [keyof Message<'AttributeProto'>, Attribute['kind']])[] = [
  ['f', 'float'],
  ['i', 'int'],
  ['s', 'string'],
  ['t', 'tensor'],
  ['g', 'graph'],
  ['floats', 'floats'],
  ['ints', 'ints'],
  ['strings', 'strings'],
];

interface InnerReaders {
  text(bytes: Uint8Array): string;
  tensor(): TensorData;
  graph(): Graph;
}

const ATTRIBUTE_VALUES: {
  readonly [K in Attribute['kind']]: (message: Message<'AttributeProto'>, inner: InnerReaders) => Attribute;
} = {
  int: ({ i = 0 }) => ({ kind: 'int', value: i }),
  float: ({ f = 0 }) => ({ kind: 'float', value: f }),
  string: ({ s = new Uint8Array(0) }, inner) => ({ kind: 'string', value: inner.text(s) }),
  ints: ({ ints = [] }) => ({ kind: 'ints', value: ints }),
  floats: ({ floats = [] }) => ({ kind: 'floats', value: floats }),
  strings: ({ strings = [] }, inner) => ({ kind: 'strings', value: strings.map((s) => inner.text(s)) }),
  tensor: (_, inner) => ({ kind: 'tensor', value: inner.tensor() }),
  graph: (_, inner) => ({ kind: 'graph', value: inner.graph() }),
};

function originOf(properties: readonly Message<'StringStringEntryProto'>[]): Origin | null {
  const values = new Map(properties.map(({ key, value }) => [key, value]));
  const operator = values.get(ORIGIN_KEYS.operator);
  return operator === undefined
    ? null
    : { operator, module: values.get(ORIGIN_KEYS.module) ?? '', line: values.get(ORIGIN_KEYS.line) ?? null };
}
