/**
 * A graph with Q and DQ around float operators, rewritten to operators on codes (QOperator, "QLinear"): the same
 * numbers.
 */
import { dataTypeNumber } from '../../onnx/data-type.ts';
import { attribute, type Attribute, type Node, type Value } from '../../onnx/ir.ts';
import { constantOf, float, isStandard } from '../../onnx/match.ts';
import { dequantized, onlyReader } from '../../onnx/passes/integer-kernels/codes.ts';
import { type Editor, retyped } from './editor.ts';
import { dtypeOf, hasKernelScales, isScaledWhole } from './kernel-scales.ts';

type Codes = readonly [Value, Value, Value];

/** What stands behind an operator: the Q of its result, with a Relu between that the codes cut off themselves. */
interface Rounded {
  readonly quantize: Node;
  readonly params: readonly [Value, Value];
}

type Rewrite = (editor: Editor, node: Node) => boolean;

const REWRITES: Readonly<Record<string, Rewrite>> = {
  Conv: convolution,
  Gemm: gemm,
  MatMul: product,
  Add: binary('QLinearAdd'),
  Mul: binary('QLinearMul'),
  Concat: concat,
  Sigmoid: unary('QLinearSigmoid'),
  LeakyRelu: unary('QLinearLeakyRelu'),
  GlobalAveragePool: unary('QLinearGlobalAveragePool', { channels_last: attribute.int(0) }),
  AveragePool: unary('QLinearAveragePool'),
  MaxPool: mover,
  Transpose: mover,
  Reshape: mover,
  Flatten: mover,
  Squeeze: mover,
  Unsqueeze: mover,
  Slice: mover,
  Expand: mover,
  Tile: mover,
};

export function toQOperators(editor: Editor): boolean {
  let contrib = false;
  for (const node of [...editor.graph.nodes]) {
    if (node.graph !== editor.graph || node.domain !== '') continue;
    const rewrite = REWRITES[node.op];
    if (rewrite && hasKernelScales(node)) rewrite(editor, node);
  }
  for (const node of editor.graph.nodes) contrib ||= node.domain !== '';
  return contrib;
}

function roundedResult(node: Node): Rounded | null {
  const reader = onlyReader(node.outputs[0]!);
  const isCut = reader !== null && isStandard(reader, 'Relu');
  const quantize = isCut ? onlyReader(reader.outputs[0]!) : reader;
  if (!quantize || !isStandard(quantize, 'QuantizeLinear') || !isScaledWhole(quantize)) return null;
  const [, scale, zeroPoint] = quantize.inputs;
  if (!scale || !zeroPoint || (isCut && !isLowest(zeroPoint))) return null;
  return { quantize, params: [scale, zeroPoint] };
}

/** The smallest code stands for 0: what is below is cut off. */
const isLowest = (zeroPoint: Value): boolean => {
  const data = constantOf(zeroPoint);
  if (data?.dtype !== 'uint8' && data?.dtype !== 'int8') return false;
  const lowest = data.dtype === 'uint8' ? 0 : 0x80;
  return data.memory?.every((byte) => byte === lowest) ?? false;
};

/** Products of int8 with int8 have kernels on some processors only. */
const isUnsigned = (zeroPoint: Value): boolean => dtypeOf(zeroPoint) === 'uint8';

/** Everybody who read the codes reads these; what computed the old ones goes. */
function replaceCodes(editor: Editor, rounded: Rounded, codes: Value): void {
  const [before] = rounded.quantize.outputs as [Value];
  editor.supersede(before, codes);
  editor.removeUnread([before]);
}

