/** ATen matrix products. */
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf, scalarOf, knownNumber } from '../../promote.ts';
import { filledTensor, rankOf, shapeOf, transpose, unsqueeze } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';

/**
 * Weights stay as they are in the file, so that they can be linked: Gemm transposes, MatMul reads a Transpose the
 * runtime folds.
 */
export const linear = aten(
  'aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor',
  (op, { input, weight, bias }) => affine(op, input, weight, bias),
);

export function affine(op: AtenBuilder, input: Value, weight: Value, bias: Value | null): Value {
  if (rankOf(weight) === 1) {
    const dot = op.MatMul([input, weight]);
    return bias ? op.Add([dot, bias]) : dot;
  }
  if (rankOf(input) === 2 && (bias === null || rankOf(bias) <= 1) && isFloat(dtypeOf(input)))
    return op.Gemm([input, weight, bias], { transB: 1 });
  const product = op.MatMul([input, transpose(op, weight, [1, 0])]);
  return bias ? op.Add([product, bias]) : product;
}

export const matmul = aten(
  ['aten::matmul(Tensor self, Tensor other) -> Tensor', 'aten::linalg_matmul(Tensor self, Tensor other) -> Tensor'],
  (op, { self, other }) => productOf(op, self, other),
);

/** The product with a vector of nothing is 0. */
function productOf(op: AtenBuilder, a: Value, b: Value): Value {
  const result = op.MatMul([a, b]);
  const size = shapeOf(a).at(-1)!;
  if (!isMet(FAULTS.productOfNothing, dtypeOf(result))) return result;
  if ((rankOf(a) > 1 && rankOf(b) > 1) || !op.aten.canBeZero(size)) return result;
  const zero = op.scalar(dtypeOf(result), 0);
  if (size === 0) return filledTensor(op, shapeOf(result), dtypeOf(result), 0);
  return op.Where([op.Equal([op.dim(size), op.scalar('int64', 0)]), zero, result]);
}
export const mm = aten(
  ['aten::mm(Tensor self, Tensor mat2) -> Tensor', 'aten::bmm(Tensor self, Tensor mat2) -> Tensor'],
  (op, { self, mat2 }) => op.MatMul([self, mat2]),
);
export const mv = aten('aten::mv(Tensor self, Tensor vec) -> Tensor', (op, { self, vec }) => productOf(op, self, vec));
export const dot = aten('aten::dot(Tensor self, Tensor tensor) -> Tensor', (op, { self, tensor }) =>
  productOf(op, self, tensor),
);
export const vdot = aten(
  ['aten::vdot(Tensor self, Tensor other) -> Tensor', 'aten::inner(Tensor self, Tensor other) -> Tensor'],
  (op, { self, other }) => inner(op, self, other),
);

/** Sums over the last axis of both; a 0-d operand multiplies. */
function inner(op: AtenBuilder, a: Value, b: Value): Value {
  if (rankOf(a) === 0 || rankOf(b) === 0) return op.Mul([a, b]);
  if (rankOf(a) === 1 || rankOf(b) === 1) return rankOf(b) === 1 ? productOf(op, a, b) : productOf(op, b, a);
  if (rankOf(b) === 2) return op.MatMul([a, transpose(op, b, [1, 0])]);
  // (..., k) with (..., k): flatten b to a matrix and put its axes back.
  const letters = 'abcdefghijlmnopqrstuvwxyz';
  const left = letters.slice(0, rankOf(a) - 1);
  const right = letters.slice(rankOf(a) - 1, rankOf(a) + rankOf(b) - 2);
  return op.Einsum([a, b], { equation: `${left}k,${right}k->${left}${right}` });
}

interface Scales {
  readonly beta: ScalarArg;
  readonly alpha: ScalarArg;
}

/** `beta * self + alpha * product`; beta 0 leaves self out, NaN and all. */
function accumulated(op: AtenBuilder, self: Value, product: Value, { beta, alpha }: Scales): Value {
  const scale = (x: Value, by: ScalarArg): Value =>
    knownNumber(by) === 1 ? x : op.Mul([x, scalarOf(op, by, dtypeOf(x))]);
  return knownNumber(beta) === 0 ? scale(product, alpha) : op.Add([scale(self, beta), scale(product, alpha)]);
}
export const addmm = aten(
  'aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
  (op, { self, mat1, mat2, beta, alpha }) => {
    const [a, b] = [knownNumber(alpha), knownNumber(beta)];
    const plain = isFloat(dtypeOf(mat1)) && a !== null && b !== null && b !== 0;
    return plain
      ? op.Gemm([mat1, mat2, self], { alpha: a, beta: b })
      : accumulated(op, self, op.MatMul([mat1, mat2]), { beta, alpha });
  },
);
export const addmv = aten(
  'aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
  // Of a matrix without columns PyTorch gives the addend alone, of its own shape.
  (op, a) =>
    shapeOf(a.vec)[0] === 0
      ? op.Mul([a.self, scalarOf(op, a.beta, dtypeOf(a.self))])
      : accumulated(op, a.self, op.MatMul([a.mat, a.vec]), a),
);
export const baddbmm = aten(
  'aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
  (op, a) => accumulated(op, a.self, op.MatMul([a.batch1, a.batch2]), a),
);
export const addbmm = aten(
  'aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
  (op, { self, batch1, batch2, beta, alpha }) =>
    accumulated(op, self, op.ReduceSum([op.MatMul([batch1, batch2]), op.ints([0])], { keepdims: 0 }), { beta, alpha }),
);
const outerProduct = (op: AtenBuilder, a: Value, b: Value): Value =>
  op.Mul([unsqueeze(op, a, [1]), unsqueeze(op, b, [0])]);
export const outer = aten(
  ['aten::outer(Tensor self, Tensor vec2) -> Tensor', 'aten::ger(Tensor self, Tensor vec2) -> Tensor'],
  (op, { self, vec2 }) => outerProduct(op, self, vec2),
);
export const addr = aten(
  'aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor',
  (op, a) => accumulated(op, a.self, outerProduct(op, a.vec1, a.vec2), a),
);

/** The chain product, left to right (PyTorch may associate otherwise; the result is the same up to rounding). */
export const chain_matmul = aten(['aten::chain_matmul(Tensor[] matrices) -> Tensor'], (op, { matrices }) =>
  matrices.reduce((a, b) => op.MatMul([a, b])),
);
export const multi_dot = aten('aten::linalg_multi_dot(Tensor[] tensors) -> Tensor', (op, { tensors }) =>
  tensors.reduce((a, b) => op.MatMul([a, b])),
);

export const bilinear = aten(
  'aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor',
  (op, { input1, input2, weight, bias }) => {
    // sum_ij x1[..., i] * W[o, i, j] * x2[..., j]
    const products = op.Einsum([input1, weight, input2], { equation: '...i,oij,...j->...o' });
    return bias ? op.Add([products, bias]) : products;
  },
);
