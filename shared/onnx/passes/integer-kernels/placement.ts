/**
 * Q and DQ where onnxruntime's integer kernels look for them: directly behind a convolution, directly in front of a
 * product. Operators that only choose or move elements commute with rounding, so all numbers stay the same.
 */
import { decodeInts } from '../../../tensor/numbers.ts';
import { CODES } from '../../../tensor/qparams.ts';
import type { TensorData } from '../../../tensor/data.ts';
import type { Builder } from '../../builder.ts';
import type { Node, Value } from '../../ir.ts';
import { constantOf, everyNode, producedBy } from '../../match.ts';
import { pass, type Pass, type Rule } from '../../pass.ts';
import { builderFor } from '../../rewrite.ts';
import type { OnnxOp } from '../../schema/index.ts';
import { codesWritten, dequantizing, onlyReader, repeated, type TensorCodes, tensorCodes } from './codes.ts';

/** Every element of the result is one of the input, and equal codes stay equal. */
const MOVERS = ['MaxPool', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice'] as const;
/** Of the elements alone, rising: rounding before and after gives the same codes where the bounds are codes too. */
const CUTS = ['Relu', 'Min', 'Max', 'Clip'] as const;
const PRODUCTS = ['Conv', 'MatMul', 'Gemm'] as const satisfies readonly OnnxOp[];

const isAny = (ops: readonly OnnxOp[], { op, domain }: Node): boolean =>
  domain === '' && (ops as readonly string[]).includes(op);

/** `Conv -> Relu -> MaxPool -> Q`: a Q and DQ behind each of them. */
const behindConvolutions = (op: Builder, quantize: Node): number => {
  const written = codesWritten(quantize);
  if (!written?.scale.data || !written.zeroPoint.data) return 0;
  const between = pathFromConvolution(quantize, written);
  for (const node of between) {
    op.origin = node.origin;
    node.setInput(0, repeated(op, node.inputs[0]!, written));
  }
  return between.length;
};

/**
 * What stands between a convolution of codes and a Q, nearest to the Q first; nothing, if that is not what is there.
 */
function pathFromConvolution(quantize: Node, written: TensorCodes): readonly Node[] {
  const path: Node[] = [];
  for (let value = quantize.inputs[0]!; onlyReader(value) !== null;) {
    const node = value.producer;
    if (!node || node.outputs.length > 1) return [];
    if (isAny(['Conv'], node)) return isOnCodes(node) ? path : [];
    if (!isAny(MOVERS, node) && !(isAny(CUTS, node) && cutsAtCodes(node, written))) return [];
    path.push(node);
    value = node.inputs[0]!;
  }
  return [];
}

const isOnCodes = (node: Node): boolean =>
  tensorCodes(node.inputs[0]) !== null && dequantizing(node.inputs[1]) !== null;

/** Bounds that are 0 or the number of a code. */
const cutsAtCodes = (node: Node, { scale, zeroPoint }: TensorCodes): boolean =>
  node.inputs.slice(1).every((bound) => !bound || isNumberOfCode(bound, scale.data!, zeroPoint.data!));

function isNumberOfCode(bound: Value, scale: TensorData, zeroPoint: TensorData): boolean {
  const [b, s] = [float32(constantOf(bound)), float32(scale)];
  const zero = onlyCode(zeroPoint);
  if (b === null || s === null || zero === null) return false;
  const code = Math.round(b / s) + zero;
  return Math.fround((code - zero) * s) === b;
}

const onlyCode = ({ dtype, memory }: TensorData): number | null =>
  (memory ? decodeInts(dtype, memory)?.[0] : null) ?? null;
const float32 = (data: TensorData | null): number | null =>
  data?.dtype === 'float32' && data.memory?.byteLength === 4
    ? new DataView(data.memory.buffer, data.memory.byteOffset).getFloat32(0, true)
    : null;

/** `DQ -> Reshape -> MatMul`: a Q and DQ behind what moves. */
const beforeProducts = (op: Builder, product: Node): number => {
  let changes = 0;
  product.inputs.slice(0, 2).forEach((input, i) => {
    const moved = movedCodes(input);
    if (!input || !moved) return;
    op.origin = input.producer!.origin;
    product.setInput(i, repeated(op, input, moved));
    changes++;
  });
  return changes;
};

/** Scale and zero point of computed codes that reach a value through what moves. */
function movedCodes(input: Value | null | undefined): TensorCodes | null {
  const mover = producedBy(input, ...MOVERS);
  const below = mover?.inputs[0];
  const found = tensorCodes(below) ?? (mover ? movedCodes(below) : null);
  return found?.codes.data === null ? found : null;
}

export const placeQuantization: Pass = pass('place-quantization', (model) => {
  const op = builderFor(model);
  let changes = 0;
  for (const node of [...everyNode(model.graph)]) {
    if (node.graph !== model.graph) continue;
    if (isAny(['QuantizeLinear'], node)) changes += behindConvolutions(op, node);
    if (isAny(PRODUCTS, node)) changes += beforeProducts(op, node);
  }
  if (changes) model.graph.sortNodes();
  return changes;
});

/** Rounding to codes cuts off what is below the smallest: a Relu in front is idle where that code stands for 0. */
export const reluBeforeRounding: Rule = {
  name: 'relu-before-rounding',
  root: 'Relu',
  rewrite(node) {
    const reader = onlyReader(node.outputs[0]!);
    const written = reader && isAny(['QuantizeLinear'], reader) ? codesWritten(reader) : null;
    return written && isLowest(written.zeroPoint) ? node.inputs[0]! : null;
  },
};

function isLowest({ data }: Value): boolean {
  if (!data || (data.dtype !== 'uint8' && data.dtype !== 'int8')) return false;
  return onlyCode(data) === CODES[data.dtype].low;
}

/** What stands for codes is rounded to the same codes. */
export const roundedAlready: Rule = {
  name: 'rounded-already',
  root: 'QuantizeLinear',
  rewrite(node) {
    const [written, read] = [codesWritten(node), tensorCodes(node.inputs[0])];
    return read && written?.scale === read.scale && written.zeroPoint === read.zeroPoint ? read.codes : null;
  },
};
