/** Writes a plan as QuantizeLinear and DequantizeLinear around float operators: onnxruntime and others fuse the groups. */
import type { Value } from '../onnx/ir.ts';
import { Grids } from './grids.ts';
import { isLookup, lookupWriter } from './lookup.ts';
import type { TensorPlan } from './plan.ts';
import { foldActivations, isConstantPlan, removeReplaced, type WriteRequest, type Written } from './written.ts';

export function insertQdq({ graph, plan, params }: WriteRequest): Written[] {
  const grids = new Grids(graph, params);
  const carrierOf = foldActivations(grids, plan);
  const writeLookup = lookupWriter(grids);
  const dequantized = new Map<Value | TensorPlan, Value>();

  const pair = (tensor: TensorPlan, value: Value, name: string): Value => {
    const grid = grids.gridOf(tensor);
    const codes = grids.quantize(value, grid, grids.value(`${name}_quantized`, 'uint8', value));
    return grids.dequantize(codes, grid, grids.value(`${name}_DequantizeLinear_Output`, 'float32', value));
  };
  const read = (tensor: TensorPlan): Value => {
    const key = isConstantPlan(tensor) ? tensor : carrierOf(tensor.value);
    const known = dequantized.get(key) ?? (isConstantPlan(tensor) ? constant(grids, tensor) : pair(tensor, carrierOf(tensor.value), tensor.value.name));
    dequantized.set(key, known);
    return known;
  };

  const nodes = [...plan.nodes.values()];
  // Whoever reads a tensor that an integer kernel computes reads it dequantized, the outputs of the graph included.
  for (const { output } of nodes) {
    if (!output) continue;
    const value = carrierOf(output.value);
    const { name } = value;
    const result = grids.value(`${name}_DequantizeLinear_Output`, 'float32', value);
    grids.supersede(value, result, 'QuantizeLinear_Input');
    const grid = grids.gridOf(output);
    grids.dequantize(grids.quantize(value, grid, grids.value(`${name}_quantized`, 'uint8', value)), grid, result);
    dequantized.set(value, result);
  }
  const written = nodes.map((nodePlan): Written => {
    if (isLookup(nodePlan)) return writeLookup(nodePlan);
    const { node, inputs, output } = nodePlan;
    inputs.forEach((tensor, i) => {
      if (tensor) node.setInput(i, read(tensor));
      if (tensor?.kind === 'bias') node.attributes.delete('beta');
    });
    const value = output ? dequantized.get(carrierOf(output.value))! : node.outputs[0]!;
    return { node, tensor: value.name, value, grid: null };
  });
  removeReplaced(graph, nodes);
  graph.sortNodes();
  return written;
}

function constant(grids: Grids, tensor: Parameters<Grids['codesOf']>[0]): Value {
  const { axis } = grids.paramsOf(tensor);
  const codes = grids.codesOf(tensor);
  return grids.dequantize(codes, grids.gridOf(tensor), grids.value(`${tensor.value.name}_dequantized`, 'float32', codes), axis);
}
