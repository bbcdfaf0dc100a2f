/** Operators of onnxruntime that quantize what they read as they run, or read codes, and give numbers. */
import type { Attribute, Node, Value } from '../../onnx/ir.ts';
import { derivedData, reshapedData, type TensorData } from '../../tensor/data.ts';
import { transposeBytes } from '../../tensor/arithmetic.ts';
import type { ConstantPlan } from '../plan.ts';
import { constantsOf, type DynamicForm, type DynamicWriting } from './dynamic-writing.ts';
import type { Written } from './writer.ts';
import { typeLike } from './writing.ts';

/** DynamicQuantizeLSTM: weights turned, a scale for each gate of each direction. */
export const recurrent: DynamicForm = (dynamic, plan) => {
  const { node } = plan;
  const { writing, values } = dynamic;
  const weights = constantsOf(plan);
  const codes = weights.map((weight, i) =>
    writing.constant(`${weight.value.name}_quantized`, turned(values.codeDataOf(weight), directionsOf(node, i))),
  );
  const params = weights.flatMap((weight, i) => {
    const { name } = weight.value;
    const { scale, zeroPoint } = values.qparamsOf(weight);
    // One for all is one for each direction.
    const perDirection = (data: TensorData): TensorData => spread(data, directionsOf(node, i));
    return [
      writing.constant(`${name}_scale`, perDirection(scale)),
      writing.constant(`${name}_zero_point`, perDirection(zeroPoint!)),
    ];
  });
  const more = Array.from({ length: 5 }, (_, i) => node.inputs[3 + i] ?? null);
  const inputs = [node.inputs[0]!, ...codes, ...more, ...params];
  const copied = [...node.attributes].filter(([name]) => name !== 'layout');
  return replaceBy(dynamic, node, { contrib: 'DynamicQuantizeLSTM', inputs, copied });
};

/** QAttention: the projection of queries, keys and values on codes, the rest in float. */
export const attention: DynamicForm = (dynamic, plan) => {
  const { node } = plan;
  const { values } = dynamic;
  const [weight] = constantsOf(plan) as [ConstantPlan];
  const x = dynamic.quantized(node.inputs[0]!);
  const { scale, zeroPoint } = values.valuesOf(weight);
  const [, , bias = null, mask = null, past = null] = node.inputs;
  const inputs = [x.codes, values.codesOf(weight), bias, x.scale, scale, mask, x.zeroPoint, zeroPoint, past];
  return replaceBy(dynamic, node, { contrib: 'QAttention', inputs, copied: [...node.attributes] });
};

/** QEmbedLayerNormalization: tables and the vectors of the normalization as codes. */
export const embedding: DynamicForm = (dynamic, plan) => {
  const { node } = plan;
  const { values } = dynamic;
  const tables = [2, 3, 4, 5, 6].map((i) => (plan.inputs[i] ?? null) as ConstantPlan | null);
  const of = <T>(take: (table: ConstantPlan) => T): readonly (T | null)[] =>
    tables.map((table) => table && take(table));
  const inputs = [
    node.inputs[0]!,
    node.inputs[1] ?? null,
    ...of((table) => values.codesOf(table)),
    node.inputs[7] ?? null,
    ...of((table) => values.valuesOf(table).scale),
    ...of((table) => values.valuesOf(table).zeroPoint),
  ];
  return replaceBy(dynamic, node, { contrib: 'QEmbedLayerNormalization', inputs, copied: [...node.attributes] });
};

interface Replacement {
  readonly contrib: string;
  readonly inputs: readonly (Value | null)[];
  readonly copied: readonly (readonly [string, Attribute])[];
}

function replaceBy({ writing }: DynamicWriting, node: Node, call: Replacement): Written {
  const { origin, outputs } = node;
  const [name, ...more] = outputs.map((output) => `${output.name}_quantized`);
  const results = writing.addAll({ ...call, name: name!, more, origin });
  const tensors = outputs.map((output) => output.name);
  outputs.forEach((output, i) => {
    results[i]!.type = output.type && typeLike(output.type.dtype, output);
    writing.supersede(writing.readersOf(output), results[i]!, 'replaced');
  });
  writing.graph.removeNode(node);
  const shown = Math.max(
    0,
    results.findIndex((result) => result.uses.size > 0 || writing.graph.isOutput(result)),
  );
  return { node, tensor: tensors[shown]!, value: results[shown]!, qparams: null };
}

const directionsOf = (node: Node, weight: number): number => node.inputs[1 + weight]!.data!.shape[0]!;

/** `[directions * rows, size]` as `[directions, size, rows]`. */
function turned(codes: TensorData, directions: number): TensorData {
  const [all, size] = codes.shape as [number, number];
  const rows = all / directions;
  return derivedData({ dtype: codes.dtype, shape: [directions, size, rows] }, [codes], (bytes) => {
    const result = new Uint8Array(bytes!.byteLength);
    const length = rows * size;
    for (let at = 0; at < result.length; at += length)
      result.set(transposeBytes(bytes!.subarray(at, at + length), rows, size), at);
    return result;
  });
}

/** One number for each direction, or one for each row of each direction. */
function spread(data: TensorData, directions: number): TensorData {
  const count = data.shape[0];
  if (count !== undefined) return reshapedData(data, [directions, count / directions]);
  return derivedData({ dtype: data.dtype, shape: [directions] }, [data], (bytes) => {
    const all = new Uint8Array(bytes!.byteLength * directions);
    for (let i = 0; i < directions; i++) all.set(bytes!, i * bytes!.byteLength);
    return all;
  });
}
