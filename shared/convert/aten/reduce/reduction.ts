/** ATen reductions over axes. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, floatOf } from '../../promote.ts';
import { canBeEmpty, mean as meanOf } from './mean.ts';
import { axisOf, filledTensor, rankOf, reshape, shapeOf } from '../../shape.ts';

type Reduce =
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'ReduceMin'
  | 'ReduceProd'
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceLogSumExp'
  | 'ReduceSumSquare';

/** No axes, or an empty list, means all of them. */
export const axesOf = (op: AtenBuilder, self: Value, dim: readonly number[] | null): number[] =>
  dim === null || dim.length === 0 ? shapeOf(self).map((_, i) => i) : dim.map((d) => axisOf(op, d, rankOf(self)));

/** A 0-d tensor is its own reduction. */
export function reduce(op: AtenBuilder, how: Reduce, x: Value, axes: readonly number[], keepdim: boolean): Value {
  if (rankOf(x) === 0)
    return how === 'ReduceL1' || how === 'ReduceL2'
      ? op.Abs([x])
      : how === 'ReduceSumSquare'
        ? op.Mul([x, x])
        : op.Identity([x]);
  if (how === 'ReduceMean') return meanOf(op, x, axes, keepdim);
  return op[how]([x, op.ints(axes)], { keepdims: keepdim ? 1 : 0 });
}

/** Integers and bools are summed in int64. */
export const sumDtype = (x: Value, dtype: Dtype | null): Dtype => dtype ?? (isFloat(dtypeOf(x)) ? dtypeOf(x) : 'int64');

const summed = (
  op: AtenBuilder,
  self: Value,
  dim: readonly number[] | null,
  keepdim: boolean,
  dtype: Dtype | null,
): Value => reduce(op, 'ReduceSum', cast(op, self, sumDtype(self, dtype)), axesOf(op, self, dim), keepdim);
export const sum = aten('aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, { self, dtype }) =>
  summed(op, self, null, false, dtype),
);
export const sumDim = aten(
  'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) => summed(op, self, dim, keepdim, dtype),
);

function averaged(
  op: AtenBuilder,
  self: Value,
  dim: readonly number[] | null,
  keepdim: boolean,
  dtype: Dtype | null,
): Value {
  const x = cast(op, self, dtype ?? dtypeOf(self));
  return reduce(op, 'ReduceMean', x, axesOf(op, self, dim), keepdim);
}
export const mean = aten('aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, { self, dtype }) =>
  averaged(op, self, null, false, dtype),
);
export const meanDim = aten(
  'aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) => averaged(op, self, dim, keepdim, dtype),
);

export const prod = aten('aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor', (op, { self, dtype }) =>
  reduce(op, 'ReduceProd', cast(op, self, sumDtype(self, dtype)), axesOf(op, self, null), false),
);
export const prodDim = aten(
  'aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) =>
    reduce(op, 'ReduceProd', cast(op, self, sumDtype(self, dtype)), axesOf(op, self, [dim]), keepdim),
);

const nanMarks = (op: AtenBuilder, x: Value): Value => op.Cast([op.IsNaN([x])], { to: 'int32' });

/** PyTorch's extremes are NaN where any element is; runtimes keep or lose it by its place. */
const anyNaN = (op: AtenBuilder, x: Value, axes: readonly number[], keepdim: boolean): Value =>
  op.Cast([reduce(op, 'ReduceMax', nanMarks(op, x), axes, keepdim)], { to: 'bool' });

/** Extremes of bools through int32, for which every runtime has kernels. */
export function extreme(
  op: AtenBuilder,
  how: 'ReduceMax' | 'ReduceMin',
  x: Value,
  axes: readonly number[],
  keepdim: boolean,
): Value {
  if (isFloat(dtypeOf(x)) && rankOf(x) > 0)
    return op.Where([anyNaN(op, x, axes, keepdim), op.scalar(dtypeOf(x), NaN), reduce(op, how, x, axes, keepdim)]);
  if (dtypeOf(x) !== 'bool') return reduce(op, how, x, axes, keepdim);
  return op.Cast([reduce(op, how, op.Cast([x], { to: 'int32' }), axes, keepdim)], { to: 'bool' });
}
export const amax = aten(
  'aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => extreme(op, 'ReduceMax', self, axesOf(op, self, dim), keepdim),
);
export const amin = aten(
  'aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => extreme(op, 'ReduceMin', self, axesOf(op, self, dim), keepdim),
);
export const maxAll = aten('aten::max(Tensor self) -> Tensor', (op, { self }) =>
  extreme(op, 'ReduceMax', self, axesOf(op, self, null), false),
);
export const minAll = aten('aten::min(Tensor self) -> Tensor', (op, { self }) =>
  extreme(op, 'ReduceMin', self, axesOf(op, self, null), false),
);
export const aminmax = aten(
  'aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)',
  (op, { self, dim, keepdim }) => {
    const axes = axesOf(op, self, dim === null ? null : [dim]);
    return [extreme(op, 'ReduceMin', self, axes, keepdim), extreme(op, 'ReduceMax', self, axes, keepdim)];
  },
);

