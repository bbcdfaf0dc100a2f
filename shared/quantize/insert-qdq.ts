/**
 * Writes a plan as QuantizeLinear and DequantizeLinear around float operators: onnxruntime and others fuse the groups.
 */
import type { Value } from '../onnx/ir.ts';
import { constantOf } from '../onnx/match.ts';
import { reshapedData } from '../tensor/data.ts';
import { Grids, removeUnread } from './grids.ts';
import { isLookup, lookupWriter } from './lookup.ts';
import { type Addition, allCodesOutOf, codesOutOf, resultOf, type TensorPlan } from './plan.ts';
import { foldActivations, isConstantPlan, removeReplaced, type WriteRequest, type Written } from './written.ts';

export function insertQdq({ graph, plan, params }: WriteRequest): Written[] {
  const grids = new Grids(graph, params);
  foldActivations(grids, plan);
  const writeLookup = lookupWriter(grids);
  const dequantized = new Map<Value | TensorPlan, Value>();

  const addPair = (tensor: TensorPlan, value: Value, result: Value): void => {
    const grid = grids.gridOf(tensor);
    grids.dequantize(
      grids.quantize(value, grid, grids.value(`${grids.nameOf(tensor.value)}_quantized`, 'uint8', value)),
      grid,
      result,
    );
  };
  const activation = (tensor: TensorPlan): Value => {
    const value = grids.carrierOf(tensor.value);
    const result = grids.value(`${value.name}_DequantizeLinear_Output`, 'float32', value);
    addPair(tensor, value, result);
    return result;
  };
  const read = (tensor: TensorPlan): Value => {
    const key = isConstantPlan(tensor) ? tensor : tensor.value;
    const known = dequantized.get(key) ?? (isConstantPlan(tensor) ? constant(grids, tensor) : activation(tensor));
    dequantized.set(key, known);
    return known;
  };

  const nodes = [...plan.nodes.values()];
  // Whoever reads a tensor that an integer kernel computes reads it dequantized, the outputs of the graph included.
  for (const output of nodes.flatMap(allCodesOutOf)) {
    const value = grids.carrierOf(output.value);
    const result = grids.value(`${value.name}_DequantizeLinear_Output`, 'float32', value);
    grids.supersede(value, result, 'QuantizeLinear_Input');
    addPair(output, value, result);
    dequantized.set(output.value, result);
  }
  const written = nodes.map((nodePlan): Written => {
    if (isLookup(nodePlan)) return writeLookup(nodePlan);
    const { node, inputs, addition } = nodePlan;
    inputs.forEach((tensor, i) => {
      if (tensor) node.setInput(i, read(tensor));
      if (tensor?.kind === 'bias') node.attributes.delete('beta');
    });
    if (addition) addBias(grids, addition, read);
    const output = codesOutOf(nodePlan);
    const value = output ? dequantized.get(output.value)! : resultOf(nodePlan);
    return { node, tensor: value.name, value, grid: null };
  });
  removeReplaced(graph, nodes);
  graph.sortNodes();
  return written;
}

function constant(grids: Grids, tensor: Parameters<Grids['codesOf']>[0]): Value {
  const { axis } = grids.paramsOf(tensor);
  const codes = grids.codesOf(tensor);
  return grids.dequantize(
    codes,
    grids.gridOf(tensor),
    grids.value(`${tensor.value.name}_dequantized`, 'float32', codes),
    axis,
  );
}

function addBias(grids: Grids, { node, index, bias, shape }: Addition, read: (tensor: TensorPlan) => Value): void {
  const before = node.inputs[index]!;
  node.setInput(
    index,
    bias ? read(bias) : grids.constant(`${before.name}_row`, reshapedData(constantOf(before)!, shape)),
  );
  removeUnread(grids.graph, [before]);
}
