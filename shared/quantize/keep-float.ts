/** Which nodes a job asks to leave in float. */
import { fail } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Graph, Node } from '../onnx/ir.ts';

/**
 * An entry is a node name, an operator type, or a PyTorch module path with everything below it; one that fits nothing
 * is refused.
 */
export function keptInFloat(graph: Graph, entries: readonly string[]): Map<Node, string> {
  const kept = new Map<Node, string>();
  for (const entry of entries) {
    const nodes = [...graph.nodes].filter((node) => fits(node, entry));
    if (nodes.length === 0)
      fail('BadOption', {
        option: 'keep_float',
        value: entry,
        expected: `the name of a node, an operator type or a PyTorch module path of this model${near(graph, entry)}`,
      });
    for (const node of nodes) kept.set(node, `kept in float by "${entry}"`);
  }
  return kept;
}

function near(graph: Graph, entry: string): string {
  const words = [...graph.nodes].flatMap(({ name, op, origin }) => [name, op, ...modulePaths(origin?.module ?? '')]);
  const found = nearest(entry, words).map((word) => `"${word}"`);
  return found.length ? `; the nearest ${found.length === 1 ? 'is' : 'are'} ${found.join(', ')}` : '';
}

/** `a.b.c`: itself and what it lies in. */
const modulePaths = (module: string): string[] =>
  module === '' ? [] : module.split('.').map((_, i, parts) => parts.slice(0, i + 1).join('.'));

const fits = (node: Node, entry: string): boolean => {
  const module = node.origin?.module ?? '';
  return (
    entry !== '' && (node.name === entry || node.op === entry || module === entry || module.startsWith(`${entry}.`))
  );
};
