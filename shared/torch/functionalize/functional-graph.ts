/** One graph, and the graphs inside its operators, without writing operators. */
import type { TorchGraph, TorchNode } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import { tensorNames } from './arguments.ts';
import { namesIn } from './emitter.ts';
import { inlineWrappers } from './inline-wrappers.ts';
import { RUNS_ONCE, runOnce } from './run-once.ts';
import { Scope } from './scope.ts';
import type { Sizes } from './sizes.ts';
import { writerOf } from './writers.ts';

/** Whether any operator of the graph, or of a graph inside it, writes. */
export const writes = (graph: TorchGraph): boolean =>
  graph.nodes.some(
    (node) => writerOf(node) !== null || node.args.some(({ value }) => value.kind === 'graph' && writes(value.graph)),
  );

export interface FunctionalGraph {
  readonly graph: TorchGraph;
  /** Inputs that were written, or given another shape in place, with the value that holds their new numbers. */
  readonly changed: ReadonlyMap<string, string | null>;
  /** Inputs that were given another shape in place. */
  readonly reshaped: readonly string[];
  /** For every output: the first input, or else the first output, over the same memory. */
  readonly sharing: readonly { readonly input: number; readonly output: number }[];
}

/** `tied` names inputs over the memory of another input. */
export function functionalGraph(
  written: TorchGraph,
  sizes: Sizes,
  tied: ReadonlyMap<string, string> = new Map(),
): FunctionalGraph {
  const graph = inlineWrappers(written);
  const scope = new Scope(graph, sizes);
  for (const [name, owner] of tied) scope.bindTied(name, owner);
  const inputs = graph.inputs.flatMap(tensorNames).map((name) => ({ name, view: scope.view(name) }));
  for (const node of graph.nodes) {
    scope.emit.source = node.source;
    const writer = writerOf(node);
    if (writer) writer(scope, node);
    else if (RUNS_ONCE.has(node.target)) runOnce(scope, node, functionalGraph);
    else keepPure(scope, node);
  }
  const outputs = graph.outputs.map((output) => scope.argument(output));
  const changed = new Map(
    inputs
      .filter(({ name, view }) => view.root.version > 0 || scope.view(name) !== view)
      .map(({ name }) => [name, scope.readOrNull(name)]),
  );
  const results = [...outputs.flatMap(namesIn), ...[...changed.values()].filter((name) => name !== null)];
  const reshaped = inputs.filter(({ name, view }) => scope.view(name) !== view).map(({ name }) => name);
  const roots = inputs.map(({ view }) => view.root);
  const outputRoots = graph.outputs.flatMap(tensorNames).map((name) => scope.view(name).root);
  const sharing = outputRoots.map((root) => ({ input: roots.indexOf(root), output: outputRoots.indexOf(root) }));
  return {
    graph: { inputs: graph.inputs, outputs, nodes: scope.emit.nodes(results), values: scope.emit.values },
    changed,
    reshaped,
    sharing,
  };
}

function keepPure(scope: Scope, node: TorchNode): void {
  const written = scope.rewritten(withFunctionalBodies(node, scope.sizes));
  scope.emit.keep(written);
  scope.bindOutputs(node, written);
}

/** Graphs inside an operator may write what they make, not what they are given. */
function withFunctionalBodies(node: TorchNode, sizes: Sizes): TorchNode {
  if (!node.args.some(({ value }) => value.kind === 'graph' && writes(value.graph))) return node;
  const args = node.args.map(({ name, value }) => {
    if (value.kind !== 'graph') return { name, value };
    const { graph, changed } = functionalGraph(value.graph, sizes);
    for (const input of changed.keys())
      refuseMutation(
        node,
        input,
        'a tensor from outside is written in a graph that may run several times, or not at all',
      );
    return { name, value: { kind: 'graph' as const, graph } };
  });
  return { ...node, args };
}
