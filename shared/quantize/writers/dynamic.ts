/**
 * Writes a dynamic plan: activations are quantized anew in every run. The subgraph is the one onnxruntime fuses to
 * DynamicQuantizeMatMul.
 */
import type { Node, Value } from '../../onnx/ir.ts';
import { transposeBytes } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import { type ConstantPlan, isConstantPlan, type TensorPlan } from '../plan.ts';
import { isLookup, ruleOf, weightAxisOf } from '../rules.ts';
import { lookupWriter } from './lookup.ts';
import { PlanValues } from './plan-values.ts';
import { scaledBias } from './scaled-bias.ts';
import type { WriteRequest, Written } from './writer.ts';
import { typeLike, Writing } from './writing.ts';

/** An activation as codes, with the parameters of this run. */
interface Quantized {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

export function writeDynamic({ model, plan, params }: WriteRequest): Written[] {
  const writing = new Writing(model);
  const values = new PlanValues(writing, params);
  const writeLookup = lookupWriter(writing, values);
  const activations = new Map<Value, Quantized>();
  const transposed = new Map<TensorPlan, Value>();
  const quantized = (value: Value): Quantized => {
    const known = activations.get(value) ?? addQuantize(writing, value);
    activations.set(value, known);
    return known;
  };
  const matrixOf = (node: Node, weight: ConstantPlan): Value => {
    if (weightAxisOf(node, ruleOf(node)!) === 1) return values.codesOf(weight);
    const known =
      transposed.get(weight) ??
      writing.constant(`${weight.value.name}_transposed`, transposedData(values.codeDataOf(weight)));
    transposed.set(weight, known);
    return known;
  };
  const written = [...plan.nodes.values()].map((nodePlan): Written => {
    const { node, inputs } = nodePlan;
    if (isLookup(node)) return writeLookup(nodePlan);
    const weight = inputs.find((tensor) => tensor && isConstantPlan(tensor)) as ConstantPlan;
    const x = quantized(node.inputs[0]!);
    return writeProduct({ writing, values, node, x, matrix: matrixOf(node, weight), weight });
  });
  writing.finish();
  return written;
}

function addQuantize(writing: Writing, value: Value): Quantized {
  const [codes, scale, zeroPoint] = writing.addAll({
    op: 'DynamicQuantizeLinear',
    inputs: [value],
    name: `${value.name}_quantized`,
    more: [`${value.name}_scale`, `${value.name}_zero_point`],
    type: typeLike('uint8', value),
  }) as [Value, Value, Value];
  return { codes, scale, zeroPoint };
}

interface Product {
  readonly writing: Writing;
  readonly values: PlanValues;
  readonly node: Node;
  readonly x: Quantized;
  /** Codes as `[K, N]`. */
  readonly matrix: Value;
  readonly weight: ConstantPlan;
}

function writeProduct({ writing, values, node, x, matrix, weight }: Product): Written {
  const [result] = node.outputs as [Value];
  const { origin } = node;
  const qparams = values.valuesOf(weight);
  const bias = node.inputs[2] ?? null;
  const { name } = result;
  const replaced = { replaces: writing.readersOf(result), suffix: 'replaced' };
  const sums = writing.add({
    op: 'MatMulInteger',
    inputs: [x.codes, matrix, x.zeroPoint, qparams.zeroPoint],
    name: `${name}_sums`,
    type: typeLike('int32', result),
    origin,
  });
  const type = typeLike('float32', result);
  const to = { to: 'float32' };
  const numbers = writing.add({ op: 'Cast', inputs: [sums], attributes: to, name: `${name}_sums_float`, type, origin });
  const scale = writing.add({ op: 'Mul', inputs: [x.scale, qparams.scale], name: `${name}_scale`, origin });
  const scaled = { op: 'Mul', inputs: [numbers, scale], type, origin } as const;
  const product = writing.add({ ...scaled, ...(bias ? { name: `${name}_scaled` } : replaced) });
  const last = bias
    ? writing.add({ op: 'Add', inputs: [product, scaledBias(writing, node, bias)], type, origin, ...replaced })
    : product;
  writing.graph.removeNode(node);
  return { node, tensor: name, value: last, qparams: null };
}

/** On a new tensor: others may read the matrix as it is. */
function transposedData(codes: TensorData): TensorData {
  const [rows, columns] = codes.shape as [number, number];
  return derivedData({ dtype: codes.dtype, shape: [columns, rows] }, [codes], (bytes) =>
    transposeBytes(bytes!, rows, columns),
  );
}
