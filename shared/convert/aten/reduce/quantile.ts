/** ATen quantiles and the statistics that leave NaN out. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, filledTensor, rankOf, reshape, shapeOf, transpose, unsqueeze } from '../../shape.ts';
import { topNumbers } from '../../top-numbers.ts';
import { interpolate } from '../elementwise/arithmetic.ts';
import { medianOfNothing } from '../indexing/order.ts';
import { axesOf, countOf, reduce } from './reduction.ts';

/**
 * Elements in ascending order along the last axis, NaN last (as infinity), and how many are numbers (last axis kept).
 */
interface Sorted {
  readonly values: Value;
  readonly places: Value;
  readonly numbers: Value;
}

function sortedNumbers(op: AtenBuilder, x: Value): Sorted {
  const axis = rankOf(x) - 1;
  const dtype = dtypeOf(x);
  const nothing = op.IsNaN([x]);
  const [values, places] = topNumbers(op, op.Where([nothing, op.scalar(dtype, Infinity), x]), {
    axis,
    k: op.dims([shapeOf(x)[axis]!]),
    descending: false,
  });
  const numbers = op.ReduceSum([op.Cast([op.Not([nothing])], { to: 'int64' }), op.ints([axis])], { keepdims: 1 });
  return { values, places, numbers };
}

const ROUNDED: Readonly<Record<string, (op: AtenBuilder, ranks: Value) => Value>> = {
  linear: (_, ranks) => ranks,
  midpoint: (_, ranks) => ranks,
  lower: (op, ranks) => op.Floor([ranks]),
  higher: (op, ranks) => op.Ceil([ranks]),
  nearest: (op, ranks) => op.Round([ranks]),
};

interface Request {
  readonly self: Value;
  /** One number or a vector, in self's type. */
  readonly q: Value;
  readonly dim: number | null;
  readonly keepdim: boolean;
  readonly interpolation: string;
  readonly ignoreNaN: boolean;
}

/** Ranks are computed in self's type, as PyTorch does: the rounding decides between neighbours. */
function quantiles(op: AtenBuilder, { self, q, dim, keepdim, interpolation, ignoreNaN }: Request): Value {
  const dtype = dtypeOf(self);
  const rounded =
    ROUNDED[interpolation] ?? op.aten.refuse('interpolation', interpolation, Object.keys(ROUNDED).join(', '));
  const rank = rankOf(self);
  const flat = dim === null || rank === 0;
  const axis = flat ? 0 : axisOf(op, dim, rank);
  const others = shapeOf(self)
    .map((_, i) => i)
    .filter((i) => i !== axis);
  const x = flat ? reshape(op, self, [mulDims(...shapeOf(self))]) : transpose(op, self, [...others, axis]);
  const { values, numbers } = sortedNumbers(op, x);
  const last = rankOf(x) - 1;
  const size = countOf(op, x, [last], 'int64');
  const complete = op.Equal([numbers, size]);
  const highest = op.Max([
    cast(op, op.Sub([ignoreNaN ? numbers : size, op.scalar('int64', 1)]), dtype),
    op.scalar(dtype, 0),
  ]);
  const vector = reshape(op, q, [mulDims(...shapeOf(q))]);
  const lead = shapeOf(x).slice(0, last);
  const wanted = rounded(op, op.Mul([vector, highest]));
  const ranks = op.Expand([wanted, op.dims([...lead, mulDims(...shapeOf(q))])]);
  const at = (r: Value): Value => op.GatherElements([values, op.Cast([r], { to: 'int64' })], { axis: last });
  const found = interpolated(op, ranks, at, interpolation);
  const none = ignoreNaN ? op.Equal([numbers, op.scalar('int64', 0)]) : op.Not([complete]);
  const result = op.Where([none, op.scalar(dtype, NaN), found]);
  const kept: readonly Dim[] = flat ? shapeOf(self).map(() => 1) : shapeOf(self).map((d, i) => (i === axis ? 1 : d));
  const shape = keepdim ? kept : flat ? [] : kept.filter((_, i) => i !== axis);
  if (rankOf(q) === 0) return reshape(op, result, shape);
  return reshape(op, transpose(op, result, [last, ...lead.map((_, i) => i)]), [mulDims(...shapeOf(q)), ...shape]);
}

