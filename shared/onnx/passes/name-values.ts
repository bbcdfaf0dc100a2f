/** Readable, unique names that do not depend on how the graph was built. Inputs, outputs and parameters keep theirs. */
import type { Builder } from '../builder.ts';
import type { Graph, Node, Value } from '../ir.ts';
import { type Pass, pass } from '../pass.ts';

/** Names the builder makes up. */
const isMadeUpConstant = (name: string): boolean => /^const\.\d+$/.test(name);
const isMadeUpOutput = (name: string, { op }: Node): boolean =>
  name.startsWith(`${op.toLowerCase()}.`) && /^\d+$/.test(name.slice(op.length + 1));

/** `conv1.bias#.12` asks for `conv1.bias`, which may not be free yet. */
const wantedName = (name: string): string | null => /^(.*)#\.\d+$/s.exec(name)?.[1] ?? null;

/**
 * A name for data made from the parameter `from`, to be settled by `nameValues`; undefined when that has no name of its
 * own.
 */
export function nameMadeFrom(from: string, op: Builder, change: (name: string) => string): string | undefined {
  return isMadeUpConstant(from) ? undefined : op.freshName(`${change(wantedName(from) ?? from)}#`);
}

export const nameValues: Pass = pass('name-values', ({ graph }) => {
  const naming = new Naming();
  naming.reserve(graph);
  naming.graph(graph);
  return naming.changes;
});

class Naming {
  changes = 0;
  readonly #values = new Set<string>();
  readonly #nodes = new Set<string>();
  readonly #keeps = new Set<Value>();

  /** Names that stay, before any new one is given. */
  reserve(graph: Graph): void {
    for (const value of [...graph.inputs, ...graph.outputs]) this.#keep(value);
    for (const value of graph.initializers)
      if (!isMadeUpConstant(value.name) && wantedName(value.name) === null) this.#keep(value);
    for (const node of graph.nodes) {
      for (const value of node.outputs) if (!isMadeUpOutput(value.name, node)) this.#keep(value);
      if (node.name) this.#nodes.add(node.name);
      for (const subgraph of node.subgraphs()) this.reserve(subgraph);
    }
  }

  #keep(value: Value): void {
    if (this.#keeps.has(value) || (value.name !== '' && this.#values.has(value.name))) return;
    this.#keeps.add(value);
    this.#values.add(value.name);
  }

  graph(graph: Graph): void {
    for (const value of [...graph.inputs, ...graph.initializers])
      this.#rename(value, wantedName(value.name) ?? (isMadeUpConstant(value.name) ? 'const_0' : value.name));
    for (const node of graph.nodes) {
      if (!node.name) {
        node.name = unique(this.#nodes, nodeName(node));
        this.changes++;
      }
      node.outputs.forEach((output, i) => this.#rename(output, `${node.name}_output_${i}`));
      for (const subgraph of node.subgraphs()) this.graph(subgraph);
    }
  }

  #rename(value: Value, wanted: string): void {
    if (this.#keeps.has(value)) return;
    value.name = unique(this.#values, wanted);
    this.#keeps.add(value);
    this.changes++;
  }
}

/** `layer1.0.conv1/Conv`: the module it comes from and what it does. */
const nodeName = ({ origin, op }: Node): string => (origin?.module ? `${origin.module}/${op}` : op);

/** `wanted`, or the next of its series that is free. */
function unique(taken: Set<string>, wanted: string): string {
  const [, stem, number] = /^(.*?)(?:_(\d+))?$/s.exec(wanted)!;
  let name = wanted;
  for (let n = number === undefined ? 1 : Number(number) + 1; taken.has(name); n++) name = `${stem}_${n}`;
  taken.add(name);
  return name;
}
