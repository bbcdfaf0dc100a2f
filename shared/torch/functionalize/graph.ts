/** One graph, and the graphs inside its operators, without writing operators. */
import { fail } from '../../errors.ts';
import type { Argument, TorchGraph, TorchNode } from '../program.ts';
import { placeOf } from './aliases.ts';
import { tensorNames } from './arguments.ts';
import { namesIn } from './emitter.ts';
import { inlineWrappers } from './inline.ts';
import { Scope } from './scope.ts';
import type { Sizes } from './sizes.ts';
import { writerOf } from './writers.ts';

/** Whether any operator of the graph, or of a graph inside it, writes. */
export const writes = (graph: TorchGraph): boolean =>
  graph.nodes.some((node) => writerOf(node) !== null || node.args.some(({ value }) => value.kind === 'graph' && writes(value.graph)));

export interface FunctionalGraph {
  readonly graph: TorchGraph;
  /** Inputs that were written, or given another shape in place, with the value that holds their new numbers. */
  readonly changed: ReadonlyMap<string, string | null>;
  /** Inputs that were given another shape in place. */
  readonly reshaped: readonly string[];
  /** For every output: the position of the input whose memory it shares, or -1. */
  readonly sharing: readonly number[];
}

/** `tied` names inputs over the memory of another input. */
export function functionalGraph(written: TorchGraph, sizes: Sizes, tied: ReadonlyMap<string, string> = new Map()): FunctionalGraph {
  const graph = inlineWrappers(written);
  const scope = new Scope(graph, sizes);
  for (const [name, owner] of tied) scope.bindTied(name, owner);
  const inputs = graph.inputs.flatMap(tensorNames).map((name) => ({ name, view: scope.view(name) }));
  for (const node of graph.nodes) {
    scope.emit.source = node.source;
    const writer = writerOf(node);
    if (writer) writer(scope, node);
    else if (RUNS_ONCE.has(node.target)) runOnce(scope, node);
    else keepPure(scope, node);
  }
  const outputs = graph.outputs.map((output) => scope.argument(output));
  const changed = new Map(inputs.filter(({ name, view }) => view.root.version > 0 || scope.view(name) !== view).map(({ name }) => [name, scope.readOrNull(name)]));
  const results = [...outputs.flatMap(namesIn), ...[...changed.values()].filter((name) => name !== null)];
  const reshaped = inputs.filter(({ name, view }) => scope.view(name) !== view).map(({ name }) => name);
  const roots = inputs.map(({ view }) => view.root);
  const sharing = graph.outputs.flatMap(tensorNames).map((name) => roots.indexOf(scope.view(name).root));
  return { graph: { inputs: graph.inputs, outputs, nodes: scope.emit.nodes(results), values: scope.emit.values }, changed, reshaped, sharing };
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
    for (const input of changed.keys()) refuse(node, input, 'a tensor from outside is written in a graph that may run several times, or not at all');
    return { name, value: { kind: 'graph' as const, graph } };
  });
  return { ...node, args };
}

function refuse(node: TorchNode, value: string, reason: string): never {
  return fail('UnsupportedMutation', { operator: node.target, value, at: placeOf(node), reason });
}

/** `wrap(settings..., graph, operands...)` that must stay a wrapper, because it changes how the operators inside compute. */
const RUNS_ONCE: ReadonlySet<string> = new Set(['higher_order::wrap_with_autocast']);

/** What the graph writes of its operands becomes more outputs. */
function runOnce(scope: Scope, node: TorchNode): void {
  const at = node.args.findIndex(({ value }) => value.kind === 'graph');
  const body = node.args[at]?.value;
  if (body?.kind !== 'graph') return keepPure(scope, node);
  const { graph, changed, reshaped, sharing } = functionalGraph(body.graph, scope.sizes);
  for (const input of reshaped) refuse(node, input, 'a tensor from outside is given another shape in place');
  const operands = node.args.slice(at + 1).flatMap(({ value }) => tensorNames(value));
  const inputs = graph.inputs.flatMap(tensorNames);
  const written = [...changed].map(([input, value]) => {
    const operand = operands[inputs.indexOf(input)];
    if (operand === undefined) throw new Error(`${node.target} has no operand for "${input}"`);
    return { operand, value, output: value === null ? null : scope.emit.fresh(operand) };
  });
  const more = written.filter(({ value }) => value !== null);
  for (const { operand, output } of more) {
    const record = scope.presentRecord(operand);
    if (record) scope.emit.values.set(output!, record);
  }
  const inner = { ...graph, outputs: [...graph.outputs, ...more.map(({ value }): Argument => ({ kind: 'tensor', name: value! }))] };
  const args = scope.arguments(node).map((arg, i) => (i === at ? { name: arg.name, value: { kind: 'graph' as const, graph: inner } } : arg));
  scope.emit.keep({ ...node, args, outputs: [...node.outputs, ...more.map(({ output }): Argument => ({ kind: 'tensor', name: output! }))] });
  for (const { operand, output } of written) scope.write(operand, output ?? { reason: `what ${node.target} writes into it is not followed` }, node);
  for (const [i, name] of node.outputs.flatMap(tensorNames).entries()) {
    const operand = operands[sharing[i] ?? -1];
    if (operand === undefined) scope.bindFresh(name);
    else scope.bindOpaque(name, operand, `it comes out of ${node.target} and shares memory with what went in`);
  }
}