function interpolated(op: AtenBuilder, ranks: Value, at: (ranks: Value) => Value, interpolation: string): Value {
  if (interpolation !== 'linear' && interpolation !== 'midpoint') return at(ranks);
  const below = op.Floor([ranks]);
  const weights = interpolation === 'midpoint' ? op.scalar(dtypeOf(ranks), 0.5) : op.Sub([ranks, below]);
  return interpolate(op, at(below), at(op.Ceil([ranks])), weights);
}

type QuantileSchema =
  'aten::quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor';
type ScalarSchema =
  'aten::quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor';
const REST = 'int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor';
export const quantile = [
  { name: 'quantile', ignoreNaN: false },
  { name: 'nanquantile', ignoreNaN: true },
].flatMap(({ name, ignoreNaN }) => [
  ...aten(`aten::${name}(Tensor self, Tensor q, ${REST}` as QuantileSchema, (op, a) =>
    quantiles(op, { ...a, q: cast(op, a.q, dtypeOf(a.self)), ignoreNaN }),
  ),
  ...aten(`aten::${name}.scalar(Tensor self, float q, ${REST}` as ScalarSchema, (op, a) =>
    quantiles(op, { ...a, q: op.scalar(dtypeOf(a.self), a.q), ignoreNaN }),
  ),
]);

/** NaN as nothing. */
const withoutNaN = (op: AtenBuilder, x: Value): Value =>
  isFloat(dtypeOf(x)) ? op.Where([op.IsNaN([x]), op.scalar(dtypeOf(x), 0), x]) : x;
export const nansum = aten(
  'aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) => {
    const x = cast(op, withoutNaN(op, self), dtype ?? (isFloat(dtypeOf(self)) ? dtypeOf(self) : 'int64'));
    return reduce(op, 'ReduceSum', x, { axes: axesOf(op, self, dim), keepdim });
  },
);
export const nanmean = aten(
  'aten::nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, keepdim, dtype }) => {
    const axes = axesOf(op, self, dim);
    const result = dtype ?? dtypeOf(self);
    const numbers = op.Cast([op.Not([op.IsNaN([self])])], { to: result });
    return op.Div([
      reduce(op, 'ReduceSum', cast(op, withoutNaN(op, self), result), { axes, keepdim }),
      reduce(op, 'ReduceSum', numbers, { axes, keepdim }),
    ]);
  },
);

/** The lower of the two middle numbers; NaN where there are none. */
function nanMedian(
  op: AtenBuilder,
  self: Value,
  { dim, keepdim }: { readonly dim: number; readonly keepdim: boolean },
): Value[] {
  if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
  if (!isFloat(dtypeOf(self))) return op.aten.refuse('self', dtypeOf(self), 'floating-point tensors');
  const axis = axisOf(op, dim, rankOf(self));
  const others = shapeOf(self)
    .map((_, i) => i)
    .filter((i) => i !== axis);
  const { values, places, numbers } = sortedNumbers(op, transpose(op, self, [...others, axis]));
  const middle = op.Div([
    op.Max([op.Sub([numbers, op.scalar('int64', 1)]), op.scalar('int64', 0)]),
    op.scalar('int64', 2),
  ]);
  const last = rankOf(self) - 1;
  const value = op.Where([
    op.Equal([numbers, op.scalar('int64', 0)]),
    op.scalar(dtypeOf(self), NaN),
    op.GatherElements([values, middle], { axis: last }),
  ]);
  return [value, op.GatherElements([places, middle], { axis: last })].map((v) => {
    const picked = op.Squeeze([v, op.ints([last])]);
    return keepdim ? unsqueeze(op, picked, [axis]) : picked;
  });
}
export const nanmedian = aten(
  'aten::nanmedian(Tensor self) -> Tensor',
  (op, { self }) =>
    medianOfNothing(op, self) ??
    nanMedian(op, reshape(op, self, [mulDims(...shapeOf(self))]), { dim: 0, keepdim: false })[0]!,
);
export const nanmedianDim = aten(
  'aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, a) => nanMedian(op, a.self, a),
);
