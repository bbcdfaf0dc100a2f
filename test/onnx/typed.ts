/** Models from text with the types of every value, as a conversion has them. */
import type { Graph, Model } from '../../shared/onnx/ir.ts';
import { OPS, type OnnxOp } from '../../shared/onnx/schema/index.ts';
import { contentOf } from '../../shared/onnx/schema/content.ts';
import { inferTypes, OpCall } from '../../shared/onnx/schema/row.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { unknownDim } from '../../shared/onnx/unknown-dim.ts';

export function typedModel(text: string): Model {
  const model = parseModel(text);
  inferGraph(model.graph, model.opsets.get('')!, { next: 1000 });
  return model;
}

function inferGraph(graph: Graph, opset: number, serial: { next: number }): void {
  for (const value of graph.initializers) value.content = contentOf(value.data!);
  for (const node of graph.nodes) {
    for (const subgraph of node.subgraphs()) inferGraph(subgraph, opset, serial);
    const row = OPS[node.op as OnnxOp];
    const call = new OpCall({
      op: node.op,
      inputs: node.inputs,
      attributes: node.attributes,
      outputs: node.outputs.length,
      opset,
      row,
      fresh: () => unknownDim(serial.next++),
    });
    inferTypes(call).forEach(({ type, content }, i) => {
      const output = node.outputs[i]!;
      output.type ??= type;
      output.content = content ?? null;
    });
  }
}
