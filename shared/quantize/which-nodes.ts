/** Which nodes a job asks to leave in float, by our words and by those of onnxruntime's tool. */
import { fail } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Graph, Node } from '../onnx/ir.ts';
import { OPS } from '../onnx/schema/index.ts';
import { CONTRIB } from '../onnx/schema/contrib.ts';
import { keptInFloat } from './keep-float.ts';

/** What is empty or left out says nothing. */
export interface NodeChoice {
  /** Node names, PyTorch module paths (with everything below them) or operator types to leave in float. */
  readonly keepFloat?: readonly string[];
  /** Names of nodes: no others are quantized. */
  readonly nodesToQuantize?: readonly string[];
  readonly nodesToExclude?: readonly string[];
  /** Operators: no others are quantized, and among them those that are left in float where they are not named. */
  readonly opTypesToQuantize?: readonly string[];
}

/** Nodes to leave in float, and why. A name that no node has, or an operator that does not exist, is refused. */
export function nodesInFloat(graph: Graph, choice: NodeChoice): Map<Node, string> {
  const { keepFloat = [], nodesToQuantize = [], nodesToExclude = [], opTypesToQuantize = [] } = choice;
  const byName = new Map([...graph.nodes].map((node) => [node.name || node.outputs[0]!.name, node]));
  const named = (option: string, names: readonly string[]): Set<Node> =>
    new Set(names.map((name) => byName.get(name) ?? unknown(option, name, { what: 'a node', known: byName.keys() })));
  const wanted = named('nodes_to_quantize', nodesToQuantize);
  const operators = new Set(opTypesToQuantize.map(requireOperator));
  const rest = [...graph.nodes].flatMap((node): [Node, string][] => {
    if (wanted.size > 0 && !wanted.has(node)) return [[node, 'nodes_to_quantize does not name it']];
    return operators.size > 0 && !operators.has(node.op) ? [[node, 'op_types_to_quantize does not name it']] : [];
  });
  const excluded = [...named('nodes_to_exclude', nodesToExclude)].map(
    (node) => [node, 'nodes_to_exclude names it'] as const,
  );
  return new Map([...rest, ...excluded, ...keptInFloat(graph, keepFloat)]);
}

function requireOperator(op: string): string {
  if (Object.hasOwn(OPS, op) || Object.hasOwn(CONTRIB, op)) return op;
  return unknown('op_types_to_quantize', op, {
    what: 'an operator',
    known: [...Object.keys(OPS), ...Object.keys(CONTRIB)],
  });
}

/** Fails with BadOption and the nearest names. */
export function unknown(
  option: string,
  value: string,
  { what, known }: { readonly what: string; readonly known: Iterable<string> },
): never {
  const near = nearest(value, known).map((name) => `"${name}"`);
  const hint = near.length ? `; the nearest ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}` : '';
  return fail('BadOption', { option, value, expected: `the name of ${what}${hint}` });
}
