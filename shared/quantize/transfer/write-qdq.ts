/**
 * Writes what PyTorch rounded as QuantizeLinear and DequantizeLinear, and its integer weights in place of the float
 * ones.
 */
import { attribute, type Node, type Value } from '../../onnx/ir.ts';
import { dataTypeNumber } from '../../onnx/data-type.ts';
import { constantOf, int } from '../../onnx/match.ts';
import { asFloat32, bytesOf, transposeBytes } from '../../tensor/arithmetic.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import type { QuantizedTensor } from '../../torch/quantized-weights.ts';
import { derivedData, reshapedData, type TensorData } from '../../tensor/data.ts';
import { type Editor, type Params, retyped } from './editor.ts';
import { writeTorchMean } from './torch-mean.ts';
import type { Trace } from './trace.ts';
import type { Unit } from './units.ts';

/** Integer weights of a module, as PyTorch holds them, and its bias. */
export interface ModuleWeights extends QuantizedTensor {
  readonly bias: TensorData | null;
}

/** The operator with the weights of a unit, and the Add of its bias where that is a node of its own. */
export interface Weighted {
  readonly node: Node;
  readonly weightIndex: number;
  readonly addition: { readonly node: Node; readonly index: number } | null;
}

const WEIGHT_INDEX: Readonly<Record<string, number>> = { Conv: 1, ConvTranspose: 1, Gemm: 1, MatMul: 1, Gather: 0 };

export function weightedNode(unit: Unit): Weighted | null {
  for (const node of unit.nodes) {
    const weightIndex = node.domain === '' ? WEIGHT_INDEX[node.op] : undefined;
    if (weightIndex === undefined || !constantOf(node.inputs[weightIndex])) continue;
    return { node, weightIndex, addition: node.op === 'MatMul' ? additionAfter(node, unit) : null };
  }
  return null;
}

function additionAfter(product: Node, unit: Unit): Weighted['addition'] {
  const [use] = product.outputs[0]!.uses;
  if (!use || product.outputs[0]!.uses.size !== 1 || use.node.op !== 'Add' || !unit.nodes.includes(use.node))
    return null;
  const index = 1 - use.index;
  return constantOf(use.node.inputs[index]) ? { node: use.node, index } : null;
}

export function writeRounding(editor: Editor, trace: Trace, afterReluToo: (unit: Unit) => boolean): void {
  const { graph } = editor;
  const producerUnit = new Map<Value, Unit>(trace.units.flatMap((u) => u.outputs.map((o) => [o, u] as const)));
  const readersOf = (value: Value): Unit[] =>
    trace.units.filter((unit) => [...value.uses].some(({ node }) => unit.nodes.includes(node)));
  const means = new Map<Value, Value>();
  const postponed = new Set<Value>();
  for (const value of trace.rounded.keys()) {
    const unit = producerUnit.get(value);
    const readers = readersOf(value);
    const [only] = readers;
    const isCut =
      only?.nodes.length === 1 && CUTS.has(only.nodes[0]!.op) && trace.moved.has(only.nodes[0]!.outputs[0]!);
    if (unit && readers.length === 1 && isCut && !graph.isOutput(value) && !afterReluToo(unit)) postponed.add(value);
  }
  const isWanted = (value: Value): boolean =>
    !trace.moved.has(value) ||
    [...value.uses].some(({ node }) => postponedInput(node, postponed)) ||
    (value.producer !== null && postponedInput(value.producer, postponed)) ||
    readersOf(value).some((unit) => trace.quantized.has(unit));
  for (const value of trace.rounded.keys()) {
    const mean = value.producer?.op === 'ReduceMean' ? writeTorchMean(editor, value.producer) : null;
    if (mean) means.set(value, mean);
  }
  const stems = new Map([...trace.rounded.keys()].map((value) => [value, value.name] as const));
  for (const [value, affine] of trace.rounded) {
    if (postponed.has(value) || !isWanted(value)) continue;
    const stem = stems.get(value)!;
    const codes = editor.quantize(means.get(value) ?? value, stem, affine);
    const result = editor.dequantize(codes, stem, editor.params(stem, affine));
    editor.supersede(value, result, new Set([codes.producer!]));
    editor.removeUnread([value]);
  }
  for (const [value, { affine, readers }] of trace.readings) {
    const stem = value.name;
    const codes = editor.quantize(value, stem, affine);
    const result = editor.dequantize(codes, stem, editor.params(stem, affine));
    for (const use of [...value.uses]) {
      if ([...readers].some((unit) => unit.nodes.includes(use.node))) use.node.setInput(use.index, result);
    }
  }
  // The product of codes and a number is on codes already: rounded again only for those that read codes.
  for (const [value, { affine }] of trace.scaled) {
    if (!readersOf(value).some((unit) => trace.quantized.has(unit))) continue;
    const codes = editor.quantize(value, value.name, affine);
    const result = editor.dequantize(codes, value.name, editor.params(value.name, affine));
    editor.supersede(value, result, new Set([codes.producer!]));
  }
}

