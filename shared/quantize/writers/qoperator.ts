/**
 * Writes a plan as integer operators on codes (the QOperator format, "QLinear"): the same numbers as Q/DQ, without the
 * float form.
 */
import type { AttributeInputs } from '../../onnx/builder.ts';
import type { Node, Value } from '../../onnx/ir.ts';
import type { OnnxOp } from '../../onnx/schema/index.ts';
import { allCodesOutOf, codesOutOf, isConstantPlan, type NodePlan, resultOf, type TensorPlan } from '../plan.ts';
import { isConstantPad } from '../refuse-node.ts';
import { isLookup } from '../rules.ts';
import { lookupWriter } from './lookup.ts';
import { PlanValues } from './plan-values.ts';
import type { WriteRequest, Written } from './writer.ts';
import { typeLike, Writing } from './writing.ts';

/** A node to write: its inputs as codes with their parameters, and the parameters of its output. */
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

type Form = FormBase & ({ readonly op: OnnxOp } | { readonly contrib: string });

interface FormBase {
  readonly inputs: readonly (Value | null)[];
  /** Attributes of the float operator that the integer one takes too; left out: all of them. */
  readonly keeps?: readonly string[];
  readonly adds?: AttributeInputs;
}

const unary =
  (contrib: string, adds: AttributeInputs = {}) =>
  (call: Call): Form => ({ contrib, inputs: [...call.input(0), ...call.output], adds });
const binary =
  (contrib: string) =>
  (call: Call): Form => ({ contrib, inputs: [...call.input(0), ...call.input(1), ...call.output] });

/** Operators that only move codes are written as they are; these become another one. */
const FORMS: Readonly<Record<string, (call: Call) => Form>> = {
  Conv: (c) => ({ op: 'QLinearConv', inputs: [...c.input(0), ...c.input(1), ...c.output, c.bias] }),
  Gemm: (c) => ({
    contrib: 'QGemm',
    inputs: [...c.input(0), ...c.input(1), c.bias, ...c.output],
    keeps: ['alpha', 'transA', 'transB'],
  }),
  MatMul: (c) =>
    c.output.length ? { op: 'QLinearMatMul', inputs: [...c.input(0), ...c.input(1), ...c.output] } : floatProduct(c),
  Add: binary('QLinearAdd'),
  Mul: binary('QLinearMul'),
  Concat: (c) => ({
    contrib: 'QLinearConcat',
    inputs: [...c.output, ...c.node.inputs.flatMap((_, i) => c.input(i))],
  }),
  Sigmoid: unary('QLinearSigmoid'),
  LeakyRelu: unary('QLinearLeakyRelu'),
  Softmax: (c) => unary('QLinearSoftmax', { opset: c.opset })(c),
  AveragePool: (c) => ({
    ...unary('QLinearAveragePool')(c),
    keeps: ['auto_pad', 'ceil_mode', 'count_include_pad', 'kernel_shape', 'pads', 'strides'],
  }),
  // What is padded with 0 is padded with the code of 0.
  Pad: (c) => ({
    op: 'Pad',
    inputs: [
      c.input(0)[0]!,
      c.node.inputs[1]!,
      isConstantPad(c.node) ? c.input(0)[2]! : null,
      c.node.inputs[3] ?? null,
    ],
  }),
  Where: (c) => ({
    contrib: 'QLinearWhere',
    inputs: [c.node.inputs[0]!, ...c.input(1), ...c.input(2), ...c.output],
  }),
  GlobalAveragePool: unary('QLinearGlobalAveragePool', { channels_last: 0 }),
};

function floatProduct(call: Call): Form {
  const [a, aScale, aZero] = call.input(0) as [Value, Value, Value];
  const [b, bScale, bZero] = call.input(1) as [Value, Value, Value];
  return { contrib: 'MatMulIntegerToFloat', inputs: [a, b, aScale, bScale, aZero, bZero, call.addend] };
}

