/** Nodes and initializers that no output depends on. Inputs of the model stay: they are its interface. */
import type { Graph, Node } from '../ir.ts';
import { type Pass, pass } from '../rewrite.ts';
import { type OnnxOp, OPS } from '../schema/index.ts';
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
  const row = node.domain === '' && Object.hasOwn(OPS, node.op) ? OPS[node.op as OnnxOp] : undefined;
  const names = row?.outputs?.split(' ') ?? [];
  const unwanted = node.outputs.filter(
    (output, i) => names[i]?.endsWith('?') && output.name !== '' && isUnused(output),
  );
  for (const output of unwanted) output.name = '';
  return unwanted.length;
}