/** Cut off codes as they cut off numbers: rounding before or after them is the same. */
const CUTS: ReadonlySet<string> = new Set(['Relu', 'Clip']);

const postponedInput = (node: Node, postponed: ReadonlySet<Value>): boolean =>
  node.inputs.some((input) => input && postponed.has(input));

/** int8 codes and DequantizeLinear in place of a float weight; the bias PyTorch holds in place of the old one. */
export function writeWeights(editor: Editor, { node, weightIndex, addition }: Weighted, weights: ModuleWeights): void {
  const before = node.inputs[weightIndex]!;
  const stem = before.name;
  const isTransposed = node.op === 'MatMul' || (node.op === 'Gemm' && (int(node, 'transB') ?? 0) === 0);
  const codes = editor.constant(`${stem}_quantized`, isTransposed ? transposed(weights.codes) : weights.codes);
  const { granularity } = weights.qparams;
  const axis = granularity.kind !== 'axis' ? undefined : isTransposed ? 1 - granularity.axis : granularity.axis;
  const params = weightParams(editor, stem, weights);
  node.setInput(weightIndex, editor.dequantize(codes, stem, params, axis));
  const unread: (Value | null)[] = [before];
  if (weights.bias && addition)
    unread.push(replaceBias(editor, addition.node, addition.index, rowOf(weights.bias, node)));
  else if (weights.bias && node.op !== 'MatMul') unread.push(replaceBias(editor, node, 2, weights.bias));
  editor.removeUnread(unread);
}

function replaceBias(editor: Editor, node: Node, index: number, bias: TensorData): Value | null {
  const before = node.inputs[index] ?? null;
  node.setInput(index, editor.constant(before ? `${before.name}_of_int8` : `${node.name}_bias`, bias));
  return before;
}

/** With the rank of the sum, so that onnxruntime does not make a float Gemm of product and sum. */
export function rowOf(bias: TensorData, product: Node): TensorData {
  const rank = product.outputs[0]!.type?.shape.length ?? 0;
  return rank > 2 ? reshapedData(bias, [...new Array<number>(rank - 1).fill(1), ...bias.shape]) : bias;
}

export const transposed = (codes: TensorData): TensorData => {
  const [rows, columns] = codes.shape as [number, number];
  return derivedData(codes.dtype, [columns, rows], [codes], (bytes) => transposeBytes(bytes, rows, columns));
};

export function weightParams(editor: Editor, stem: string, { qparams }: QuantizedTensor): Params {
  const { scale, zeroPoint, dtype } = qparams;
  const zeros = { scale: editor.constant(`${stem}_scale`, scale) };
  if (zeroPoint) return { ...zeros, zeroPoint: editor.constant(`${stem}_zero_point`, zeroPoint) };
  const count = scale.shape[0] ?? 1;
  return {
    ...zeros,
    zeroPoint: editor.numbers(`${stem}_zero_point`, dtype, scale.shape, new Array<number>(count).fill(0)),
  };
}

/** An embedding as PyTorch looks it up: codes times the row's scale, plus `f32(-zero point * scale)` of the row. */
export function writeEmbedding(editor: Editor, { node }: Weighted, { codes, qparams }: ModuleWeights): void {
  const [table, indices] = node.inputs as [Value, Value];
  const [result] = node.outputs as [Value];
  const { origin } = node;
  const stem = table.name;
  const { scale, zeroPoint } = qparams;
  const column = (name: string, data: TensorData): Value =>
    editor.add('Gather', [editor.constant(`${stem}_${name}`, reshapedData(data, [data.shape[0] ?? 1, 1])), indices], {
      name: `${result.name}_${name}`,
      type: null,
      origin,
    });
  const type = retyped(result.type, 'float32');
  const picked = editor.add('Gather', [editor.constant(`${stem}_quantized`, codes), indices], {
    name: `${result.name}_codes`,
    type: retyped(result.type, codes.dtype),
    origin,
  });
  const to = { to: attribute.int(dataTypeNumber('float32')) };
  const numbers = editor.add('Cast', [picked], { name: `${result.name}_numbers`, type, attributes: to, origin });
  let value = editor.add('Mul', [numbers, column('scale', scale)], { name: `${result.name}_scaled`, type, origin });
  if (zeroPoint) {
    const shift = derivedData('float32', scale.shape, [scale, zeroPoint], (s, z) =>
      bytesOf(shifts(s, decodeNumbers(zeroPoint.dtype, z))),
    );
    value = editor.add('Add', [value, column('shift', shift)], { name: `${result.name}_looked_up`, type, origin });
  }
  editor.supersede(result, value);
  editor.removeUnread([result, table]);
}

const shifts = (scale: Uint8Array, zeroPoint: Float64Array): Float32Array =>
  asFloat32(scale).map((s, i) => Math.fround(-zeroPoint[i]! * s));
