/** What was done to a layer so that it loses less, as a line of the report. */
import type { AdjustmentName } from '../../choices.ts';
import type { Node } from '../../onnx/ir.ts';
import type { Adjustment } from '../../report/quantization.ts';

export const nameOf = (node: Node): string => node.name || node.outputs[0]!.name;

export const named = (node: Node): string => `${node.op} "${nameOf(node)}"`;

export const adjusted = (method: AdjustmentName, node: Node, what: string): Adjustment => ({
  method,
  layer: nameOf(node),
  operator: node.op,
  module: node.origin?.module ?? '',
  what,
});
