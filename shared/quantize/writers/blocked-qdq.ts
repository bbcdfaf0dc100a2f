/** Writes weights in blocks behind DequantizeLinear, which has blocks since opset 21; operators stay as they are. */
import { fail } from '../../errors.ts';
import type { Value } from '../../onnx/ir.ts';
import { FIRST_WITH_BLOCKS } from '../../onnx/opset.ts';
import { resultOf, type TensorPlan } from '../plan.ts';
import { BlockedWeights } from '../weight-only/blocked-weights.ts';
import type { WriteRequest, Written } from './writer.ts';
import { Writing } from './writing.ts';

export function writeBlockedQdq({ model, plan, fitted }: WriteRequest): Written[] {
  const writing = new Writing(model);
  if (writing.opset < FIRST_WITH_BLOCKS)
    fail('UnsupportedOpset', {
      operator: 'DequantizeLinear with blocks',
      opset: writing.opset,
      needed: `opset ${FIRST_WITH_BLOCKS}, or the format QLinear (MatMulNBits), which any opset has`,
      at: `"${model.graph.name}"`,
    });
  const weights = new BlockedWeights(fitted ?? new Map());
  const dequantized = new Map<TensorPlan, Value>();
  const read = (tensor: TensorPlan): Value => {
    const known = dequantized.get(tensor);
    if (known) return known;
    if (tensor.kind !== 'blocked') throw new Error(`"${tensor.value.name}" is no weight in blocks`);
    const { name } = tensor.value;
    const data = weights.asStored(tensor);
    const codes = writing.constant(`${name}_quantized`, data.codes);
    const qparams = {
      scale: writing.constant(`${name}_scale`, data.scale),
      zeroPoint: data.zeroPoint && writing.constant(`${name}_zero_point`, data.zeroPoint),
      granularity: tensor.granularity,
    };
    const value = writing.dequantize(codes, qparams, { like: codes, name: `${name}_dequantized` });
    dequantized.set(tensor, value);
    return value;
  };
  const written = [...plan.nodes.values()].map((nodePlan): Written => {
    const { node, inputs } = nodePlan;
    inputs.forEach((tensor, i) => {
      if (tensor) node.setInput(i, read(tensor));
    });
    const value = resultOf(nodePlan);
    return { node, tensor: value.name, value, qparams: null };
  });
  writing.finish();
  return written;
}