/** First index of the extreme, as PyTorch gives on ties; the first NaN outranks all. */
function argExtreme(op: AtenBuilder, how: 'ArgMax' | 'ArgMin', x: Value, axis: number, keepdim: boolean): Value {
  if (rankOf(x) === 0) return filledTensor(op, [], 'int64', 0);
  const numbers = dtypeOf(x) === 'bool' ? op.Cast([x], { to: 'int32' }) : x;
  const place = op[how]([numbers], { axis, keepdims: keepdim ? 1 : 0 });
  if (!isFloat(dtypeOf(x))) return place;
  return op.Where([
    anyNaN(op, x, [axis], keepdim),
    op.ArgMax([nanMarks(op, x)], { axis, keepdims: keepdim ? 1 : 0 }),
    place,
  ]);
}

function withIndices(op: AtenBuilder, how: 'Max' | 'Min', self: Value, dim: number, keepdim: boolean): Value[] {
  const axis = axisOf(op, dim, rankOf(self));
  return [extreme(op, `Reduce${how}`, self, [axis], keepdim), argExtreme(op, `Arg${how}`, self, axis, keepdim)];
}
export const maxDim = aten(
  'aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, { self, dim, keepdim }) => withIndices(op, 'Max', self, dim, keepdim),
);
export const minDim = aten(
  'aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, { self, dim, keepdim }) => withIndices(op, 'Min', self, dim, keepdim),
);

function argAnywhere(
  op: AtenBuilder,
  how: 'ArgMax' | 'ArgMin',
  self: Value,
  dim: number | null,
  keepdim: boolean,
): Value {
  if (dim !== null) return argExtreme(op, how, self, axisOf(op, dim, rankOf(self)), keepdim);
  const flat = argExtreme(op, how, reshape(op, self, [mulDims(...shapeOf(self))]), 0, false);
  return keepdim
    ? reshape(
        op,
        flat,
        shapeOf(self).map((): Dim => 1),
      )
    : flat;
}
export const argmax = aten(
  'aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => argAnywhere(op, 'ArgMax', self, dim, keepdim),
);
export const argmin = aten(
  'aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => argAnywhere(op, 'ArgMin', self, dim, keepdim),
);

/** all and any give bool, but uint8 for uint8. */
function quantified(
  op: AtenBuilder,
  how: 'ReduceMin' | 'ReduceMax',
  self: Value,
  dim: readonly number[] | null,
  keepdim: boolean,
): Value {
  const truth = op.Cast([cast(op, self, 'bool')], { to: 'int32' });
  // No axes of an `all.dims` call means no reduction; null means all of them.
  const axes = axesOf(op, self, dim);
  const found = reduce(op, how, truth, axes, keepdim);
  // The largest of nothing is the lowest number there is, and that is not true.
  const isTrue =
    rankOf(self) > 0 && canBeEmpty(op, self, axes)
      ? op.Greater([found, op.scalar('int32', 0)])
      : op.Cast([found], { to: 'bool' });
  return cast(op, isTrue, dtypeOf(self) === 'uint8' ? 'uint8' : 'bool');
}
export const all = aten('aten::all(Tensor self) -> Tensor', (op, { self }) =>
  quantified(op, 'ReduceMin', self, null, false),
);
export const any = aten('aten::any(Tensor self) -> Tensor', (op, { self }) =>
  quantified(op, 'ReduceMax', self, null, false),
);
export const allDim = aten(
  'aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => quantified(op, 'ReduceMin', self, [dim], keepdim),
);
export const anyDim = aten(
  'aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => quantified(op, 'ReduceMax', self, [dim], keepdim),
);
export const allDims = aten(
  'aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => quantified(op, 'ReduceMin', self, dim, keepdim),
);
export const anyDims = aten(
  'aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => quantified(op, 'ReduceMax', self, dim, keepdim),
);

