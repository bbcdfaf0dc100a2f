/**
 * Writes what PyTorch rounded as QuantizeLinear and DequantizeLinear, and its integer weights in place of the float
 * ones.
 */
import { attribute, type Node, type Value } from '../../onnx/ir.ts';
import { dataTypeNumber } from '../../onnx/data-type.ts';
import { isStandard } from '../../onnx/match.ts';
import { asFloat32, bytesOf } from '../../tensor/arithmetic.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import type { QuantizedTensor } from '../../torch/quantized-weights.ts';
import { derivedData, reshapedData, type TensorData } from '../../tensor/data.ts';
import { type Editor, type Params, retyped } from './editor.ts';
import { writeTorchMean, writeTorchRounding } from './torch-mean.ts';
import type { Affine } from '../../torch/quantized/quantized-model.ts';
import type { Trace } from './trace.ts';
import type { Unit } from './units.ts';
import { isTransposed, turned, type Weighted } from './weighted.ts';

/** Integer weights of a module, as PyTorch holds them, and its bias. */
export interface ModuleWeights extends QuantizedTensor {
  readonly bias: TensorData | null;
}

export function writeRounding(
  editor: Editor,
  trace: Trace,
  { roundsBeforeRelu }: { readonly roundsBeforeRelu: boolean },
): void {
  const { rounded, moved, readings, scaled, quantized, unitOf } = trace;
  const readersOf = (value: Value): Unit[] => [...value.uses].flatMap(({ node }) => unitOf.get(node) ?? []);
  const readsCodes = (value: Value): boolean => readersOf(value).some((unit) => quantized.has(unit));
  const postponed = new Set(
    roundsBeforeRelu ? [] : [...rounded.keys()].filter((value) => isReluAfter(editor, trace, value)),
  );
  const isWanted = (value: Value): boolean =>
    !moved.has(value) || readsCodes(value) || value.producer!.inputs.some((input) => input && postponed.has(input));
  const write = (value: Value, affine: Affine): void => {
    const before = new Set([...value.uses].map(({ node }) => node));
    const codes = editor.quantize(torchMean(editor, value, affine) ?? value, value.name, affine);
    const result = editor.dequantize(codes, value.name, editor.params(value.name, affine));
    const added = [...value.uses].map(({ node }) => node).filter((node) => !before.has(node));
    editor.supersede(value, result, new Set(added));
    editor.removeUnread([value]);
  };
  for (const [value, affine] of rounded) {
    if (!postponed.has(value) && isWanted(value)) write(value, affine);
  }
  for (const [value, { affine, readers }] of readings) {
    const uses = [...value.uses].filter(({ node }) => readers.has(unitOf.get(node)!));
    const codes = editor.quantize(value, value.name, affine);
    const result = editor.dequantize(codes, value.name, editor.params(value.name, affine));
    for (const { node, index } of uses) node.setInput(index, result);
  }
  // The product of codes and a number is on codes already: rounded again only for those that read codes.
  for (const [value, affine] of scaled) if (readsCodes(value)) write(value, affine);
}

/** Relu cuts off codes as it cuts off numbers: rounding may wait until after it, where integer kernels take it in. */
function isReluAfter({ graph }: Editor, { moved }: Trace, value: Value): boolean {
  const [use] = value.uses;
  const [after] = use && value.uses.size === 1 && isStandard(use.node, 'Relu') ? use.node.outputs : [];
  return after !== undefined && moved.has(after) && !graph.isOutput(value);
}

/** A mean in place of the graph's, on the side of a border between two codes on which PyTorch's is; null: no mean. */
function torchMean(editor: Editor, value: Value, affine: Affine): Value | null {
  const { producer } = value;
  if (!producer || !isStandard(producer, 'ReduceMean')) return null;
  return writeTorchRounding(editor, writeTorchMean(editor, producer) ?? value, { stem: value.name, affine });
}

/** int8 codes and DequantizeLinear in place of a float weight; the bias PyTorch holds in place of the old one. */
export function writeWeights(editor: Editor, { node, weightIndex, addition }: Weighted, weights: ModuleWeights): void {
  const before = node.inputs[weightIndex]!;
  const stem = before.name;
  const weight = isTransposed(node) ? turned(weights) : weights;
  const codes = editor.constant(`${stem}_quantized`, weight.codes);
  const { granularity } = weight.qparams;
  const axis = granularity.kind === 'axis' ? granularity.axis : undefined;
  const params = weightParams(editor, stem, weights);
  node.setInput(weightIndex, editor.dequantize(codes, stem, { ...params, axis }));
  const unread: (Value | null)[] = [before];
  if (weights.bias && addition)
    unread.push(replaceBias(editor, addition.node, { index: addition.index, bias: rowOf(weights.bias, node) }));
  else if (weights.bias) unread.push(replaceBias(editor, node, { index: 2, bias: weights.bias }));
  editor.removeUnread(unread);
}

function replaceBias(
  editor: Editor,
  node: Node,
  { index, bias }: { readonly index: number; readonly bias: TensorData },
): Value | null {
  const before = node.inputs[index] ?? null;
  node.setInput(index, editor.constant(before ? `${before.name}_of_int8` : `${node.name}_bias`, bias));
  return before;
}

/** With the rank of the sum, so that onnxruntime does not make a float Gemm of product and sum. */
export function rowOf(bias: TensorData, product: Node): TensorData {
  const rank = product.outputs[0]!.type?.shape.length ?? 0;
  return rank > 2 ? reshapedData(bias, [...new Array<number>(rank - 1).fill(1), ...bias.shape]) : bias;
}

export function weightParams(editor: Editor, stem: string, { qparams }: QuantizedTensor): Params {
  const { scale, zeroPoint, dtype } = qparams;
  const zeros = { scale: editor.constant(`${stem}_scale`, scale) };
  if (zeroPoint) return { ...zeros, zeroPoint: editor.constant(`${stem}_zero_point`, zeroPoint) };
  const count = scale.shape[0] ?? 1;
  return {
    ...zeros,
    zeroPoint: editor.numbers(`${stem}_zero_point`, {
      dtype,
      shape: scale.shape,
      values: new Array<number>(count).fill(0),
    }),
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
    const shift = derivedData({ dtype: 'float32', shape: scale.shape }, [scale, zeroPoint], (s, z) =>
      bytesOf(shifts(s, decodeNumbers(zeroPoint.dtype, z))),
    );
    value = editor.add('Add', [value, column('shift', shift)], { name: `${result.name}_looked_up`, type, origin });
  }
  editor.supersede(result, value);
  editor.removeUnread([result, table]);
}

const shifts = (scale: Uint8Array, zeroPoint: Float64Array): Float32Array =>
  asFloat32(scale).map((s, i) => Math.fround(-zeroPoint[i]! * s));
