/** Whether a model is quantized already. */
import type { Graph, Model, Node } from './ir.ts';
import { CONTRIB, CONTRIB_DOMAIN } from './schema/contrib.ts';
import { type OnnxOp, OPS } from './schema/index.ts';
import type { OpRow } from './schema/row.ts';

/** Some operator computes on codes, or turns them into numbers; subgraphs included. */
export const holdsCodes = ({ graph }: Model): boolean => graphHoldsCodes(graph);

const graphHoldsCodes = (graph: Graph): boolean =>
  [...graph.nodes].some((node) => readsCodes(node) || node.subgraphs().some(graphHoldsCodes));

function readsCodes({ op, domain }: Node): boolean {
  // All of the rows there are quantized kernels.
  if (domain === CONTRIB_DOMAIN) return Object.hasOwn(CONTRIB, op);
  const row: OpRow | undefined = domain === '' && Object.hasOwn(OPS, op) ? OPS[op as OnnxOp] : undefined;
  return row?.readsCodes === true;
}
