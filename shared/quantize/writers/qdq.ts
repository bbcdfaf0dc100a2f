/**
 * Writes a plan as QuantizeLinear and DequantizeLinear around float operators: onnxruntime and others fuse the groups.
 */
import type { Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { reshapedData } from '../../tensor/data.ts';
import {
  type Addition,
  allCodesOutOf,
  codesOutOf,
  type ConstantPlan,
  isConstantPlan,
  resultOf,
  type TensorPlan,
} from '../plan.ts';
import { isLookup } from '../rules.ts';
import { lookupWriter } from './lookup.ts';
import { PlanValues } from './plan-values.ts';
import type { WriteRequest, Written } from './writer.ts';
import { type Readers, Writing } from './writing.ts';

export function writeQdq({ model, plan, params, extra = {} }: WriteRequest): Written[] {
  const writing = new Writing(model);
  const values = new PlanValues(writing, params);
  writing.fold(plan.folded);
  const writeLookup = lookupWriter(writing, values);
  const dequantized = new Map<Value | TensorPlan, Value>();

  const quantize = (tensor: TensorPlan, value: Value): Value =>
    writing.quantize(value, values.valuesOf(tensor), {
      dtype: tensor.dtype,
      name: `${writing.nameOf(tensor.value)}_quantized`,
    });
  const activation = (tensor: TensorPlan): Value => {
    const value = writing.carrierOf(tensor.value);
    const codes = quantize(tensor, value);
    const name = `${value.name}_DequantizeLinear_Output`;
    return writing.dequantize(codes, values.valuesOf(tensor), { like: value, name });
  };
  const constant = (tensor: ConstantPlan): Value => {
    const isPair = extra.AddQDQPairToWeight && tensor.kind !== 'bias' && tensor.kind !== 'copied';
    const codes = isPair ? quantize(tensor, tensor.value) : values.codesOf(tensor);
    const name = `${tensor.value.name}_dequantized`;
    return writing.dequantize(codes, values.valuesOf(tensor), { like: codes, name });
  };
  const isDedicated = extra.DedicatedQDQPair === true;
  const read = (tensor: TensorPlan): Value => {
    if (isDedicated && !isConstantPlan(tensor)) return activation(tensor);
    const key = isConstantPlan(tensor) ? tensor : tensor.value;
    const known = dequantized.get(key) ?? (isConstantPlan(tensor) ? constant(tensor) : activation(tensor));
    dequantized.set(key, known);
    return known;
  };

  const nodes = [...plan.nodes.values()];
  // Whoever reads a tensor that an integer kernel computes reads it dequantized, the outputs of the graph included.
  for (const output of nodes.flatMap(allCodesOutOf)) {
    const value = writing.carrierOf(output.value);
    const readers = writing.readersOf(value);
    const { name } = value;
    const pair = (naming: PairNaming): Value =>
      writing.dequantize(quantize(output, value), values.valuesOf(output), { like: value, ...naming });
    const [replaces, ...others] = isDedicated ? oneByOne(readers) : [readers];
    dequantized.set(output.value, pair({ replaces: replaces!, suffix: 'QuantizeLinear_Input' }));
    for (const { uses } of others) {
      const more = pair({ name: `${name}_DequantizeLinear_Output` });
      for (const { node, index } of uses) node.setInput(index, more);
    }
  }
  const written = nodes.map((nodePlan): Written => {
    const { node, inputs, addition } = nodePlan;
    if (isLookup(node)) return writeLookup(nodePlan);
    inputs.forEach((tensor, i) => {
      // What is computed on codes is read by way of its pair already.
      if (tensor && !(isDedicated && dequantized.has(tensor.value))) node.setInput(i, read(tensor));
      if (tensor?.kind === 'bias') node.attributes.delete('beta');
    });
    if (addition) addBias(writing, addition, read);
    const output = codesOutOf(nodePlan);
    const value = output ? dequantized.get(output.value)! : resultOf(nodePlan);
    return { node, tensor: value.name, value, qparams: null };
  });
  writing.finish();
  return written;
}

type PairNaming = { readonly name: string } | { readonly replaces: Readers; readonly suffix: string };

/** Each reader by itself; the outputs of the graph are one. */
function oneByOne({ value, uses, outputs }: Readers): Readers[] {
  const each = uses.map((use) => ({ value, uses: [use], outputs: [] }));
  return outputs.length > 0 || each.length === 0 ? [{ value, uses: [], outputs }, ...each] : each;
}

function addBias(writing: Writing, { node, index, bias, shape }: Addition, read: (tensor: TensorPlan) => Value): void {
  const before = node.inputs[index]!;
  node.setInput(
    index,
    bias ? read(bias) : writing.constant(`${before.name}_row`, reshapedData(constantOf(before)!, shape)),
  );
}
