/**
 * The nodes of a graph as FX graph mode saw them: one unit for each leaf module, one for each operator outside of them.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { moduleOf } from './scope.ts';

export interface Unit {
  /** Path of the leaf module, of which this is one call; null: an operator in a module of others. */
  readonly module: string | null;
  /** The module it stands in, a leaf module itself. */
  readonly scope: string;
  readonly nodes: readonly Node[];
  /** What it reads from outside. */
  readonly inputs: readonly Value[];
  /** What is read of it outside. */
  readonly outputs: readonly Value[];
}

/** Units in the order of their last node. `leaves`: paths of modules that are called as a whole. */
export function unitsOf(graph: Graph, leaves: ReadonlySet<string>): Unit[] {
  const order = new Map([...graph.nodes].map((node, at) => [node, at] as const));
  const groups = Map.groupBy(graph.nodes, (node) => leafOf(moduleOf(node) ?? '', leaves) ?? node);
  const units = [...groups].flatMap(([key, nodes]): Unit[] =>
    typeof key === 'string'
      ? callsOf(nodes).map((call) => ({ module: key, scope: key, nodes: call, ...boundary(graph, call) }))
      : [{ module: null, scope: moduleOf(key) ?? '', nodes, ...boundary(graph, nodes) }],
  );
  return units.sort((a, b) => order.get(a.nodes.at(-1)!)! - order.get(b.nodes.at(-1)!)!);
}

/** A module that is called several times gives the same operators several times over. */
function callsOf(nodes: readonly Node[]): (readonly Node[])[] {
  const { length } = nodes;
  const repeats = (size: number): boolean => nodes.every(({ op }, i) => op === nodes[i % size]!.op);
  let size = 1;
  while (size < length && (length % size !== 0 || !repeats(size))) size++;
  return Array.from({ length: length / size }, (_, call) => nodes.slice(call * size, (call + 1) * size));
}

function leafOf(scope: string, leaves: ReadonlySet<string>): string | null {
  for (let path = scope; path !== ''; path = path.slice(0, Math.max(path.lastIndexOf('.'), 0))) {
    if (leaves.has(path)) return path;
  }
  return null;
}

function boundary(graph: Graph, nodes: readonly Node[]): Pick<Unit, 'inputs' | 'outputs'> {
  const inside = new Set(nodes);
  const inputs = new Set<Value>();
  const outputs: Value[] = [];
  for (const node of nodes) {
    for (const input of node.inputs) if (input && !(input.producer && inside.has(input.producer))) inputs.add(input);
    for (const output of node.outputs) {
      if (graph.isOutput(output) || [...output.uses].some((use) => !inside.has(use.node))) outputs.push(output);
    }
  }
  return { inputs: [...inputs], outputs };
}
