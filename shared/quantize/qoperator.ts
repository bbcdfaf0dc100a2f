/**
 * Writes a plan as integer operators on codes (the QOperator format, "QLinear"): the same numbers as Q/DQ, without the
 * float form.
 */
import { attribute, type Attribute, type Model, type Node, type Value } from '../onnx/ir.ts';
import { CONTRIB_DOMAIN } from '../onnx/schema/contrib.ts';
import { Grids } from './grids.ts';
import { isLookup, lookupWriter } from './lookup.ts';
import { allCodesOutOf, codesOutOf, type NodePlan, resultOf, type TensorPlan } from './plan.ts';
import { isConstantPad } from './rules.ts';
import { foldActivations, isConstantPlan, removeReplaced, type WriteRequest, type Written } from './written.ts';

/** A node to write: its inputs as codes with their grids, and the grid of its output (null: float). */
interface Call {
  readonly node: Node;
  readonly opset: number;
  /** `[codes, scale, zero point]` of an input. */
  input(index: number): readonly Value[];
  /** int32 codes. */
  readonly bias: Value | null;
  /** Float numbers, added to a float product. */
  readonly addend: Value | null;
  /** `[scale, zero point]`, empty where the output is float. */
  readonly output: readonly Value[];
}

interface Form {
  readonly op: string;
  readonly contrib: boolean;
  readonly inputs: readonly (Value | null)[];
  /** Attributes of the float operator that the integer one takes too; left out: all of them. */
  readonly keeps?: readonly string[];
  readonly adds?: readonly (readonly [string, Attribute])[];
}

const unary =
  (op: string, adds: Form['adds'] = []) =>
  (call: Call): Form => ({ op, contrib: true, inputs: [...call.input(0), ...call.output], adds });
const binary =
  (op: string) =>
  (call: Call): Form => ({ op, contrib: true, inputs: [...call.input(0), ...call.input(1), ...call.output] });

/** Operators that only move codes are written as they are; these become another one. */
const FORMS: Readonly<Record<string, (call: Call) => Form>> = {
  Conv: (c) => ({ op: 'QLinearConv', contrib: false, inputs: [...c.input(0), ...c.input(1), ...c.output, c.bias] }),
  Gemm: (c) => ({
    op: 'QGemm',
    contrib: true,
    inputs: [...c.input(0), ...c.input(1), c.bias, ...c.output],
    keeps: ['alpha', 'transA', 'transB'],
  }),
  MatMul: (c) =>
    c.output.length
      ? { op: 'QLinearMatMul', contrib: false, inputs: [...c.input(0), ...c.input(1), ...c.output] }
      : floatProduct(c),
  Add: binary('QLinearAdd'),
  Mul: binary('QLinearMul'),
  Concat: (c) => ({
    op: 'QLinearConcat',
    contrib: true,
    inputs: [...c.output, ...c.node.inputs.flatMap((_, i) => c.input(i))],
  }),
  Sigmoid: unary('QLinearSigmoid'),
  LeakyRelu: unary('QLinearLeakyRelu'),
  Softmax: (c) => unary('QLinearSoftmax', [['opset', attribute.int(c.opset)]])(c),
  AveragePool: (c) => ({
    ...unary('QLinearAveragePool')(c),
    keeps: ['auto_pad', 'ceil_mode', 'count_include_pad', 'kernel_shape', 'pads', 'strides'],
  }),
  // What is padded with 0 is padded with the code of 0.
  Pad: (c) => ({
    op: 'Pad',
    contrib: false,
    inputs: [
      c.input(0)[0]!,
      c.node.inputs[1]!,
      isConstantPad(c.node) ? c.input(0)[2]! : null,
      c.node.inputs[3] ?? null,
    ],
  }),
  GlobalAveragePool: unary('QLinearGlobalAveragePool', [['channels_last', attribute.int(0)]]),
};

function floatProduct(call: Call): Form {
  const [a, aScale, aZero] = call.input(0) as [Value, Value, Value];
  const [b, bScale, bZero] = call.input(1) as [Value, Value, Value];
  return { op: 'MatMulIntegerToFloat', contrib: true, inputs: [a, b, aScale, bScale, aZero, bZero, call.addend] };
}