/** The number of elements reduced, as a 0-d tensor of the given type. */
export function countOf(op: AtenBuilder, self: Value, axes: readonly number[], dtype: Dtype): Value {
  const count = mulDims(...axes.map((a) => shapeOf(self)[a] ?? 1));
  return typeof count === 'number' ? op.scalar(dtype, count) : op.Cast([op.dim(count)], { to: dtype });
}

/** Mean and variance over axes (kept); `correction` is subtracted from the count, never below zero. */
function moments(
  op: AtenBuilder,
  self: Value,
  axes: readonly number[],
  correction: number,
): { mean: Value; variance: Value } {
  const average = reduce(op, 'ReduceMean', self, axes, true);
  const deviation = op.Sub([self, average]);
  const squares = reduce(op, 'ReduceSum', op.Mul([deviation, deviation]), axes, true);
  const dtype = dtypeOf(self);
  const count = op.Sub([countOf(op, self, axes, dtype), op.scalar(dtype, correction)]);
  return { mean: average, variance: op.Div([squares, op.Max([count, op.scalar(dtype, 0)])]) };
}

interface MomentsRequest {
  readonly self: Value;
  readonly dim: readonly number[] | null;
  readonly correction: number;
  readonly keepdim: boolean;
}

function finished(
  op: AtenBuilder,
  { self, dim, correction, keepdim }: MomentsRequest,
): { mean: Value; variance: Value; std: Value } {
  const axes = axesOf(op, self, dim);
  const kept = moments(op, self, axes, correction);
  const done = (x: Value): Value => (keepdim || rankOf(self) === 0 ? x : op.Squeeze([x, op.ints(axes)]));
  return { mean: done(kept.mean), variance: done(kept.variance), std: done(op.Sqrt([kept.variance])) };
}

type Moment = 'mean' | 'variance' | 'std';
const PICKED: Readonly<Record<string, readonly Moment[]>> = {
  var: ['variance'],
  std: ['std'],
  var_mean: ['variance', 'mean'],
  std_mean: ['std', 'mean'],
};

const numberOr = (value: { kind: string; value: unknown } | null, fallback: number): number =>
  value === null ? fallback : Number(value.value);

/** var, std and their pairs with the mean, in three signatures each. */
export const variance = Object.entries(PICKED).flatMap(([name, picks]) => {
  const result = (op: AtenBuilder, request: MomentsRequest): Value[] => {
    const parts = finished(op, request);
    return picks.map((p) => parts[p]);
  };
  const returns = picks.length === 1 ? 'Tensor' : '(Tensor, Tensor)';
  return [
    ...aten(`aten::${name}(Tensor self, bool unbiased=True) -> ${returns}`, (op, { self, unbiased }) =>
      result(op, { self, dim: null, correction: unbiased ? 1 : 0, keepdim: false }),
    ),
    ...aten(
      `aten::${name}.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> ${returns}`,
      (op, { self, dim, unbiased, keepdim }) => result(op, { self, dim, correction: unbiased ? 1 : 0, keepdim }),
    ),
    ...aten(
      `aten::${name}.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> ${returns}`,
      (op, { self, dim, correction, keepdim }) =>
        result(op, { self, dim, correction: numberOr(correction, 1), keepdim }),
    ),
  ];
});

/** The p-norm over axes; p as torch.linalg.vector_norm takes it. */
export function vectorNorm(op: AtenBuilder, x: Value, p: number, axes: readonly number[], keepdim: boolean): Value {
  const dtype = dtypeOf(x);
  if (p === 2) return reduce(op, 'ReduceL2', x, axes, keepdim);
  if (p === 1) return reduce(op, 'ReduceL1', x, axes, keepdim);
  if (p === Infinity) return extreme(op, 'ReduceMax', op.Abs([x]), axes, keepdim);
  if (p === -Infinity) return extreme(op, 'ReduceMin', op.Abs([x]), axes, keepdim);
  if (p === 0)
    return reduce(
      op,
      'ReduceSum',
      op.Cast([op.Not([op.Equal([x, op.scalar(dtype, 0)])])], { to: dtype }),
      axes,
      keepdim,
    );
  const powers = reduce(op, 'ReduceSum', op.Pow([op.Abs([x]), op.scalar(dtype, p)]), axes, keepdim);
  return op.Pow([powers, op.scalar(dtype, 1 / p)]);
}
export const linalg_vector_norm = aten(
  'aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, ord, dim, keepdim, dtype }) =>
    vectorNorm(op, cast(op, self, dtype ?? dtypeOf(self)), Number(ord.value), axesOf(op, self, dim), keepdim),
);
export const norm = aten(
  'aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor',
  (op, { self, p, dim, keepdim }) => vectorNorm(op, self, numberOr(p, 2), axesOf(op, self, dim), keepdim),
);
export const normScalar = aten('aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor', (op, { self, p }) =>
  vectorNorm(op, self, Number(p.value), axesOf(op, self, null), false),
);
export const normDtype = aten(
  'aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> Tensor',
  (op, { self, p, dim, keepdim, dtype }) =>
    vectorNorm(op, cast(op, self, dtype), numberOr(p, 2), axesOf(op, self, dim), keepdim),
);

