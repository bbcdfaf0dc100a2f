/**
 * Operators around a graph that runs once but cannot be opened: what it writes of its operands becomes more outputs.
 */
import type { Argument, TorchGraph, TorchNode } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import { tensorNames } from './arguments.ts';
import type { FunctionalGraph } from './functional-graph.ts';
import type { Scope } from './scope.ts';
import type { Sizes } from './sizes.ts';

/**
 * `wrap(settings..., graph, operands...)` that must stay a wrapper, because it changes how the operators inside
 * compute.
 */
export const RUNS_ONCE: ReadonlySet<string> = new Set(['higher_order::wrap_with_autocast']);

export function runOnce(
  scope: Scope,
  node: TorchNode,
  functionalGraph: (graph: TorchGraph, sizes: Sizes) => FunctionalGraph,
): void {
  const at = node.args.findIndex(({ value }) => value.kind === 'graph');
  const body = node.args[at]?.value;
  if (body?.kind !== 'graph') throw new Error(`${node.target} has no graph`);
  const operands = node.args.slice(at + 1).flatMap(({ value }) => tensorNames(value));
  const inner = functionalGraph(body.graph, scope.sizes);
  const written = writtenOperands(scope, node, { operands, inner });
  const more = written.filter(({ value }) => value !== null);
  const outputs = [...inner.graph.outputs, ...more.map(({ value }) => tensor(value!))];
  const args = scope
    .arguments(node)
    .map((arg, i) =>
      i === at ? { name: arg.name, value: { kind: 'graph' as const, graph: { ...inner.graph, outputs } } } : arg,
    );
  scope.emit.keep({ ...node, args, outputs: [...node.outputs, ...more.map(({ output }) => tensor(output!))] });
  for (const { operand, output } of written)
    scope.write(operand, output ?? { reason: `what ${node.target} writes into it is not followed` }, node);
  bindOutputs(scope, node, { operands, sharing: inner.sharing });
}

const tensor = (name: string): Argument => ({ kind: 'tensor', name });

interface Written {
  readonly operand: string;
  /** What the graph computes for it, and the name of that outside; null when that is not known. */
  readonly value: string | null;
  readonly output: string | null;
}

function writtenOperands(
  scope: Scope,
  node: TorchNode,
  {
    operands,
    inner: { graph, changed, reshaped },
  }: { readonly operands: readonly string[]; readonly inner: FunctionalGraph },
): Written[] {
  for (const input of reshaped) refuseMutation(node, input, 'a tensor from outside is given another shape in place');
  const inputs = graph.inputs.flatMap(tensorNames);
  const roots = operands.map((name) => scope.view(name).root);
  return [...changed].map(([input, value]) => {
    const at = inputs.indexOf(input);
    const operand = operands[at];
    if (operand === undefined) throw new Error(`${node.target} has no operand for "${input}"`);
    // Inside, the graph was followed as if its inputs were apart.
    if (roots.some((root, i) => i !== at && root === roots[at]))
      refuseMutation(node, operand, 'it is handed in twice, in views of the same memory');
    if (value === null) return { operand, value, output: null };
    const output = scope.emit.fresh(operand);
    const record = scope.presentRecord(operand);
    if (record) scope.emit.values.set(output, record);
    return { operand, value, output };
  });
}

function bindOutputs(
  scope: Scope,
  node: TorchNode,
  { operands, sharing }: { readonly operands: readonly string[]; readonly sharing: FunctionalGraph['sharing'] },
): void {
  const names = node.outputs.flatMap(tensorNames);
  for (const [i, name] of names.entries()) {
    const { input, output } = sharing[i] ?? { input: -1, output: i };
    const owner = operands[input] ?? (output < i ? names[output] : undefined);
    if (owner === undefined) scope.bindFresh(name);
    else scope.bindOpaque(name, owner, `it comes out of ${node.target} and shares memory with other tensors`);
  }
}