export function writeQOperators({ model, plan, params }: WriteRequest): Written[] {
  const { graph } = model;
  const writing = new Writing(model);
  const values = new PlanValues(writing, params);
  writing.fold(plan.folded);
  const writeLookup = lookupWriter(writing, values);
  const codes = new Map<Value, Value>();

  const codesOf = (tensor: TensorPlan): Value => {
    if (isConstantPlan(tensor)) return values.codesOf(tensor);
    const known = codes.get(tensor.value) ?? quantized(tensor);
    codes.set(tensor.value, known);
    return known;
  };
  const quantized = (tensor: TensorPlan): Value => {
    const name = `${writing.nameOf(tensor.value)}_quantized`;
    return writing.quantize(writing.carrierOf(tensor.value), values.valuesOf(tensor), { dtype: tensor.dtype, name });
  };
  const paramsOf = (tensor: TensorPlan): readonly Value[] => {
    const { scale, zeroPoint } = values.valuesOf(tensor);
    return [scale, zeroPoint];
  };
  const formOf = ({ node, inputs, output, addition }: NodePlan): Form | undefined => {
    const bias = inputs.find((tensor) => tensor?.kind === 'bias');
    return FORMS[node.op]?.({
      node,
      opset: writing.opset,
      input: (i) => [codesOf(inputs[i]!), ...paramsOf(inputs[i]!)],
      bias: bias ? codesOf(bias) : null,
      addend: addition && (addition.bias ? values.numbersOf(addition.bias) : addition.node.inputs[addition.index]!),
      output: output ? paramsOf(output) : [],
    });
  };

  /** The result of the integer operator: codes where the node's output is planned, else numbers. */
  const writeNode = (nodePlan: NodePlan, before: Value): Value => {
    const { node, inputs, output } = nodePlan;
    const form = formOf(nodePlan);
    const name = output ? `${before.name}_quantized` : `${before.name}_float`;
    const dtype = output?.dtype ?? before.type?.dtype ?? 'float32';
    if (!form) {
      const more = nodePlan.more.map(({ value }) => writing.valueLike(`${value.name}_quantized`, dtype, value));
      nodePlan.more.forEach(({ value }, i) => codes.set(value, more[i]!));
      const moved = node.inputs.map((value, i) => (inputs[i] ? codesOf(inputs[i]) : value));
      const first = writing.valueLike(name, dtype, before);
      writing.addMoving(node, moved, [first, ...more]);
      return first;
    }
    const { keeps, adds = {}, ...call } = form;
    const copied = [...node.attributes].filter(([key]) => keeps?.includes(key) ?? true);
    const type = typeLike(dtype, before);
    return writing.add({ ...call, copied, attributes: adds, name, type, origin: node.origin });
  };

  const write = (nodePlan: NodePlan): Written => {
    const { node, output, addition } = nodePlan;
    if (isLookup(node)) return writeLookup(nodePlan);
    const before = writing.carrierOf(resultOf(nodePlan));
    const result = writeNode(nodePlan, before);
    const tensor = before.name;
    const rounded = addition?.output ?? null;
    if (output) codes.set(output.value, result);
    else if (rounded)
      codes.set(
        before,
        writing.quantize(result, values.valuesOf(rounded), { dtype: rounded.dtype, name: `${tensor}_quantized` }),
      );
    else writing.supersede(writing.readersOf(before), result, 'replaced');
    const last = codesOutOf(nodePlan);
    return { node, tensor, value: last ? codes.get(last.value)! : result, qparams: last && values.valuesOf(last) };
  };

  const nodes = [...plan.nodes.values()];
  const written = nodes.map(write);
  for (const { node, addition } of nodes)
    for (const replaced of [node, addition?.node]) if (replaced?.graph) graph.removeNode(replaced);
  for (const output of nodes.flatMap(allCodesOutOf)) {
    const value = writing.carrierOf(output.value);
    // Readers that were not quantized, and the outputs of the graph, get the numbers back.
    if (value.uses.size === 0 && !graph.isOutput(value)) continue;
    const naming = { like: value, replaces: writing.readersOf(value), suffix: 'replaced' };
    writing.dequantize(codes.get(output.value)!, values.valuesOf(output), naming);
  }
  writing.finish();
  return written;
}
