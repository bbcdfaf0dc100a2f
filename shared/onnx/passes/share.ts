/** The same thing twice becomes one: equal initializers, and equal calls on equal inputs. */
import { latin1Text } from '../../bytes/text.ts';
import type { TensorData } from '../../tensor/data.ts';
import { type Builder, makeBuilder } from '../builder.ts';
import type { Attribute, Graph, Node, Value } from '../ir.ts';
import { isStandard } from '../match.ts';
import { type Pass, pass } from '../pass.ts';
import { builderFor, replaceValue } from '../rewrite.ts';

/** Larger tensors are compared by where they come from, not by their elements. */
const COMPARE_BYTES = 1024;

export const shareInitializers: Pass = pass('share-initializers', ({ graph }) => {
  const identities = new Serials<object>();
  const known = new Map<string, Value>();
  let changes = 0;
  for (const value of [...graph.initializers]) {
    if (graph.isOutput(value)) continue;
    const key = dataKey(value.data!, identities);
    const same = known.get(key);
    if (!same) {
      known.set(key, value);
      continue;
    }
    same.content ??= value.content;
    graph.replaceUses(value, same);
    graph.removeInitializer(value);
    changes++;
  }
  return changes;
});

const dataKey = ({ dtype, shape, memory, identity }: TensorData, identities: Serials<object>): string => {
  const numbers = memory && memory.byteLength <= COMPARE_BYTES ? latin1Text(memory) : `#${identities.of(identity)}`;
  return `${dtype}[${shape.join(',')}]${numbers}`;
};

/** A number for each object, so that objects can stand in keys. */
class Serials<T extends object> {
  readonly #serials = new Map<T, number>();
  of(object: T): number {
    const known = this.#serials.get(object) ?? this.#serials.size;
    this.#serials.set(object, known);
    return known;
  }
}

/** Two calls of these give two results. */
const RANDOM: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
  'Dropout',
]);

export const shareCommon: Pass = pass('share-common', (model) => shareIn(model.graph, builderFor(model)));

function shareIn(graph: Graph, op: Builder): number {
  const values = new Serials<Value>();
  const identities = new Serials<object>();
  const known = new Map<string, Node>();
  let changes = 0;
  for (const node of [...graph.nodes]) {
    const subgraphs = node.subgraphs();
    for (const subgraph of subgraphs) changes += shareIn(subgraph, makeBuilder(subgraph, op.opset, op));
    if (subgraphs.length > 0 || RANDOM.has(node.op) || isOutputIdentity(node)) continue;
    const key = nodeKey(node, values, identities);
    const same = known.get(key);
    if (!same) known.set(key, node);
    else if (merge(graph, { node, same }, op)) changes++;
  }
  return changes;
}

/** It is there to give an output its name. */
const isOutputIdentity = (node: Node): boolean =>
  isStandard(node, 'Identity') && node.graph!.isOutput(node.outputs[0]!);

function merge(graph: Graph, { node, same }: { readonly node: Node; readonly same: Node }, op: Builder): boolean {
  if (node.outputs.some((output, i) => (output.name === '') !== (same.outputs[i]!.name === ''))) return false;
  const needsIdentity = node.outputs.some((output, i) => graph.isOutput(output) && graph.isOutput(same.outputs[i]!));
  op.origin = node.origin;
  node.outputs.forEach((output, i) => {
    if (output.name !== '') replaceValue(graph, { from: output, to: same.outputs[i]! }, op);
  });
  graph.removeNode(node);
  if (needsIdentity) graph.sortNodes();
  return true;
}

function nodeKey(node: Node, values: Serials<Value>, identities: Serials<object>): string {
  const inputs = node.inputs.map((value) => (value ? values.of(value) : '-'));
  const attributes = [...node.attributes]
    .map(([name, attribute]) => `${name}=${attributeKey(attribute, identities)}`)
    .sort();
  return `${node.domain}.${node.op}(${inputs.join(',')})<${attributes.join(',')}>${node.outputs.length}`;
}

const attributeKey = (attribute: Attribute, identities: Serials<object>): string => {
  if (attribute.kind === 'tensor') return dataKey(attribute.value, identities);
  if (attribute.kind === 'graph') return `#${identities.of(attribute.value)}`;
  return `${attribute.kind}:${JSON.stringify(attribute.value, distinct)}`;
};

/** JSON knows no bigint, and writes -0 as 0. */
const distinct = (_: string, v: unknown): unknown => (typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : v);
