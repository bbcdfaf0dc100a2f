/** Graphs that a node runs once, in place: opened, so that what they change can be followed. */
import type { Argument, NamedArgument, TorchGraph, TorchNode, TorchValue } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import { flatOutputs, tensorNames } from './arguments.ts';

/** `wrap(settings..., graph, operands...)` that adds nothing to the graph's numbers. */
export const WRAPPERS: ReadonlySet<string> = new Set(
  [
    'wrap_with_set_grad_enabled',
    'wrap_activation_checkpoint',
    'tag_activation_checkpoint',
    'strict_mode',
    'hints_wrapper',
    'invoke_subgraph',
  ].map((name) => `higher_order::${name}`),
);

export const isWrapper = (node: TorchNode): boolean =>
  WRAPPERS.has(node.target) && node.args.some(({ value }) => value.kind === 'graph');

/** The same graph with the nodes of its wrapped graphs in place of the wrappers. */
export function inlineWrappers(graph: TorchGraph): TorchGraph {
  if (!graph.nodes.some(isWrapper)) return graph;
  const inliner = new Inliner(graph);
  for (const node of graph.nodes) inliner.add(node);
  return {
    ...graph,
    nodes: inliner.nodes,
    values: inliner.values,
    outputs: graph.outputs.map((output) => inliner.renamed(output)),
  };
}

class Inliner {
  readonly nodes: TorchNode[] = [];
  readonly values: Map<string, TorchValue>;
  readonly #taken: Set<string>;
  /** Outputs of wrappers: the inner values they are. */
  readonly #names: Map<string, Argument>;

  constructor(graph: TorchGraph) {
    this.values = new Map(graph.values);
    this.#taken = new Set(graph.values.keys());
    this.#names = new Map();
  }

  add(node: TorchNode): void {
    const body = isWrapper(node) ? node.args.find(({ value }) => value.kind === 'graph')?.value : null;
    if (body?.kind !== 'graph') {
      this.nodes.push({ ...node, args: node.args.map((arg) => renamedArgument(arg, this.#names)) });
      return;
    }
    const at = node.args.findIndex(({ value }) => value === body);
    // invoke_subgraph names its graph before the operands.
    const operands = node.args
      .slice(at + 1)
      .flatMap(({ value }) => opened(this.renamed(value)))
      .filter(({ kind }) => kind !== 'string');
    const inner = inlineWrappers(body.graph);
    if (operands.length !== inner.inputs.flatMap(opened).length)
      refuseMutation(node, node.name, 'the operands do not match the inputs of its graph');
    const names = this.#bind(inner, operands);
    for (const each of inner.nodes)
      this.nodes.push({
        ...each,
        args: each.args.map((arg) => renamedArgument(arg, names)),
        outputs: each.outputs.map((output) => renamed(output, names)),
      });
    const results = inner.outputs.map((output) => renamed(output, names)).flatMap(opened);
    flatOutputs(node).forEach(
      (output, i) => 'name' in output && results[i] && this.#names.set(output.name, results[i]),
    );
  }

  renamed(argument: Argument): Argument {
    return renamed(argument, this.#names);
  }

  /** Inputs become the operands; everything computed inside gets a name free outside. */
  #bind(inner: TorchGraph, operands: readonly Argument[]): Map<string, Argument> {
    const names = new Map<string, Argument>();
    inner.inputs
      .flatMap(opened)
      .forEach((input, i) => 'name' in input && operands[i] && names.set(input.name, operands[i]));
    for (const output of inner.nodes.flatMap(flatOutputs)) {
      if (!('name' in output) || !this.#taken.has(output.name)) continue;
      names.set(output.name, { ...output, name: this.#free(output.name) });
    }
    for (const [name, value] of inner.values) {
      const to = names.get(name);
      const target = to === undefined ? name : 'name' in to ? to.name : null;
      if (target !== null && !this.values.has(target)) this.values.set(target, value);
      if (target !== null) this.#taken.add(target);
    }
    return names;
  }

  #free(name: string): string {
    for (let n = 1; ; n++) if (!this.#taken.has(`${name}__${n}`)) return `${name}__${n}`;
  }
}

const opened = (argument: Argument): Argument[] =>
  argument.kind === 'tensors'
    ? tensorNames(argument).map((name) => ({ kind: 'tensor', name }))
    : argument.kind === 'list'
      ? [...argument.items]
      : [argument];

const renamedArgument = (arg: NamedArgument, names: ReadonlyMap<string, Argument>): NamedArgument => {
  const value = renamed(arg.value, names);
  return value === arg.value ? arg : { name: arg.name, value };
};

function renamed(argument: Argument, names: ReadonlyMap<string, Argument>): Argument {
  if (names.size === 0) return argument;
  if (argument.kind === 'tensors')
    return {
      kind: 'tensors',
      names: argument.names.map((name) => (name === null ? null : nameOf(names.get(name), name))),
    };
  if (argument.kind === 'list') return { kind: 'list', items: argument.items.map((item) => renamed(item, names)) };
  return 'name' in argument ? (names.get(argument.name) ?? argument) : argument;
}

const nameOf = (argument: Argument | undefined, otherwise: string): string =>
  argument && 'name' in argument ? argument.name : otherwise;
