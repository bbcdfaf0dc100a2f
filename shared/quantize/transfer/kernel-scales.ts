/** Scales that operators on codes can be given: one for a tensor, or one for each output of a product's weights. */
import type { Node, Value } from '../../onnx/ir.ts';
import { constantOf, int } from '../../onnx/match.ts';
import { dequantizing } from '../../onnx/passes/integer-kernels/codes.ts';
import type { Dtype } from '../../tensor/dtype.ts';

/** Of a product the output axis of its weights; of others null. */
const OUTPUT_AXES: Readonly<Record<string, (node: Node) => number>> = {
  Conv: () => 0,
  Gemm: (node) => (int(node, 'transB') === 1 ? 0 : 1),
  MatMul: ({ inputs: [, w] }) => (w?.type?.shape.length ?? 2) - 1,
};

/** Whether all that a node dequantizes and rounds to has such scales. */
export const hasKernelScales = (node: Node): boolean =>
  node.inputs.every((input, index) => {
    const dequantize = dequantizing(input);
    return !dequantize || isScaledWhole(dequantize) || (index > 0 && isScaledByOutput(node, dequantize));
  });

/** A bias of Conv and Gemm has the scales of their weights, along its only axis. */
function isScaledByOutput(node: Node, dequantize: Node): boolean {
  const axisOf = OUTPUT_AXES[node.op];
  const rank = dequantize.outputs[0]?.type?.shape.length ?? 0;
  const isVector = shapeOf(dequantize.inputs[1])?.length === 1 && (int(dequantize, 'block_size') ?? 0) === 0;
  if (!axisOf || !isVector) return false;
  const axis = int(dequantize, 'axis') ?? 1;
  return rank === 1 || (axis < 0 ? axis + rank : axis) === axisOf(node);
}

export const isScaledWhole = (quantizing: Node): boolean => {
  const shape = shapeOf(quantizing.inputs[1]);
  return shape !== null && shape.every((size) => size === 1) && shape.length <= 1;
};

const shapeOf = (value: Value | null | undefined) => constantOf(value)?.shape ?? value?.type?.shape ?? null;

/** The element type of codes, as their zero point has it. */
export const dtypeOf = (zeroPoint: Value): Dtype | null =>
  constantOf(zeroPoint)?.dtype ?? zeroPoint.type?.dtype ?? null;