export function writeQOperators({
  model,
  ...request
}: Omit<WriteRequest, 'graph'> & { readonly model: Model }): Written[] {
  const { graph } = model;
  const { plan, params } = request;
  const grids = new Grids(graph, params);
  foldActivations(grids, plan);
  const writeLookup = lookupWriter(grids);
  const codes = new Map<Value, Value>();
  const opset = model.opsets.get('') ?? 0;

  const codesOf = (tensor: TensorPlan): Value => {
    if (isConstantPlan(tensor)) return grids.codesOf(tensor);
    const known = codes.get(tensor.value) ?? quantized(grids, tensor);
    codes.set(tensor.value, known);
    return known;
  };
  const gridOf = (tensor: TensorPlan): readonly Value[] => Object.values(grids.gridOf(tensor));

  const write = (nodePlan: NodePlan): Written => {
    if (isLookup(nodePlan)) return writeLookup(nodePlan);
    const { node, inputs, output, addition } = nodePlan;
    const bias = inputs.find((tensor) => tensor?.kind === 'bias');
    const form = FORMS[node.op]?.({
      node,
      opset,
      input: (i) => [codesOf(inputs[i]!), ...gridOf(inputs[i]!)],
      bias: bias ? codesOf(bias) : null,
      addend: addition && (addition.bias ? grids.numbersOf(addition.bias) : addition.node.inputs[addition.index]!),
      output: output ? gridOf(output) : [],
    });
    if (form?.contrib) model.opsets.set(CONTRIB_DOMAIN, 1);
    const before = grids.carrierOf(resultOf(nodePlan));
    const result = output
      ? grids.value(`${before.name}_quantized`, 'uint8', before)
      : grids.value(`${before.name}_float`, 'float32', before);
    const more = nodePlan.more.map(({ value }) => grids.value(`${value.name}_quantized`, 'uint8', value));
    nodePlan.more.forEach(({ value }, i) => codes.set(value, more[i]!));
    grids.add({
      op: form?.op ?? node.op,
      domain: form?.contrib ? CONTRIB_DOMAIN : '',
      inputs: form?.inputs ?? node.inputs.map((value, i) => (inputs[i] ? codesOf(inputs[i]) : value)),
      output: result,
      more,
      attributes: [
        ...[...node.attributes].filter(([name]) => form?.keeps?.includes(name) ?? true),
        ...(form?.adds ?? []),
      ],
      origin: node.origin,
    });
    const tensor = before.name;
    const rounded = addition?.output ?? null;
    if (output) codes.set(output.value, result);
    else if (rounded)
      codes.set(
        before,
        grids.quantize(result, grids.gridOf(rounded), grids.value(`${tensor}_quantized`, 'uint8', before)),
      );
    else grids.supersede(before, result, 'replaced');
    const last = codesOutOf(nodePlan);
    return { node, tensor, value: last ? codes.get(last.value)! : result, grid: last ? grids.gridOf(last) : null };
  };

  const nodes = [...plan.nodes.values()];
  const written = nodes.map(write);
  for (const { node, addition } of nodes)
    for (const replaced of [node, addition?.node]) if (replaced?.graph) graph.removeNode(replaced);
  for (const output of nodes.flatMap(allCodesOutOf)) {
    const value = grids.carrierOf(output.value);
    // Readers that were not quantized, and the outputs of the graph, get the numbers back.
    if (value.uses.size === 0 && !graph.isOutput(value)) continue;
    const numbers = grids.value(`${value.name}_DequantizeLinear_Output`, 'float32', value);
    grids.supersede(value, numbers, 'replaced');
    grids.dequantize(codes.get(output.value)!, grids.gridOf(output), numbers);
  }
  removeReplaced(graph, nodes);
  graph.sortNodes();
  return written;
}

function quantized(grids: Grids, tensor: TensorPlan): Value {
  const value = grids.carrierOf(tensor.value);
  return grids.quantize(
    value,
    grids.gridOf(tensor),
    grids.value(`${grids.nameOf(tensor.value)}_quantized`, 'uint8', value),
  );
}
