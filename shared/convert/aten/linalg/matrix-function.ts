/** ATen functions of whole matrices: powers, exponentials, norms, ranks, pseudoinverses. */
import type { Dim } from '../../../tensor/dim.ts';
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { repeated } from '../../repeated.ts';
import type { ScalarArg } from '../../schema.ts';
import { num } from '../../series.ts';
import { axisOf, expandTo, filledTensor, rankOf, shapeOf, transpose, unsqueeze } from '../../shape.ts';
import { flipped, identityMatrix, sizesOf, squareOf } from './factorization.ts';
import { double, inverse } from './linear-systems.ts';
import { orthogonalized, singularValues, symmetric, symmetricEigenvalues } from './singular-values.ts';
import { extreme } from '../reduce/extremes.ts';

const like = (op: AtenBuilder, x: Value, a: Value): Value => cast(op, x, dtypeOf(a));

export const matrix_power = aten(
  ['aten::linalg_matrix_power(Tensor self, int n) -> Tensor', 'aten::matrix_power(Tensor self, int n) -> Tensor'],
  (op, { self, n }) => {
    const { batch, rows } = squareOf(op, self);
    if (n === 0) return like(op, expandTo(op, identityMatrix(op, rows), [...batch, rows, rows]), self);
    let square = n < 0 ? inverse(op, self).inverse : self;
    let power: Value | null = null;
    for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2) power = power ? op.MatMul([power, square]) : square;
      if (rest > 1) square = op.MatMul([square, square]);
    }
    return op.Identity([power!]);
  },
);

/** Halved until its norm is below 1, summed as a series, squared as often as it was halved. */
export const matrix_exp = aten(
  ['aten::matrix_exp(Tensor self) -> Tensor', 'aten::linalg_matrix_exp(Tensor self) -> Tensor'],
  (op, { self }) => {
    const { batch, rows } = squareOf(op, self);
    if (rows === 0) return op.Identity([self]);
    const a = double(op, self);
    const rank = rankOf(a);
    const norm = op.ReduceMax(
      [op.ReduceSum([op.Abs([a]), op.ints([rank - 2])], { keepdims: 1 }), op.ints([rank - 1])],
      { keepdims: 1 },
    );
    const halvings = op.Min([
      op.Max([op.Ceil([op.Div([op.Log([op.Max([norm, num(op, 1)])]), num(op, Math.LN2)])]), num(op, 0)]),
      num(op, 1024),
    ]);
    const small = op.Div([a, op.Pow([num(op, 2), halvings])]);
    const one = expandTo(op, identityMatrix(op, rows), [...batch, rows, rows]);
    let series = one;
    for (let k = 18; k >= 1; k--) series = op.Add([one, op.Div([op.MatMul([small, series]), num(op, k)])]);
    // One more number: no matrices have no largest norm.
    const most = op.ReduceMax(
      [op.Concat([op.tensor('float64', [1], [0]), op.Reshape([halvings, op.ints([-1])])], { axis: 0 }), op.ints([0])],
      { keepdims: 0 },
    );
    const [result] = repeated(
      op,
      { name: 'squaring', count: op.Cast([most], { to: 'int64' }), values: [series] },
      (body, k, [x]) => [
        body.Where([body.Less([body.Cast([k], { to: 'float64' }), halvings]), body.MatMul([x!, x!]), x!]),
      ],
    );
    return like(op, result!, self);
  },
);

export type MatrixNorm = number | 'fro' | 'nuc';

interface Matrices {
  readonly dim: readonly number[];
  readonly keepdim?: boolean;
}

/** Norms of the matrices that two axes hold. */
export function matrixNorm(op: AtenBuilder, x: Value, order: MatrixNorm, { dim, keepdim = false }: Matrices): Value {
  const rank = rankOf(x);
  const [row, column] = dim.map((d) => axisOf(op, d, rank)) as [number, number];
  if (isMet(FAULTS.extremeOfNothing, dtypeOf(x)) && [row, column].some((axis) => shapeOf(x)[axis] === 0))
    return op.aten.refuse('self', `shape [${shapeOf(x).join()}]`, 'matrices with elements');
  if (order === 'fro') return op.ReduceL2([x, op.ints([row, column])], { keepdims: keepdim ? 1 : 0 });
  const others = shapeOf(x)
    .map((_, i) => i)
    .filter((i) => i !== row && i !== column);
  const a = transpose(op, x, [...others, row, column]);
  const norm = normOfLast(op, a, order);
  return keepdim
    ? unsqueeze(
        op,
        norm,
        [row, column].sort((p, q) => p - q),
      )
    : norm;
}

