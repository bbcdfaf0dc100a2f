/** Prints models in ONNX's text syntax (onnx/docs/Syntax.md): for tests, for messages and for people. */
import { type Dim, dimText, isStatic } from '../tensor/dim.ts';
import type { TensorData } from '../tensor/data.ts';
import { elementCount, type TensorType } from '../tensor/type.ts';
import type { Attribute, Graph, Model, Node, Value } from './ir.ts';
import { elementTexts, floatText, hasElementText, typeName } from './text-numbers.ts';
import { isUnknownDim } from './unknown-dim.ts';

export interface PrintOptions {
  /** Larger tensors, and those not in memory, are shown as `...`. */
  readonly elements?: number;
  /** Also the types of intermediate values. */
  readonly types?: boolean;
  /** Also node names. */
  readonly names?: boolean;
}

const ELEMENTS = 32;

export function printModel(model: Model, options: PrintOptions = {}): string {
  const opsets = [...model.opsets].map(([domain, version]) => `${quoted(domain)}: ${version}`).join(', ');
  const metadata = [...model.metadata].map(([key, value]) => `${quoted(key)}: ${quoted(value)}`).join(', ');
  const facts = [
    `ir_version: ${model.irVersion}`,
    `opset_import: [${opsets}]`,
    ...(model.producerName ? [`producer_name: ${quoted(model.producerName)}`] : []),
    ...(model.producerVersion ? [`producer_version: ${quoted(model.producerVersion)}`] : []),
    ...(metadata ? [`metadata_props: [${metadata}]`] : []),
  ];
  return `<${facts.join(', ')}>\n${printGraph(model.graph, options)}\n`;
}

export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return graphLines(graph, options).join('\n');
}

function graphLines(graph: Graph, options: PrintOptions): string[] {
  const typed = (values: readonly Value[]): string => values.map(valueText).join(', ');
  const declared = [
    ...[...graph.initializers].map((value) => `${valueText(value)} = ${tensorElements(value.data!, options)}`),
    ...(options.types ? intermediates(graph).map(valueText) : []),
  ];
  return [
    `${nameText(graph.name)} (${typed(graph.inputs)}) => (${typed(graph.outputs)})`,
    ...(declared.length
      ? ['<', ...declared.map((line, i) => `  ${line}${i < declared.length - 1 ? ',' : ''}`), '>']
      : []),
    '{',
    ...[...graph.nodes].flatMap((node) => nodeLines(node, options)).map((line) => `  ${line}`),
    '}',
  ];
}

const intermediates = (graph: Graph): Value[] =>
  [...graph.nodes].flatMap((node) =>
    node.outputs.filter((output) => output.type && output.name && !graph.isOutput(output)),
  );

function nodeLines(node: Node, options: PrintOptions): string[] {
  const names = (values: readonly (Value | null)[]): string => values.map((v) => nameText(v?.name ?? '')).join(', ');
  const label = options.names && node.name ? `[${nameText(node.name)}] ` : '';
  const operator = node.domain ? `${node.domain}.${node.op}` : node.op;
  const attributes = [...node.attributes]
    .map(([name, attribute]) => attributeText(name, attribute, options))
    .join(', ');
  const call = `${operator}${attributes ? ` <${attributes}>` : ''}(${names(node.inputs)})`;
  return `${label}${names(node.outputs)} = ${call}`.split('\n');
}

type AttributeOf<K extends Attribute['kind']> = Extract<Attribute, { kind: K }>;
const list = (items: readonly string[]): string => `[${items.join(', ')}]`;
/** A point or an exponent tells a float from an int. */
const floatAttribute = (value: number): string => {
  const text = floatText(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
};

const ATTRIBUTE_TEXT: {
  readonly [K in Attribute['kind']]: (attribute: AttributeOf<K>, options: PrintOptions) => string;
} = {
  int: ({ value }) => String(value),
  float: ({ value }) => floatAttribute(value),
  string: ({ value }) => quoted(value),
  ints: ({ value }) => list(value.map(String)),
  floats: ({ value }) => list(value.map(floatAttribute)),
  strings: ({ value }) => list(value.map(quoted)),
  tensor: ({ value }, options) => `${tensorTypeText(value)} ${tensorElements(value, options)}`,
  graph: ({ value }, options) => printGraph(value, options),
};

function attributeText(name: string, attribute: Attribute, options: PrintOptions): string {
  const textOf = ATTRIBUTE_TEXT[attribute.kind] as (attribute: Attribute, options: PrintOptions) => string;
  // An empty list does not show what it is a list of.
  const isEmpty = Array.isArray(attribute.value) && attribute.value.length === 0;
  return `${name}${isEmpty ? `: ${attribute.kind}` : ''} = ${textOf(attribute, options)}`;
}

function tensorElements(data: TensorData, { elements = ELEMENTS }: PrintOptions): string {
  const count = elementCount(data.shape);
  if (!data.memory || count > elements || !hasElementText(data.dtype)) return '...';
  return `{${elementTexts(data.dtype, data.memory, count).join(', ')}}`;
}

const valueText = (value: Value): string =>
  value.type ? `${tensorTypeText(value.type)} ${nameText(value.name)}` : nameText(value.name);

/** Without brackets: a scalar. */
const tensorTypeText = ({ dtype, shape }: TensorType): string =>
  `${typeName(dtype)}${shape.length ? `[${shape.map(dimension).join(',')}]` : ''}`;

const dimension = (dim: Dim): string =>
  isStatic(dim) ? String(dim) : isUnknownDim(dim) ? '?' : nameText(dimText(dim));

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
/** Names that are no identifiers stand in quotes. */
export const nameText = (name: string): string => (/^(?!inf$|nan$)[A-Za-z_]\w*$/.test(name) ? name : quoted(name));
