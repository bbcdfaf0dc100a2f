/** Types of all values of a model, its subgraphs included: what a file does not say follows from what it says. */
import { fail } from '../errors.ts';
import type { Graph, Model, Node, Value } from './ir.ts';
import { OLDEST_UNDERSTOOD } from './opset.ts';
import { contentOf, followed } from './schema/content.ts';
import { rowOf } from './schema/lookup.ts';
import { type Inferred, inferTypes, OpCall } from './schema/row.ts';
import { highestSerial } from './serials.ts';
import { unknownDim } from './unknown-dim.ts';

/**
 * Gives types to the values that have none, from the inputs, the initializers and the types that are recorded, which
 * stay as they are. A value stays untyped when its operator is unknown or when the call does not fit its row. What is
 * found is marked (`isInferred`) and not written to files.
 */
export function inferModel(model: Model): void {
  const opset = model.opsets.get('') ?? 0;
  if (opset < OLDEST_UNDERSTOOD) return;
  let serial = highestSerial(model.graph) + 1;
  inferGraph(model.graph, { opset, fresh: () => unknownDim(serial++) });
}

type Context = Pick<OpCall, 'opset'> & { readonly fresh: () => ReturnType<typeof unknownDim> };

function inferGraph(graph: Graph, context: Context): void {
  for (const value of graph.initializers) value.content ??= contentOf(value.data!);
  for (const node of graph.nodes) inferNode(node, context);
}

const UNKNOWN: Inferred = { type: null };

function inferNode(node: Node, context: Context): void {
  const row = rowOf(node);
  const { op, inputs, attributes } = node;
  const call = row && new OpCall({ op, inputs, attributes, outputs: node.outputs.length, row, ...context });
  const handed = (call && tried(() => row!.bodies?.(call))) ?? new Map<Graph, readonly Inferred[]>();
  for (const body of node.subgraphs()) {
    body.inputs.forEach((input, i) => fill(input, handed.get(body)?.[i] ?? UNKNOWN));
    inferGraph(body, context);
  }
  const types = (call && tried(() => inferTypes(call))) ?? [];
  node.outputs.forEach((output, i) => fill(output, types[i] ?? UNKNOWN));
}

function fill(value: Value, { type, content }: Inferred): void {
  if (value.type === null && type !== null) {
    value.type = type;
    value.isInferred = true;
  }
  value.content ??= followed(value.type, content);
}

/** Refuses with CorruptModel a node whose inputs do not fit each other, by the row of its operator. */
export function requireFit(node: Node, opset: number): void {
  const row = rowOf(node);
  if (!row) return;
  const { op, inputs, attributes, outputs } = node;
  const call = new OpCall({ op, inputs, attributes, outputs: outputs.length, row, opset, fresh: () => unknownDim(0) });
  try {
    inferTypes(call);
  } catch (error) {
    // Rows say what does not fit in errors without a code: where we made the node, that is a fault of ours.
    const reason = error instanceof Error ? error.message : String(error);
    fail('CorruptModel', { file: 'the model', where: node.name || outputs[0]!.name, reason }, error);
  }
}

/** Rows throw on calls that cannot be; in files of others they may stand, and the runtime will say so. */
function tried<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
