/** The graph of an ONNX model, to be looked at. */
import type { Graph, Model, Node, Value } from '../onnx/ir.ts';
import { inferModel } from '../onnx/infer.ts';
import { everyNode } from '../onnx/match.ts';
import type { GraphFacts, GraphNode } from '../report/graph/facts.ts';
import { reportedTensor } from './model-facts.ts';

/** A page of more nodes helps nobody, and opens in no browser. */
const MOST_NODES = 20_000;

/** null: there are too many nodes to look at. Nodes of subgraphs are part of the node that holds them. */
export function graphFacts(model: Model): GraphFacts | null {
  const { graph } = model;
  if (graph.nodes.size > MOST_NODES) return null;
  inferModel(model);
  const places: Places = {
    nodes: new Map([...graph.nodes].map((node, at) => [node, at])),
    inputs: new Map(graph.inputs.map((value, at) => [value, at])),
  };
  return {
    inputs: graph.inputs.map(reportedTensor),
    outputs: graph.outputs.map((value) => ({
      ...reportedTensor(value),
      from: value.producer ? (places.nodes.get(value.producer) ?? null) : null,
    })),
    nodes: [...graph.nodes].map((node) => nodeFacts(node, graph, places)),
  };
}

interface Places {
  readonly nodes: ReadonlyMap<Node, number>;
  readonly inputs: ReadonlyMap<Value, number>;
}

function nodeFacts(node: Node, graph: Graph, { nodes, inputs }: Places): GraphNode {
  const read = [...new Set([...node.inputs, ...capturedBy(node)])].filter((value) => value !== null);
  const placesIn = <K>(places: ReadonlyMap<K, number>, keys: readonly (K | null)[]): number[] => [
    ...new Set(keys.flatMap((key) => (key === null ? [] : (places.get(key) ?? [])))),
  ];
  return {
    name: node.name || (node.outputs[0]?.name ?? ''),
    operator: node.domain ? `${node.domain}.${node.op}` : node.op,
    origin: node.origin,
    reads: placesIn(
      nodes,
      read.map(({ producer }) => producer),
    ),
    inputs: placesIn(inputs, read),
    weights: read.filter((value) => graph.initializers.has(value)).map(reportedTensor),
    results: node.outputs.filter(({ name }) => name !== '').map(reportedTensor),
  };
}

/** What nodes of its subgraphs read besides. */
const capturedBy = (node: Node): (Value | null)[] =>
  node.subgraphs().flatMap((subgraph) => [...everyNode(subgraph)].flatMap(({ inputs }) => [...inputs]));