function normOfLast(op: AtenBuilder, a: Value, order: Exclude<MatrixNorm, 'fro'>): Value {
  const last = rankOf(a) - 1;
  const sum = (x: Value, axis: number): Value => op.ReduceSum([x, op.ints([axis])], { keepdims: 0 });
  const end = (x: Value): Value =>
    extreme(op, typeof order === 'number' && order < 0 ? 'ReduceMin' : 'ReduceMax', x, { axes: [last - 1] });
  if (order === 1 || order === -1) return end(sum(op.Abs([a]), last - 1));
  if (order === Infinity || order === -Infinity) return end(sum(op.Abs([a]), last));
  if (order !== 'nuc' && order !== 2 && order !== -2)
    return op.aten.refuse('ord', order, 'fro, nuc, 1, 2, inf or their negatives');
  const values = singularValues(op, double(op, a));
  return like(op, order === 'nuc' ? sum(values, last - 1) : end(values), a);
}
const named = (op: AtenBuilder, ord: string): MatrixNorm =>
  ord === 'fro' || ord === 'nuc' ? ord : op.aten.refuse('ord', ord, 'fro or nuc');
const numbered = (op: AtenBuilder, ord: ScalarArg): number =>
  ord.kind === 'run-time' || ord.kind === 'complex'
    ? op.aten.refuse('ord', ord.kind, 'a number known when the model is converted')
    : Number(ord.value);
const typed = (op: AtenBuilder, x: Value, dtype: Dtype | null): Value => cast(op, x, dtype ?? dtypeOf(x));

export const matrix_norm = [
  ...aten(
    'aten::linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    (op, a) => matrixNorm(op, typed(op, a.self, a.dtype), numbered(op, a.ord), a),
  ),
  ...aten(
    'aten::linalg_matrix_norm.str_ord(Tensor self, str ord="fro", int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    (op, a) => matrixNorm(op, typed(op, a.self, a.dtype), named(op, a.ord), a),
  ),
  ...aten(
    'aten::linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    (op, a) => matrixNorm(op, typed(op, a.self, a.dtype), named(op, a.ord), { ...a, dim: a.dim ?? [-2, -1] }),
  ),
];

function condition(op: AtenBuilder, self: Value, order: MatrixNorm): Value {
  if (order === 2 || order === -2) {
    const { batch, rows, columns } = sizesOf(op, self);
    if (Math.min(rows, columns) === 0) return filledTensor(op, batch, dtypeOf(self), 0);
    const values = singularValues(op, double(op, self));
    const [largest, smallest] = [0, -1].map((i) =>
      op.Gather([values, op.scalar('int64', i)], { axis: rankOf(values) - 1 }),
    ) as [Value, Value];
    return like(op, order === 2 ? op.Div([largest, smallest]) : op.Div([smallest, largest]), self);
  }
  squareOf(op, self);
  const inverted = inverse(op, self);
  const product = op.Mul([
    matrixNorm(op, self, order, { dim: [-2, -1] }),
    matrixNorm(op, inverted.inverse, order, { dim: [-2, -1] }),
  ]);
  return op.Where([op.Equal([inverted.info, op.scalar('int32', 0)]), product, op.scalar(dtypeOf(self), Infinity)]);
}
export const linalg_cond = [
  ...aten('aten::linalg_cond(Tensor self, Scalar? p=None) -> Tensor', (op, { self, p }) =>
    condition(op, self, p === null ? 2 : numbered(op, p)),
  ),
  ...aten('aten::linalg_cond.p_str(Tensor self, str p) -> Tensor', (op, { self, p }) =>
    condition(op, self, named(op, p)),
  ),
];

export const svdvals = aten('aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor', (op, { A }) =>
  like(op, singularValues(op, double(op, A)), A),
);
export const eigvalsh = aten('aten::linalg_eigvalsh(Tensor self, str UPLO="L") -> Tensor', (op, { self, UPLO }) => {
  squareOf(op, self);
  return like(
    op,
    symmetricEigenvalues(op, symmetric(op, double(op, self), { lower: UPLO.toUpperCase() === 'L' })),
    self,
  );
});

const EPSILON: Partial<Record<Dtype, number>> = { float32: 2 ** -23, float64: 2 ** -52 };

interface Tolerances {
  readonly atol: Value | null;
  readonly rtol: Value | null;
}

/**
 * The larger of the absolute tolerance and the relative one; without a relative one, rounding errors count unless an
 * absolute one is given.
 */
