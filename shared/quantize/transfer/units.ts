/**
 * The nodes of a graph as FX graph mode saw them: one unit for each leaf module, one for each operator outside of them.
 */
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { moduleOf } from './scope.ts';

export interface Unit {
  /** Path of the leaf module; null: an operator in a module of others. */
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
  const groups = new Map<string | Node, { scope: string; module: string | null; nodes: Node[] }>();
  for (const node of graph.nodes) {
    const scope = moduleOf(node) ?? '';
    const module = leafOf(scope, leaves);
    const key = module ?? node;
    const group = groups.get(key) ?? { scope: module ?? scope, module, nodes: [] };
    group.nodes.push(node);
    // Where its last node stands.
    groups.delete(key);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ scope, module, nodes }) => ({ scope, module, nodes, ...boundary(graph, nodes) }));
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
