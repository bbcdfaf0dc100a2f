/**
 * The part of a program that its outputs need. Every operator is pure by now, so the rest can go before it is looked
 * at.
 */
import type { Argument, TorchGraph, TorchNode } from '../torch/program.ts';

/** Names an argument reads, those that a subgraph takes from outside included. */
function* namesRead(argument: Argument): Generator<string> {
  if (argument.kind === 'tensors') for (const name of argument.names) if (name !== null) yield name;
  if (argument.kind === 'list') for (const item of argument.items) yield* namesRead(item);
  if (
    argument.kind === 'tensor' ||
    argument.kind === 'symint' ||
    argument.kind === 'symfloat' ||
    argument.kind === 'symbool' ||
    argument.kind === 'object'
  )
    yield argument.name;
  if (argument.kind === 'graph') {
    for (const node of argument.graph.nodes) for (const { value } of node.args) yield* namesRead(value);
    for (const output of argument.graph.outputs) yield* namesRead(output);
  }
}

/** `outputs` are the values that are wanted; nodes that none of them needs are left out. */
export function liveGraph(graph: TorchGraph, outputs: readonly Argument[]): TorchGraph {
  const needed = new Set(outputs.flatMap((o) => [...namesRead(o)]));
  const live: TorchNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    const names = node.outputs.flatMap((o) => [...namesRead(o)]);
    if (!names.some((name) => needed.has(name))) continue;
    live.push(node);
    for (const { value } of node.args) for (const name of namesRead(value)) needed.add(name);
  }
  return live.length === graph.nodes.length ? graph : { ...graph, nodes: live.reverse() };
}
