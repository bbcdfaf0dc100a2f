/** `scan` and `map`: one graph for every slice along the first axis. */
import type { Value } from '../../onnx/ir.ts';
import type { TorchGraph } from '../../torch/program.ts';
import { tensorType } from '../../tensor/type.ts';
import type { AtenBuilder, StructuralConverter, SubgraphLowering } from '../converter.ts';
import { dtypeOf } from '../promote.ts';
import { shapeOf, slice } from '../shape.ts';
import { bodyInput, closeBody, graphAt, newBody, operandsAt, requireCarried } from './subgraph.ts';

interface Slices {
  readonly graph: TorchGraph;
  readonly states: readonly Value[];
  readonly sliced: readonly Value[];
  readonly further: readonly Value[];
}

/** The final states, then the results of all slices, stacked. */
function scanned(op: AtenBuilder, lowering: SubgraphLowering, { graph, states, sliced, further }: Slices): Value[] {
  const body = newBody(op, lowering, 'body');
  const before = states.map((x, i) => bodyInput(body, 'state', lowering.inputType(graph, graph.inputs[i]!, x)));
  const parts = sliced.map((x) => bodyInput(body, 'slice', tensorType(dtypeOf(x), shapeOf(x).slice(1))));
  const results = lowering.inline(body.op, graph, [...before, ...parts, ...further]);
  requireCarried(op, graph, { carried: before, next: results });
  closeBody(body, results);
  return op.Scan([...states, ...sliced], { body: body.graph, num_scan_inputs: sliced.length }, results.length);
}

/** `scan(graph, initial states, slices, further operands)`; PyTorch brings the scanned axis to the front beforehand. */
export const scan: StructuralConverter = {
  target: 'higher_order::scan',
  convert: (op, node, lowering) =>
    scanned(op, lowering, {
      graph: graphAt(node, 0),
      states: operandsAt(node, 1, lowering),
      sliced: operandsAt(node, 2, lowering),
      further: operandsAt(node, 3, lowering),
    }),
};

/** `map_impl(graph, slices, further operands)`. */
export const map: StructuralConverter = {
  target: 'higher_order::map_impl',
  convert: (op, node, lowering) =>
    scanned(op, lowering, {
      graph: graphAt(node, 0),
      states: [],
      sliced: operandsAt(node, 1, lowering),
      further: operandsAt(node, 2, lowering),
    }),
};

/**
 * `associative_scan(graph, slices, further operands)`: the results so far are the states; the first slice is the first
 * of them.
 */
export const associativeScan: StructuralConverter = {
  target: 'higher_order::associative_scan',
  convert(op, node, lowering) {
    const graph = graphAt(node, 0);
    const all = operandsAt(node, 1, lowering);
    const first = all.map((x) => op.Gather([x, op.scalar('int64', 0)], { axis: 0 }));
    const rest = all.map((x) => slice(op, x, { axis: 0, start: 1, end: Infinity }));
    const doubled: TorchGraph = { ...graph, outputs: [...graph.outputs, ...graph.outputs] };
    const stacked = scanned(op, lowering, {
      graph: doubled,
      states: first,
      sliced: rest,
      further: operandsAt(node, 2, lowering),
    }).slice(all.length);
    return all.map((x, i) => op.Concat([slice(op, x, { axis: 0, start: 0, end: 1 }), stacked[i]!], { axis: 0 }));
  },
};
