/** Looking at nodes: all of a graph, who computes a value, attributes with their defaults, constants. */
import type { TensorData } from '../tensor/data.ts';
import { type Dtype, isFloat } from '../tensor/dtype.ts';
import { decodeInts, decodeNumbers } from '../tensor/numbers.ts';
import type { Graph, Node, Value } from './ir.ts';
import type { OnnxOp } from './schema/index.ts';
import { rowOf } from './schema/lookup.ts';

/** Those of subgraphs follow the node that holds them. */
export function* everyNode(graph: Graph): Generator<Node> {
  for (const node of graph.nodes) {
    yield node;
    for (const subgraph of node.subgraphs()) yield* everyNode(subgraph);
  }
}

/** Whether a node is one of these standard operators: for what stands around the node a rule is about. */
export const isStandard = ({ op, domain }: Node, ...ops: readonly OnnxOp[]): boolean =>
  domain === '' && (ops as readonly string[]).includes(op);

/** The node that computes `value`, if it is one of these standard operators. */
export function producedBy(value: Value | null | undefined, ...ops: readonly OnnxOp[]): Node | null {
  const node = value?.producer ?? null;
  return node && isStandard(node, ...ops) ? node : null;
}

/** An attribute, or its default; null: neither is there. */
function attributeOf(node: Node, name: string): unknown {
  return node.attributes.get(name)?.value ?? rowOf(node)?.attributes?.[name]?.default ?? null;
}

export function int(node: Node, name: string): number | null {
  const value = attributeOf(node, name);
  return typeof value === 'number' ? value : null;
}

export const float: (node: Node, name: string) => number | null = int;

export function string(node: Node, name: string): string | null {
  const value = attributeOf(node, name);
  return typeof value === 'string' ? value : null;
}

export function ints(node: Node, name: string): readonly number[] | null {
  const value = node.attributes.get(name)?.value;
  return Array.isArray(value) ? (value as readonly number[]) : null;
}

/** Elements of a small integer input: a constant, or numbers known from shapes. */
export function integers(value: Value | null | undefined): readonly number[] | null {
  if (value?.content?.every((d) => typeof d === 'number')) return value.content as readonly number[];
  const data = value?.data;
  return data?.memory && !isFloat(data.dtype) ? decodeInts(data.dtype, data.memory) : null;
}

/** Elements of a constant in memory. */
export function numbers(value: Value | null | undefined): Float64Array | null {
  const data = value?.data;
  const isPlain = data?.memory && ['float16', 'bfloat16', 'float32', 'float64', 'int32', 'int64'].includes(data.dtype);
  return isPlain ? decodeNumbers(data.dtype, data.memory!) : null;
}

/** The constant a value holds, whether it is an initializer or the output of Constant or Identity. */
export function constantOf(value: Value | null | undefined): TensorData | null {
  if (!value) return null;
  if (value.data) return value.data;
  const identity = producedBy(value, 'Identity');
  if (identity) return constantOf(identity.inputs[0]);
  const attribute = producedBy(value, 'Constant')?.attributes.get('value');
  return attribute?.kind === 'tensor' ? attribute.value : null;
}

export const isUnused = (value: Value): boolean => value.uses.size === 0 && !value.producer?.graph?.isOutput(value);

/** All that a node reads and computes. */
export const valuesOf = (node: Node): Value[] => [...node.inputs, ...node.outputs].filter((v) => v !== null);
export const isOf = (value: Value | null, dtype: Dtype): boolean => value?.type?.dtype === dtype;

/** Of a floating-point type, as far as is known. */
export const mayBeFloat = ({ type }: Value): boolean => type === null || isFloat(type.dtype);
