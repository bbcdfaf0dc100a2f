/** Programs that write into tensors, as programs that only compute: what PyTorch calls functionalization. */
import { fail } from '../errors.ts';
import { placeOf } from './functionalize/aliases.ts';
import { tensorName, tensorNames } from './functionalize/arguments.ts';
import { namesIn } from './functionalize/emitter.ts';
import { inlineWrappers } from './functionalize/inline.ts';
import { Scope } from './functionalize/scope.ts';
import { Sizes } from './functionalize/sizes.ts';
import { writerOf } from './functionalize/writers.ts';
import type { Argument, ProgramInput, ProgramOutput, TorchGraph, TorchNode, TorchProgram } from './program.ts';

/** State that a run of the program changes. */
export interface Mutation {
  readonly kind: 'parameter' | 'buffer' | 'input';
  /** Key of the weight, or name of the input. */
  readonly target: string;
  /** The graph's value that holds the new numbers after a run; null when they could not be followed. */
  readonly value: string | null;
}

export interface FunctionalProgram {
  /** Every operator is pure. The very program that was given when it was so already. */
  readonly program: TorchProgram;
  /** Implicit ones of training IR and those that a decomposed program lists among its outputs, in the order of the inputs. */
  readonly mutations: readonly Mutation[];
}

/**
 * Replace in-place operators, `out=` variants and writes through views by pure operators on new values. Types of new values
 * are recorded, with the strides of the tensor they stand for. Refuses (`UnsupportedMutation`) when a value is needed that a
 * write has changed in a way that the file does not determine.
 */
export function functionalize(program: TorchProgram): FunctionalProgram {
  if (!writes(program.graph)) return { program, mutations: listedMutations(program.outputs) };
  const { graph, changed } = functionalGraph(program.graph, new Sizes(program.symbols), tiedInputs(program));
  const implicit = program.inputs.flatMap((input) => {
    const name = inputName(input);
    return name !== null && changed.has(name) ? [{ ...stateOf(input, name), value: changed.get(name)! }] : [];
  });
  const outputs = program.outputs.map((output, i): ProgramOutput => ({ ...output, value: graph.outputs[i] ?? output.value }));
  return { program: { ...program, graph, outputs, sampleInputs: () => program.sampleInputs() }, mutations: [...listedMutations(outputs), ...implicit] };
}

const listedMutations = (outputs: readonly ProgramOutput[]): Mutation[] =>
  outputs.flatMap((output) => (output.kind === 'mutation' ? [{ kind: output.of, target: output.target, value: tensorName(output.value) }] : []));

const inputName = (input: ProgramInput): string | null => (input.kind === 'user' ? tensorName(input.value) : input.name);

/** A lifted constant that changes is state like a buffer. */
function stateOf(input: ProgramInput, name: string): Pick<Mutation, 'kind' | 'target'> {
  if (input.kind === 'parameter') return { kind: 'parameter', target: input.key };
  if (input.kind === 'buffer' || input.kind === 'constant') return { kind: 'buffer', target: input.key };
  return { kind: 'input', target: input.kind === 'user' ? input.name : name };
}

/** Weights over the same memory: input name to the first input that has it. */
function tiedInputs({ inputs, weights }: TorchProgram): ReadonlyMap<string, string> {
  const first = new Map<object, string>();
  const tied = new Map<string, string>();
  for (const input of inputs) {
    const identity = 'key' in input ? weights.get(input.key)?.identity : undefined;
    if (!identity) continue;
    const owner = first.get(identity);
    if (owner === undefined) first.set(identity, input.name);
    else tied.set(input.name, owner);
  }
  return tied;
}

/** Whether any operator of the graph, or of a graph inside it, writes. */
const writes = (graph: TorchGraph): boolean => graph.nodes.some((node) => writerOf(node) !== null || node.args.some(({ value }) => value.kind === 'graph' && writes(value.graph)));

interface FunctionalGraph {
  readonly graph: TorchGraph;
  /** Inputs that were written, or given another shape in place, with the value that holds their new numbers. */
  readonly changed: ReadonlyMap<string, string | null>;
  /** For every output: the position of the input whose memory it shares, or -1. */
  readonly sharing: readonly number[];
}

const NONE_TIED: ReadonlyMap<string, string> = new Map();

function functionalGraph(written: TorchGraph, sizes: Sizes, tied: ReadonlyMap<string, string>): FunctionalGraph {
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
  const roots = inputs.map(({ view }) => view.root);
  const sharing = graph.outputs.flatMap(tensorNames).map((name) => roots.indexOf(scope.view(name).root));
  return { graph: { inputs: graph.inputs, outputs, nodes: scope.emit.nodes(results), values: scope.emit.values }, changed, sharing };
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
    const { graph, changed } = functionalGraph(value.graph, sizes, NONE_TIED);
    for (const input of changed.keys()) {
      fail('UnsupportedMutation', { operator: node.target, value: input, at: placeOf(node), reason: 'a tensor from outside is written in a graph that may run several times, or not at all' });
    }
    return { name, value: { kind: 'graph' as const, graph } };
  });
  return { ...node, args };
}

/** `wrap(settings..., graph, operands...)` that must stay a wrapper, because it changes how the operators inside compute. */
const RUNS_ONCE: ReadonlySet<string> = new Set(['higher_order::wrap_with_autocast']);

/** What the graph writes of its operands becomes more outputs. */
function runOnce(scope: Scope, node: TorchNode): void {
  const at = node.args.findIndex(({ value }) => value.kind === 'graph');
  const body = node.args[at]?.value;
  if (body?.kind !== 'graph') return keepPure(scope, node);
  const { graph, changed, sharing } = functionalGraph(body.graph, scope.sizes, NONE_TIED);
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
