/** Numbers in made-up names and unknown dimensions, so that new ones are new to a model. */
import { symbolsOf } from '../tensor/dim.ts';
import type { Graph, Value } from './ir.ts';

/** Numbers beyond this are not reached by counting. */
const LARGEST_SERIAL = 1 << 20;

/** The highest number that ends a name or stands in an unknown dimension; -1: there is none. */
export function highestSerial(graph: Graph): number {
  let highest = -1;
  const see = (text: string | undefined): void => {
    const serial = Number(text);
    if (serial < LARGEST_SERIAL && serial > highest) highest = serial;
  };
  const seeValue = (value: Value): void => {
    see(/\.(\d+)$/.exec(value.name)?.[1]);
    for (const dim of value.type?.shape ?? []) {
      if (typeof dim !== 'number') for (const symbol of symbolsOf(dim)) see(/^_unknown(\d+)$/.exec(symbol)?.[1]);
    }
  };
  for (const value of [...graph.inputs, ...graph.initializers]) seeValue(value);
  for (const node of graph.nodes) {
    node.outputs.forEach(seeValue);
    for (const subgraph of node.subgraphs()) highest = Math.max(highest, highestSerial(subgraph));
  }
  return highest;
}