function toleranceOf(op: AtenBuilder, self: Value, { atol, rtol }: Tolerances, largest: Value): Value {
  const { rows, columns } = sizesOf(op, self);
  const usual = num(op, EPSILON[dtypeOf(self)]! * Math.max(rows, columns));
  const absolute = atol ? cast(op, atol, 'float64') : num(op, 0);
  const relative = rtol
    ? cast(op, rtol, 'float64')
    : atol
      ? op.Where([op.Greater([absolute, num(op, 0)]), num(op, 0), usual])
      : usual;
  return op.Max([absolute, op.Mul([relative, largest])]);
}

interface Truncated extends Tolerances {
  readonly self: Value;
  readonly hermitian: boolean;
}
const given = (op: AtenBuilder, { self, hermitian }: Truncated): Value =>
  hermitian ? symmetric(op, double(op, self), { lower: true }) : double(op, self);

/** How many singular values are above the tolerance. */
function rank(op: AtenBuilder, a: Truncated): Value {
  const { batch, rows, columns } = sizesOf(op, a.self);
  if (Math.min(rows, columns) === 0) return filledTensor(op, batch, 'int64', 0);
  const x = given(op, a);
  const values = singularValues(op, x);
  const axis = rankOf(values) - 1;
  const largest = op.Gather([values, op.scalar('int64', 0)], { axis });
  const above = op.Greater([values, unsqueeze(op, toleranceOf(op, a.self, a, largest), [rankOf(largest)])]);
  return op.ReduceSum([op.Cast([above], { to: 'int64' }), op.ints([axis])], { keepdims: 0 });
}

/** V diag(1 / s^2) (A V)ᵀ over the singular values s above the tolerance. */
function pseudoinverse(op: AtenBuilder, a: Truncated): Value {
  const x = given(op, a);
  const { rows, columns, batch } = sizesOf(op, x);
  if (rows === 0 || columns === 0)
    return like(op, expandTo(op, op.tensor('float64', [columns, rows], []), [...batch, columns, rows]), a.self);
  const wide = rows < columns;
  const parts = orthogonalized(op, wide ? flipped(op, x) : x);
  const axis = rankOf(x) - 1;
  const largest = op.ReduceMax([parts.values, op.ints([axis])], { keepdims: 1 });
  const shape: readonly Dim[] = batch;
  const perMatrix = (t: Value | null): Value | null =>
    t && rankOf(t) > 0 ? unsqueeze(op, expandTo(op, t, shape), [shape.length, shape.length + 1]) : t;
  const kept = op.Greater([
    parts.values,
    toleranceOf(op, a.self, { atol: perMatrix(a.atol), rtol: perMatrix(a.rtol) }, largest),
  ]);
  const factor = op.Where([kept, op.Reciprocal([op.Mul([parts.values, parts.values])]), num(op, 0)]);
  const tall = op.MatMul([op.Mul([parts.v, factor]), flipped(op, parts.columns)]);
  return like(op, wide ? flipped(op, tall) : tall, a.self);
}
const constant = (op: AtenBuilder, value: number | null): Value | null => (value === null ? null : num(op, value));

export const matrix_rank = [
  ...aten('aten::linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor', (op, a) =>
    rank(op, { ...a, atol: num(op, a.tol), rtol: num(op, 0) }),
  ),
  ...aten('aten::linalg_matrix_rank.tol_tensor(Tensor input, Tensor tol, bool hermitian=False) -> Tensor', (op, a) =>
    rank(op, { ...a, self: a.input, atol: a.tol, rtol: num(op, 0) }),
  ),
  ...aten(
    'aten::linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor',
    (op, a) => rank(op, { ...a, atol: constant(op, a.atol), rtol: constant(op, a.rtol) }),
  ),
  ...aten(
    'aten::linalg_matrix_rank.atol_rtol_tensor(Tensor input, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor',
    (op, a) => rank(op, { ...a, self: a.input }),
  ),
];
export const pinv = [
  ...aten('aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor', (op, a) =>
    pseudoinverse(op, { ...a, atol: num(op, 0), rtol: num(op, a.rcond) }),
  ),
  ...aten('aten::linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> Tensor', (op, a) =>
    pseudoinverse(op, { ...a, atol: num(op, 0), rtol: a.rcond }),
  ),
  ...aten(
    'aten::linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor',
    (op, a) => pseudoinverse(op, { ...a, atol: constant(op, a.atol), rtol: constant(op, a.rtol) }),
  ),
  ...aten(
    'aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor',
    (op, a) => pseudoinverse(op, a),
  ),
  ...aten('aten::pinverse(Tensor self, float rcond=1.0000000000000001e-15) -> Tensor', (op, { self, rcond }) =>
    pseudoinverse(op, { self, hermitian: false, atol: num(op, 0), rtol: num(op, rcond) }),
  ),
];
