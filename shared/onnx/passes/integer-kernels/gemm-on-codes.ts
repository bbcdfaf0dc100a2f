/**
 * Gemm on codes becomes MatMul and the sum with its bias. onnxruntime has an integer kernel for both, but Gemm's takes
 * an int32 bias, so that a float one is rounded or keeps the product in float. Add it would fuse back to Gemm: Sum
 * stays.
 */
import type { Node } from '../../ir.ts';
import { float, int, producedBy } from '../../match.ts';
import type { Rule } from '../../pass.ts';
import { dequantizing, onlyReader, tensorCodes } from './codes.ts';

const isPlain = (node: Node): boolean =>
  float(node, 'alpha') === 1 && float(node, 'beta') === 1 && (int(node, 'transA') ?? 0) === 0;

export const gemmOnCodes: Rule = {
  name: 'gemm-on-codes',
  root: 'Gemm',
  rewrite(node, op) {
    const [x, w, bias = null] = node.inputs;
    if (!x || !w || !tensorCodes(x) || !dequantizing(w) || !isPlain(node)) return null;
    if (bias && dequantizing(bias)) return null;
    const product = op.MatMul([x, int(node, 'transB') === 1 ? op.Transpose([w], { perm: [1, 0] }) : w]);
    return bias ? op.Sum([product, bias]) : product;
  },
};

/** Of rank 2, where onnxruntime makes a Gemm of the two. */
export const addAfterProduct: Rule = {
  name: 'add-after-product',
  root: 'Add',
  rewrite(node, op) {
    const [a, b] = node.inputs;
    if (!a || !b || node.outputs[0]?.type?.shape.length !== 2) return null;
    const isBiased = [a, b].some((value, i) => isProductOnCodes(producedBy(value, 'MatMul')) && isConstant([b, a][i]!));
    return isBiased ? op.Sum([a, b]) : null;
  },
};

const isProductOnCodes = (node: Node | null): boolean =>
  node !== null && tensorCodes(node.inputs[0]) !== null && isWeight(node) && onlyReader(node.outputs[0]!) !== null;

const isWeight = ({ inputs: [, w] }: Node): boolean =>
  dequantizing(w) !== null || dequantizing(producedBy(w, 'Transpose')?.inputs[0]) !== null;

const isConstant = (value: { readonly data: unknown }): boolean => value.data !== null;