interface Written {
  readonly rounded: Rounded;
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
  readonly contrib: boolean;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

function writeCodes(editor: Editor, node: Node, { rounded, op, inputs, contrib, attributes }: Written): void {
  const [before] = rounded.quantize.outputs as [Value];
  const [, zeroPoint] = rounded.params;
  const dtype = dtypeOf(zeroPoint) ?? 'uint8';
  const codes = editor.add(op, inputs, {
    name: `${node.outputs[0]!.name}_quantized`,
    type: retyped(before.type ?? node.outputs[0]!.type, dtype),
    contrib,
    origin: node.origin,
    attributes,
  });
  replaceCodes(editor, rounded, codes);
}

const attributesOf = (node: Node, keep?: readonly string[]): Record<string, Attribute> =>
  Object.fromEntries([...node.attributes].filter(([name]) => keep?.includes(name) ?? true));

function convolution(editor: Editor, node: Node): boolean {
  const [x, w] = [dequantized(node.inputs[0]), dequantized(node.inputs[1])];
  if (!x || !w) return false;
  const bias = node.inputs[2] ?? null;
  const biasCodes = dequantized(bias);
  const rounded = roundedResult(node);
  if (rounded && (!bias || biasCodes)) {
    const inputs = [...x, ...w, ...rounded.params, biasCodes?.[0] ?? null];
    writeCodes(editor, node, { rounded, op: 'QLinearConv', inputs, contrib: false, attributes: attributesOf(node) });
    return true;
  }
  return bias && !constantOf(bias) ? false : integerConvolution(editor, node, { x, w, bias });
}

/** Integer sums, then scale and float bias: QLinearConv would round the bias to int32. */
function integerConvolution(
  editor: Editor,
  node: Node,
  { x, w, bias }: { x: Codes; w: Codes; bias: Value | null },
): boolean {
  const [result] = node.outputs as [Value];
  const rank = node.inputs[1]?.type?.shape.length ?? 4;
  const { origin } = node;
  const zeroPoint = scalarOf(editor, w[2]);
  if (!zeroPoint) return false;
  const stem = result.name;
  const type = retyped(result.type, 'float32');
  const sums = editor.add('ConvInteger', [x[0], w[0], x[2], zeroPoint], {
    name: `${stem}_sums`,
    type: retyped(result.type, 'int32'),
    attributes: attributesOf(node),
    origin,
  });
  const float = editor.add('Cast', [sums], {
    name: `${stem}_float`,
    type,
    attributes: { to: attribute.int(dataTypeNumber('float32')) },
    origin,
  });
  const scale = editor.add('Mul', [x[1], perChannel(editor, w[1], rank)], {
    name: `${stem}_scale`,
    type: null,
    origin,
  });
  let last = editor.add('Mul', [float, scale], { name: `${stem}_scaled`, type, origin });
  if (bias) last = editor.add('Add', [last, perChannel(editor, bias, rank)], { name: `${stem}_biased`, type, origin });
  editor.supersede(result, last);
  editor.removeUnread([result]);
  return true;
}

/** A vector of channels with ones behind it. */
function perChannel(editor: Editor, value: Value, rank: number): Value {
  const data = constantOf(value)!;
  if (data.shape.length === 0) return value;
  const shape = [...data.shape, ...new Array<number>(rank - 2).fill(1)];
  return editor.constant(`${value.name}_per_channel`, { ...data, shape });
}

/** One zero point for all channels, where they are equal. */
function scalarOf(editor: Editor, zeroPoint: Value): Value | null {
  const data = constantOf(zeroPoint);
  if (!data) return null;
  if (data.shape.length === 0) return zeroPoint;
  const codes = data.memory;
  if (!codes?.every((code) => code === codes[0])) return null;
  return editor.numbers('weight_zero_point', {
    dtype: data.dtype,
    shape: [],
    values: data.dtype === 'int8' ? new Int8Array(codes.slice(0, 1)) : codes.slice(0, 1),
  });
}

function gemm(editor: Editor, node: Node): boolean {
  const [x, w] = [dequantized(node.inputs[0]), dequantized(node.inputs[1])];
  if (!x || !w || (float(node, 'beta') ?? 1) !== 1 || !isUnsigned(x[2])) return false;
  const bias = node.inputs[2] ?? null;
  const biasCodes = dequantized(bias);
  const attributes = attributesOf(node, ['alpha', 'transA', 'transB']);
  const rounded = roundedResult(node);
  if (rounded && (!bias || biasCodes)) {
    const inputs = [...x, ...w, biasCodes?.[0] ?? null, ...rounded.params];
    writeCodes(editor, node, { rounded, op: 'QGemm', inputs, contrib: true, attributes });
    return true;
  }
  const [result] = node.outputs as [Value];
  const sum = { type: result.type, origin: node.origin };
  const inputs = [...x, ...w, biasCodes?.[0] ?? null];
  let last = editor.add('QGemm', inputs, { name: `${result.name}_product`, contrib: true, attributes, ...sum });
  if (bias && !biasCodes) last = editor.add('Add', [last, bias], { name: `${result.name}_biased`, ...sum });
  editor.supersede(result, last);
  editor.removeUnread([result]);
  return true;
}

function product(editor: Editor, node: Node): boolean {
  const [a, b] = [dequantized(node.inputs[0]), dequantized(node.inputs[1])];
  if (!a || !b || !isUnsigned(a[2])) return false;
  const rounded = roundedResult(node);
  if (rounded) {
    const inputs = [...a, ...b, ...rounded.params];
    writeCodes(editor, node, { rounded, op: 'QLinearMatMul', inputs, contrib: false, attributes: {} });
    return true;
  }
  const [result] = node.outputs as [Value];
  const inputs = [a[0], b[0], a[1], b[1], a[2], b[2]];
  const sum = editor.add('MatMulIntegerToFloat', inputs, {
    name: `${result.name}_product`,
    type: result.type,
    contrib: true,
    origin: node.origin,
  });
  editor.supersede(result, sum);
  editor.removeUnread([result]);
  return true;
}

const areOfOneType = (zeroPoints: readonly Value[]): boolean => new Set(zeroPoints.map(dtypeOf)).size === 1;

function binary(op: string): Rewrite {
  return (editor, node) => {
    const [a, b] = [dequantized(node.inputs[0]), dequantized(node.inputs[1])];
    const rounded = a && b && roundedResult(node);
    if (!rounded || !areOfOneType([a[2], b[2], rounded.params[1]])) return false;
    writeCodes(editor, node, { rounded, op, inputs: [...a, ...b, ...rounded.params], contrib: true, attributes: {} });
    return true;
  };
}

function unary(op: string, adds: Readonly<Record<string, Attribute>> = {}): Rewrite {
  return (editor, node) => {
    const x = dequantized(node.inputs[0]);
    const rounded = x && roundedResult(node);
    if (!rounded || !areOfOneType([x[2], rounded.params[1]])) return false;
    const attributes = { ...attributesOf(node), ...adds };
    writeCodes(editor, node, { rounded, op, inputs: [...x, ...rounded.params], contrib: true, attributes });
    return true;
  };
}

function concat(editor: Editor, node: Node): boolean {
  const parts = node.inputs.map(dequantized);
  const rounded = parts.every((part) => part !== null) ? roundedResult(node) : null;
  if (!rounded || !areOfOneType([...parts.map((part) => part![2]), rounded.params[1]])) return false;
  const inputs = [...rounded.params, ...parts.flatMap((part) => part!)];
  writeCodes(editor, node, { rounded, op: 'QLinearConcat', inputs, contrib: true, attributes: attributesOf(node) });
  return true;
}

/** Codes are moved as numbers are, where scale and zero point before and after are the same. */
function mover(editor: Editor, node: Node): boolean {
  const x = dequantized(node.inputs[0]);
  const rounded = x && roundedResult(node);
  if (!x || !rounded || node.outputs.length !== 1) return false;
  if (!sameNumbers(x[1], rounded.params[0]) || !sameNumbers(x[2], rounded.params[1])) return false;
  const inputs = [x[0], ...node.inputs.slice(1)];
  writeCodes(editor, node, { rounded, op: node.op, inputs, contrib: false, attributes: attributesOf(node) });
  return true;
}

function sameNumbers(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [x, y] = [constantOf(a), constantOf(b)];
  if (!x?.memory || !y?.memory || x.dtype !== y.dtype || x.byteLength !== y.byteLength) return false;
  return x.memory.every((byte, i) => byte === y.memory![i]);
}
