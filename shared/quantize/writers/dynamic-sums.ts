/**
 * Products and convolutions as sums of codes whose scales are multiplied in behind them. A product is the subgraph that
 * onnxruntime fuses to DynamicQuantizeMatMul.
 */
import { type Attribute, type Value } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { memoryData, reshapedData, type TensorData } from '../../tensor/data.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import { zeroOf } from '../recipe.ts';
import type { ConstantPlan, NodePlan, PlanOf } from '../plan.ts';
import { ruleOf, weightAxisOf } from '../rules.ts';
import { constantsOf, type DynamicForm, type DynamicWriting } from './dynamic-writing.ts';
import { scaledBias } from './scaled-bias.ts';
import type { Written } from './writer.ts';
import { typeLike } from './writing.ts';

interface Sums {
  readonly op: 'MatMulInteger' | 'ConvInteger';
  /** Codes, as the operator reads them. */
  readonly codes: Value;
  /** Broadcasts to the sums. */
  readonly scale: Value;
  readonly zeroPoint: Value;
  readonly bias: Value | null;
  readonly copied?: readonly (readonly [string, Attribute])[];
}

export const product: DynamicForm = (dynamic, plan) => {
  const { node } = plan;
  const [weight] = constantsOf(plan) as [ConstantPlan];
  const isTurned = weightAxisOf(node, ruleOf(node)!) !== 1;
  const codes = isTurned ? dynamic.turned(weight) : dynamic.values.codesOf(weight);
  const { scale, zeroPoint } = dynamic.values.valuesOf(weight);
  const bias = node.inputs[2] ? scaledBias(dynamic.writing, node, node.inputs[2]) : null;
  return writeSums(dynamic, plan, { op: 'MatMulInteger', codes, scale, zeroPoint, bias });
};

/** The kernel takes one zero point; scales of channels need ones for the places behind them. */
export const convolution: DynamicForm = (dynamic, plan) => {
  const { node } = plan;
  const { writing, values } = dynamic;
  const [weight] = constantsOf(plan) as [PlanOf<'weight'>];
  const { name } = weight.value;
  const channels = (data: TensorData): TensorData =>
    data.shape.length === 0 ? data : reshapedData(data, [...data.shape, ...weight.data.shape.slice(2).map(() => 1)]);
  const zero = memoryData(weight.dtype, [], encodeNumbers(weight.dtype, [zeroOf(weight.spec)]));
  const bias = node.inputs[2] ?? null;
  return writeSums(dynamic, plan, {
    op: 'ConvInteger',
    codes: values.codesOf(weight),
    scale: writing.constant(`${name}_scale`, channels(values.qparamsOf(weight).scale)),
    zeroPoint: writing.constant(`${name}_zero_point`, zero),
    bias: bias && writing.constant(`${bias.name}_channels`, channels(constantOf(bias)!)),
    copied: [...node.attributes],
  });
};

function writeSums(
  { writing, quantized }: DynamicWriting,
  { node }: NodePlan,
  { op, codes, scale, zeroPoint, bias, copied = [] }: Sums,
): Written {
  const [result] = node.outputs as [Value];
  const { origin } = node;
  const { name } = result;
  const x = quantized(node.inputs[0]!);
  const replaced = { replaces: writing.readersOf(result), suffix: 'replaced' };
  const sums = writing.add({
    op,
    inputs: [x.codes, codes, x.zeroPoint, zeroPoint],
    copied,
    name: `${name}_sums`,
    type: typeLike('int32', result),
    origin,
  });
  const type = typeLike('float32', result);
  const to = { to: 'float32' };
  const numbers = writing.add({ op: 'Cast', inputs: [sums], attributes: to, name: `${name}_sums_float`, type, origin });
  const scales = writing.add({ op: 'Mul', inputs: [x.scale, scale], name: `${name}_scale`, origin });
  const scaled = { op: 'Mul', inputs: [numbers, scales], type, origin } as const;
  const sum = writing.add({ ...scaled, ...(bias ? { name: `${name}_scaled` } : replaced) });
  const last = bias ? writing.add({ op: 'Add', inputs: [sum, bias], type, origin, ...replaced }) : sum;
  writing.graph.removeNode(node);
  return { node, tensor: name, value: last, qparams: null };
}
