/** Graphs to messages: everything but the bytes of the top graph's initializers. */
import { utf8Bytes } from '../../bytes/text.ts';
import { type Dim, dimText, isStatic } from '../../tensor/dim.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { TensorType } from '../../tensor/type.ts';
import { dataTypeNumber } from '../data-type.ts';
import type { Attribute, Graph, Model, Node, Origin, Value } from '../ir.ts';
import { isUnknownDim } from '../unknown-dim.ts';
import { ATTRIBUTE_TYPES, type Message } from './messages.ts';

/** Node metadata came with IR version 10. */
const METADATA_SINCE_IR = 10;
/** Keys of NodeProto.metadata_props: where in the PyTorch model a node comes from. */
export const ORIGIN_KEYS = {
  operator: 'torch.operator',
  module: 'torch.module',
  line: 'torch.line',
} as const satisfies Record<keyof Origin, string>;

export interface ProtoOptions {
  readonly irVersion: number;
  /** Also write the types of intermediate values. */
  readonly valueInfo: boolean;
  /** The bytes of tensors that stand inside messages: attributes and initializers of subgraphs. */
  bytesOf(data: TensorData): Uint8Array;
}

export const modelHeader = (model: Model): Message<'ModelProto'> => ({
  ir_version: model.irVersion,
  producer_name: model.producerName,
  ...(model.producerVersion ? { producer_version: model.producerVersion } : {}),
  opset_import: usedOpsets(model).map(([domain, version]) => ({ domain, version })),
  metadata_props: entries(model.metadata),
});

function usedOpsets(model: Model): [string, number][] {
  const used = new Set(['', ...domainsOf(model.graph)]);
  return [...used].sort().map((domain) => {
    const version = model.opsets.get(domain);
    if (version === undefined) throw new Error(`the model uses domain "${domain}" but names no opset for it`);
    return [domain, version];
  });
}

function* domainsOf(graph: Graph): Generator<string> {
  for (const node of graph.nodes) {
    yield node.domain;
    for (const subgraph of node.subgraphs()) yield* domainsOf(subgraph);
  }
}

/** Nodes and name: what stands before the initializers. */
export const graphHead = (graph: Graph, options: ProtoOptions): Message<'GraphProto'> => ({
  node: [...graph.nodes].map((node) => nodeMessage(node, options)),
  name: graph.name,
});

/** Inputs, outputs and value types: what stands after them. */
export const graphTail = (graph: Graph, { valueInfo }: ProtoOptions): Message<'GraphProto'> => ({
  input: graph.inputs.map(valueMessage),
  output: graph.outputs.map(valueMessage),
  ...(valueInfo ? { value_info: intermediates(graph).map(valueMessage) } : {}),
});

const intermediates = (graph: Graph): Value[] =>
  [...graph.nodes].flatMap((node) =>
    node.outputs.filter((output) => output.type && !output.isInferred && output.name && !graph.isOutput(output)),
  );

/** A subgraph with its (small) initializers inside. */
const subgraphMessage = (graph: Graph, options: ProtoOptions): Message<'GraphProto'> => ({
  ...graphHead(graph, options),
  initializer: [...graph.initializers].map((value) => tensorMessage(value.data!, options, value.name)),
  ...graphTail(graph, options),
});

function nodeMessage(node: Node, options: ProtoOptions): Message<'NodeProto'> {
  const input = node.inputs.map((value) => value?.name ?? '');
  while (input.at(-1) === '') input.pop();
  return {
    input,
    output: node.outputs.map((value) => value.name),
    ...(node.name ? { name: node.name } : {}),
    op_type: node.op,
    ...(node.domain ? { domain: node.domain } : {}),
    attribute: [...node.attributes].map(([name, attribute]) => attributeMessage(name, attribute, options)),
    ...(options.irVersion >= METADATA_SINCE_IR && node.origin ? { metadata_props: originEntries(node.origin) } : {}),
  };
}

function originEntries(origin: Origin): Message<'StringStringEntryProto'>[] {
  return (['operator', 'module', 'line'] as const).flatMap((field) => {
    const value = origin[field];
    return value ? [{ key: ORIGIN_KEYS[field], value }] : [];
  });
}

type AttributeKind = Attribute['kind'];
type AttributeOf<K extends AttributeKind> = Extract<Attribute, { kind: K }>;
const ATTRIBUTE_FIELDS: {
  readonly [K in AttributeKind]: (attribute: AttributeOf<K>, options: ProtoOptions) => Message<'AttributeProto'>;
} = {
  int: ({ value }) => ({ i: value }),
  float: ({ value }) => ({ f: value }),
  string: ({ value }) => ({ s: utf8Bytes(value) }),
  ints: ({ value }) => ({ ints: value }),
  floats: ({ value }) => ({ floats: value }),
  strings: ({ value }) => ({ strings: value.map(utf8Bytes) }),
  tensor: ({ value }, options) => ({ t: tensorMessage(value, options) }),
  graph: ({ value }, options) => ({ g: subgraphMessage(value, options) }),
};

function attributeMessage(name: string, attribute: Attribute, options: ProtoOptions): Message<'AttributeProto'> {
  const fieldOf = ATTRIBUTE_FIELDS[attribute.kind] as (
    attribute: Attribute,
    options: ProtoOptions,
  ) => Message<'AttributeProto'>;
  return { name, type: ATTRIBUTE_TYPES[attribute.kind], ...fieldOf(attribute, options) };
}

const tensorMessage = (data: TensorData, options: ProtoOptions, name?: string): Message<'TensorProto'> => ({
  ...tensorHeader(data, name),
  raw_data: options.bytesOf(data),
});

export const tensorHeader = (data: TensorData, name?: string): Message<'TensorProto'> => ({
  dims: data.shape,
  data_type: dataTypeNumber(data.dtype),
  ...(name === undefined ? {} : { name }),
});

const valueMessage = (value: Value): Message<'ValueInfoProto'> => ({
  name: value.name,
  ...(value.type && !value.isInferred ? { type: typeMessage(value.type) } : {}),
});

const typeMessage = ({ dtype, shape }: TensorType): Message<'TypeProto'> => ({
  tensor_type: {
    elem_type: dataTypeNumber(dtype),
    shape: { dim: shape.map(dimMessage) },
  },
});

/** A dimension nobody knows has neither value nor name. */
function dimMessage(dim: Dim): Message<'DimensionProto'> {
  if (isStatic(dim)) return { dim_value: dim };
  return isUnknownDim(dim) ? {} : { dim_param: dimText(dim) };
}

const entries = (map: ReadonlyMap<string, string>): Message<'StringStringEntryProto'>[] =>
  [...map].map(([key, value]) => ({ key, value }));
