/** Nodes and initializers that no output depends on. Inputs of the model stay: they are its interface. */
import type { Graph, Node } from '../ir.ts';
import { type Pass, pass } from '../pass.ts';
import { rowOf } from '../schema/lookup.ts';
import { isUnused } from '../match.ts';

export const removeUnused: Pass = pass('remove-unused', (model) => removeIn(model.graph));

function removeIn(graph: Graph): number {
  let changes = 0;
  for (const node of [...graph.nodes].reverse()) {
    for (const subgraph of node.subgraphs()) changes += removeIn(subgraph);
    if (node.outputs.every(isUnused)) {
      graph.removeNode(node);
      changes++;
    } else changes += dropOptionalOutputs(node);
  }
  for (const value of [...graph.initializers]) {
    if (value.uses.size > 0 || graph.isOutput(value)) continue;
    graph.removeInitializer(value);
    changes++;
  }
  return changes;
}

/** An optional output without a name is not computed. */
function dropOptionalOutputs(node: Node): number {
  const names = rowOf(node)?.outputs?.split(' ') ?? [];
  const unwanted = node.outputs.filter(
    (output, i) => names[i]?.endsWith('?') && output.name !== '' && isUnused(output),
  );
  for (const output of unwanted) output.name = '';
  return unwanted.length;
}
