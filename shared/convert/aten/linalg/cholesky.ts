/** ATen's Cholesky factors, and what is solved by them. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { num } from '../../series.ts';
import { expandTo } from '../../shape.ts';
import {
  choleskyFactor,
  diagonalValues,
  flipped,
  identityMatrix,
  squareOf,
  triangularSolution,
} from './factorization.ts';
import { commonBatch, double, firstFailure, like } from './linear-systems.ts';

function cholesky(op: AtenBuilder, a: Value, { upper }: { readonly upper: boolean }): { factor: Value; info: Value } {
  const given = double(op, a);
  const l = choleskyFactor(op, upper ? flipped(op, given) : given);
  const diagonal = diagonalValues(op, l);
  const info = firstFailure(op, op.Not([op.Greater([diagonal, num(op, 0)])]));
  return { factor: like(op, upper ? flipped(op, l) : l, a), info };
}
export const choleskyOf = aten(
  [
    'aten::cholesky(Tensor self, bool upper=False) -> Tensor',
    'aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor',
  ],
  (op, a) => cholesky(op, a.self, a).factor,
);
export const cholesky_ex = aten(
  'aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)',
  (op, a) => Object.values(cholesky(op, a.self, a)),
);

function choleskySolution(op: AtenBuilder, b: Value, factor: Value, { upper }: { readonly upper: boolean }): Value {
  const l = upper ? flipped(op, factor) : factor;
  const y = triangularSolution(op, l, b, { upper: false, unit: false });
  return triangularSolution(op, flipped(op, l), y, { upper: true, unit: false });
}
export const cholesky_solve = aten(
  'aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor',
  (op, { self, input2, upper }) => {
    squareOf(op, input2);
    const [l, b] = commonBatch(op, double(op, input2), double(op, self)) as [Value, Value];
    return like(op, choleskySolution(op, b, l, { upper }), self);
  },
);
export const cholesky_inverse = aten(
  'aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor',
  (op, { self, upper }) => {
    const { batch, rows } = squareOf(op, self);
    return like(
      op,
      choleskySolution(op, expandTo(op, identityMatrix(op, rows), [...batch, rows, rows]), double(op, self), { upper }),
      self,
    );
  },
);