/** Subtract the maximum first, but not an infinite one: exp(-inf - -inf) is no number. */
export const logsumexp = aten(
  [
    'aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
    'aten::special_logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor',
  ],
  (op, { self, dim, keepdim }) => {
    const x = cast(op, self, floatOf(dtypeOf(self)));
    const axes = axesOf(op, x, dim);
    if (rankOf(x) === 0) return op.Identity([x]);
    const largest = reduce(op, 'ReduceMax', x, axes, true);
    const finite = op.Where([op.IsInf([largest]), op.scalar(dtypeOf(x), 0), largest]);
    const sums = op.Log([reduce(op, 'ReduceSum', op.Exp([op.Sub([x, finite])]), axes, true)]);
    const result = op.Add([sums, finite]);
    return keepdim ? result : op.Squeeze([result, op.ints(axes)]);
  },
);

export const count_nonzero = aten(
  'aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor',
  (op, { self, dim }) =>
    reduce(op, 'ReduceSum', op.Cast([cast(op, self, 'bool')], { to: 'int64' }), axesOf(op, self, dim), false),
);
export const count_nonzeroAll = aten('aten::count_nonzero(Tensor self, int? dim=None) -> Tensor', (op, { self, dim }) =>
  reduce(
    op,
    'ReduceSum',
    op.Cast([cast(op, self, 'bool')], { to: 'int64' }),
    axesOf(op, self, dim === null ? null : [dim]),
    false,
  ),
);

/** Integers accumulate in int64. */
export const cumsum = aten(
  'aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, sumDtype(self, dtype));
    return rankOf(x) === 0 ? op.Identity([x]) : op.CumSum([x, op.scalar('int64', axisOf(op, dim, rankOf(x)))]);
  },
);
export const cumprod = aten(
  'aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, sumDtype(self, dtype));
    return rankOf(x) === 0 ? op.Identity([x]) : op.CumProd([x, op.scalar('int64', axisOf(op, dim, rankOf(x)))]);
  },
);

export const softmax = aten(
  [
    'aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
    'aten::special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
  ],
  (op, { self, dim, dtype }) => normalized(op, 'Softmax', self, dim, dtype),
);
export const _softmax = aten(
  'aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor',
  (op, { self, dim, half_to_float }) => normalized(op, 'Softmax', self, dim, half_to_float ? 'float32' : null),
);
export const log_softmax = aten(
  [
    'aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
    'aten::special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  ],
  (op, { self, dim, dtype }) => normalized(op, 'LogSoftmax', self, dim, dtype),
);
export const _log_softmax = aten(
  'aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor',
  (op, { self, dim, half_to_float }) => normalized(op, 'LogSoftmax', self, dim, half_to_float ? 'float32' : null),
);
export const _safe_softmax = aten(
  'aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, dtype ?? floatOf(dtypeOf(self)));
    const axis = axisOf(op, dim, rankOf(x));
    const empty = op.Equal([reduce(op, 'ReduceMax', x, [axis], true), op.scalar(dtypeOf(x), -Infinity)]);
    return op.Where([empty, op.scalar(dtypeOf(x), 0), op.Softmax([x], { axis })]);
  },
);

function normalized(
  op: AtenBuilder,
  how: 'Softmax' | 'LogSoftmax',
  self: Value,
  dim: number,
  dtype: Dtype | null,
): Value {
  const x = cast(op, self, dtype ?? floatOf(dtypeOf(self)));
  if (rankOf(x) > 0) return op[how]([x], { axis: axisOf(op, dim, rankOf(x)) });
  // One number: its softmax is 1.
  return reshape(op, op[how]([reshape(op, x, [1])], { axis: 0 }), []);
}
