/** The graph being written: its nodes in order, names nobody else has, and a record for every new value. */
import type { NamedArgument, TorchGraph, TorchNode, TorchSource, TorchValue } from '../program.ts';
import { flatOutputs, tensorNames } from './arguments.ts';

export interface Call {
  readonly target: string;
  readonly args: readonly NamedArgument[];
  /** The result is named after this value: `x` gives `x__1`. */
  readonly like: string;
  readonly record: TorchValue | undefined;
}

interface Entry {
  readonly node: TorchNode;
  /** Ours: dropped again when nothing reads it. */
  readonly made: boolean;
}

export class Emitter {
  readonly values: Map<string, TorchValue>;
  /** Given to the nodes made from here on: that of the operator that causes them. */
  source: TorchSource = { module: '', moduleClass: null, line: null };
  readonly #entries: Entry[] = [];
  readonly #taken: Set<string>;
  readonly #counts = new Map<string, number>();

  constructor(graph: TorchGraph) {
    this.values = new Map(graph.values);
    this.#taken = new Set(graph.values.keys());
    for (const input of graph.inputs) for (const name of tensorNames(input)) this.#taken.add(name);
    for (const node of graph.nodes) {
      this.#taken.add(node.name);
      for (const output of flatOutputs(node)) if ('name' in output) this.#taken.add(output.name);
    }
  }

  fresh(like: string): string {
    const stem = like.replace(/__\d+$/, '').replace(/_+$/, '') || 'value';
    for (let n = (this.#counts.get(stem) ?? 0) + 1; ; n++) {
      const name = `${stem}__${n}`;
      if (this.#taken.has(name)) continue;
      this.#counts.set(stem, n);
      this.#taken.add(name);
      return name;
    }
  }

  /** A node of the file, as it is or rewritten: it stays. */
  keep(node: TorchNode): void {
    this.#entries.push({ node, made: false });
  }

  /** A new operator call with one result. */
  call({ target, args, like, record }: Call): string {
    const name = this.fresh(like);
    if (record) this.values.set(name, record);
    this.add({ name, target, args, outputs: [{ kind: 'tensor', name }], source: this.source });
    return name;
  }

  /** A new node whose outputs the caller has named and recorded. */
  add(node: TorchNode): void {
    this.#entries.push({ node, made: true });
  }

  /** All nodes, without those of ours that nothing reads. */
  nodes(results: Iterable<string>): TorchNode[] {
    const read = new Set(results);
    const kept: TorchNode[] = [];
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const { node, made } = this.#entries[i]!;
      if (made && !flatOutputs(node).some((output) => 'name' in output && read.has(output.name))) continue;
      for (const { value } of node.args) for (const name of namesIn(value)) read.add(name);
      kept.push(node);
    }
    return kept.reverse();
  }
}

/** Every value an argument reads. */
export function namesIn(argument: NamedArgument['value']): readonly string[] {
  switch (argument.kind) {
    case 'tensor':
    case 'symint':
    case 'symbool':
    case 'symfloat':
      return [argument.name];
    case 'tensors':
      return argument.names.filter((name) => name !== null);
    case 'list':
      return argument.items.flatMap(namesIn);
    default:
      return [];
  }
}
