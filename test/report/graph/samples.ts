/** Graphs written by hand: each node is its operator, its module, and what it reads. */
import type { GraphFacts, GraphNode } from '../../../shared/report/graph/facts.ts';
import type { ReportedTensor } from '../../../shared/report/report.ts';

export const tensor = (name: string, shape: readonly (number | string)[] = ['batch', 8]): ReportedTensor => ({
  name,
  dtype: 'float32',
  shape,
});

export type Written = readonly [operator: string, module: string, reads: readonly number[], more?: Partial<GraphNode>];

/** The first node reads the input `x`, the last gives the output `y`. */
export const graph = (...nodes: readonly Written[]): GraphFacts => ({
  inputs: [tensor('x')],
  outputs: [{ ...tensor('y'), from: nodes.length - 1 }],
  nodes: nodes.map(([operator, module, reads, more], at) => ({
    name: `${module === '' ? '' : `${module}/`}${operator}${at}`,
    operator,
    origin: { operator: `aten::${operator.toLowerCase()}`, module, line: null },
    reads,
    inputs: at === 0 ? [0] : [],
    weights: [],
    results: [tensor(`r${at}`)],
    ...more,
  })),
});

/** Nodes in a row, all in one module. */
export const chain = (count: number, module = ''): GraphFacts =>
  graph(...Array.from({ length: count }, (_, at): Written => ['Relu', module, at ? [at - 1] : []]));
