/** Matrix products. */
import type { Dim } from '../../tensor/dim.ts';
import { einsumShape } from './einsum.ts';
import type { OpCall, OpRow } from './row.ts';
import { agreeDim, broadcastShapes, commonDtype, requireRank, typed } from './shape-rules.ts';

/** numpy's matmul: a vector counts as a row on the left, as a column on the right. */
export function matmulShape(c: OpCall, left: number, right: number): Dim[] {
  const [a, b] = [c.shape(left), c.shape(right)];
  if (a.length === 0 || b.length === 0) throw new Error(`${c.op} takes no scalars`);
  agreeDim(a.at(-1)!, b.length === 1 ? b[0]! : b.at(-2)!, c.op);
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)], () => c.unknownDim());
  return [...batch, ...(a.length === 1 ? [] : [a.at(-2)!]), ...(b.length === 1 ? [] : [b.at(-1)!])];
}

export const MATRIX = {
  MatMul: { since: [1, 9, 13], inputs: 'A B', infer: (c) => typed(commonDtype(c), matmulShape(c, 0, 1)) },
  MatMulInteger: {
    since: [10],
    inputs: 'A B a_zero_point? b_zero_point?',
    readsCodes: true,
    infer: (c) => typed('int32', matmulShape(c, 0, 1)),
  },
  QLinearMatMul: {
    since: [10, 21],
    inputs: 'a a_scale a_zero_point b b_scale b_zero_point y_scale y_zero_point',
    outputs: 'y',
    readsCodes: true,
    infer: (c) => typed(c.dtypeOf(7), matmulShape(c, 0, 3)),
  },
  Gemm: {
    since: [1, 6, 7, 9, 11, 13],
    inputs: 'A B C?',
    attributes: {
      alpha: { kind: 'float', default: 1 },
      beta: { kind: 'float', default: 1 },
      transA: { kind: 'int', default: 0 },
      transB: { kind: 'int', default: 0 },
    },
    infer: (c) => typed(commonDtype(c), gemmShape(c, { left: 0, right: 1, bias: 2 })),
  },
  Einsum: {
    since: [12],
    inputs: 'Inputs...',
    outputs: 'Output',
    attributes: { equation: { kind: 'string' } },
    infer: (c) =>
      typed(
        commonDtype(c),
        einsumShape(
          c.string('equation'),
          c.inputs.map((_, i) => c.shape(i)),
          () => c.unknownDim(),
        ),
      ),
  },
} as const satisfies Record<string, OpRow>;

/** Also of the quantized Gemm; `bias` is checked when it is there. */
export function gemmShape(
  c: OpCall,
  { left, right, bias }: { readonly left: number; readonly right: number; readonly bias: number },
): Dim[] {
  for (const i of [left, right]) requireRank(c, i, 2);
  const [a, b] = [c.shape(left), c.shape(right)];
  const [rows, inner] = c.int('transA') ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
  const [innerB, columns] = c.int('transB') ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
  agreeDim(inner, innerB, c.op);
  const shape = [rows, columns];
  if (c.has(bias)) {
    if (c.rank(bias) > 2) throw new Error(`${c.op}: C has rank ${c.rank(bias)}`);
    broadcastShapes([shape, c.shape(bias)], () => c.unknownDim());
  }
  return shape;
}
