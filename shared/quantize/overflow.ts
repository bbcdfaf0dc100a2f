/**
 * Pairs of weights whose products overflow 16 bits for some input, on x64 processors without VNNI: counted in a model
 * as it is written, whoever chose its codes.
 */
import { codesDtype, dequantizeOf } from '../onnx/code-groups.ts';
import { inferModel } from '../onnx/infer.ts';
import type { Model, Node, Value } from '../onnx/ir.ts';
import { constantOf, everyNode, producedBy } from '../onnx/match.ts';
import type { OverflowingOperator } from '../report/report.ts';
import { pairsBeyond, type SumLayout } from '../tensor/pair-sums.ts';
import type { Dtype } from '../tensor/dtype.ts';
import type { TensorData } from '../tensor/data.ts';
import { alongColumns, alongRows, ofConv, ofGemm, PAIR_LIMIT, type SumLayouts } from './sum-layouts.ts';

interface Product {
  /** Which inputs are activations and weights. */
  readonly operands: readonly [activation: number, weight: number];
  readonly sums: SumLayouts;
}

/** ConvInteger is not among them: onnxruntime's kernel takes the weights as the left side, and sums in 32 bits. */
const PRODUCTS: Readonly<Record<string, readonly Product[]>> = {
  Conv: [{ operands: [0, 1], sums: ofConv }],
  Gemm: [{ operands: [0, 1], sums: ofGemm }],
  MatMul: [{ operands: [0, 1], sums: alongColumns }],
  QLinearConv: [{ operands: [0, 3], sums: ofConv }],
  QGemm: [{ operands: [0, 3], sums: ofGemm }],
  QLinearMatMul: [{ operands: [0, 3], sums: alongColumns }],
  MatMulInteger: [{ operands: [0, 1], sums: alongColumns }],
  MatMulIntegerToFloat: [{ operands: [0, 1], sums: alongColumns }],
  DynamicQuantizeMatMul: [{ operands: [0, 1], sums: alongColumns }],
  QAttention: [{ operands: [0, 1], sums: alongColumns }],
  DynamicQuantizeLSTM: [
    { operands: [0, 1], sums: alongColumns },
    { operands: [0, 2], sums: alongColumns },
  ],
};

/** Operators with such pairs, in the order of the graph. Weights are read one at a time. */
export async function overflowIn(model: Model): Promise<OverflowingOperator[]> {
  inferModel(model);
  const found: OverflowingOperator[] = [];
  for (const node of everyNode(model.graph)) {
    for (const weight of weightsOf(node)) {
      const codes = new Int8Array(await weight.data.read());
      const counts = weight.sums.map((sums) => pairsBeyond(codes, sums, weight.limit));
      const most = Math.max(0, ...counts);
      if (most === 0) continue;
      const pairs = pairsIn(weight.sums[counts.indexOf(most)]!);
      found.push({ node: node.name || (node.outputs[0]?.name ?? ''), operator: node.op, overflowing: most, pairs });
    }
  }
  return found;
}

const pairsIn = ({ outer, length, inner }: SumLayout): number => outer * Math.floor(length / 2) * inner;

interface Weight {
  readonly data: TensorData;
  readonly sums: readonly SumLayout[];
  /** Largest sum of two codes that no activation makes overflow. */
  readonly limit: number;
}

/** int8 codes that are multiplied by uint8 codes, and the sums they are in. */
function weightsOf(node: Node): Weight[] {
  const products = Object.hasOwn(PRODUCTS, node.op) ? PRODUCTS[node.op]! : [];
  return products.map((product) => weightOf(node, product)).filter((weight) => weight !== null);
}

function weightOf(node: Node, product: Product): Weight | null {
  const [activation, weight] = product.operands.map((index) => node.inputs[index] ?? null) as [Value, Value];
  const isDynamic = activation?.type?.dtype === 'float32' && dequantizeOf(weight) === null;
  const dtype = isDynamic ? 'uint8' : (quantizedAs(activation) ?? activation?.type?.dtype);
  const codes = codesOf(weight);
  if (dtype !== 'uint8' || codes?.data.dtype !== 'int8') return null;
  const sums = (codes.isTurned ? alongRows : product.sums)(node, codes.data.shape);
  return { data: codes.data, sums, limit: limitFor(activation) };
}

/** onnxruntime makes int8 activations uint8 on x64, where they come from a DequantizeLinear. */
function quantizedAs(activation: Value): Dtype | null {
  const dtype = codesDtype(activation);
  return dtype === 'int8' ? 'uint8' : dtype;
}

/** Dynamic modules of PyTorch's x86 engines round activations to 7 bits, which leaves room for any two weights. */
function limitFor(activation: Value): number {
  const most = constantOf(producedBy(activation, 'Clip')?.inputs[2])?.memory?.[0];
  return most ? Math.floor(LARGEST_SUM / most) : PAIR_LIMIT;
}

const LARGEST_SUM = 32767;

/** A constant as it is, dequantized, or dequantized and turned: a matrix that is written as PyTorch has it. */
function codesOf(value: Value): { readonly data: TensorData; readonly isTurned: boolean } | null {
  const turned = producedBy(value, 'Transpose');
  const source = turned ? turned.inputs[0]! : value;
  const data = constantOf(producedBy(source, 'DequantizeLinear')?.inputs[0] ?? source);
  return data && (!turned || data.shape.length === 2) ? { data, isTurned: turned !== null } : null;
}
