/** Names nobody in a graph has yet, told from what they are for: `x_scale`, then `x_scale_1`. */
import type { Graph } from './ir.ts';

export class FreshNames {
  readonly #taken: Set<string>;

  constructor(graph: Graph) {
    this.#taken = new Set(namesIn(graph));
  }

  of(stem: string): string {
    let name = stem;
    for (let i = 1; this.#taken.has(name); i++) name = `${stem}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

function* namesIn(graph: Graph): Generator<string> {
  for (const value of [...graph.inputs, ...graph.initializers]) yield value.name;
  for (const node of graph.nodes) {
    yield node.name;
    for (const output of node.outputs) yield output.name;
    for (const subgraph of node.subgraphs()) yield* namesIn(subgraph);
  }
}
