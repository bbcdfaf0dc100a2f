/** ATen operators that write elements along one axis, with and without a reduction. */
import { type Dim, mulDims, sameDim } from '../../../tensor/dim.ts';
import { type Dtype, integerRange, isFloat, isInteger } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import type { ScalarArg } from '../../schema.ts';
import { cast, dtypeOf, numberOperand, scalarOf } from '../../promote.ts';
import { axisOf, expandTo, filledTensor, rankOf, reshape, shapeOf, slice } from '../../shape.ts';
import { floorDivide } from '../elementwise/division.ts';
import { asIndex } from './gather.ts';

/** ONNX's scatter operators reduce since opset 16, to the smallest and largest since 18. */
const REDUCING = { limits: [{ since: 16 }] } as const;
const REDUCING_TO_EXTREMES = { limits: [{ since: 16 }, { since: 18, when: 'amin and amax' }] } as const;

/** `index` along one axis, as full coordinates for ScatterElements. */
export function alongAxis(op: AtenBuilder, indices: Value, axis: number, shape: readonly Dim[]): Value {
  const lifted = reshape(
    op,
    asIndex(op, indices),
    shape.map((_, i) => (i === axis ? mulDims(...shapeOf(indices)) : 1)),
  );
  return expandTo(op, lifted, shape);
}

/** A 0-d tensor is scattered into as a vector of one. */
function inOneDimension(op: AtenBuilder, self: Value, f: (x: Value) => Value): Value {
  return rankOf(self) === 0 ? reshape(op, f(reshape(op, self, [1])), []) : f(self);
}

const asVector = (op: AtenBuilder, x: Value): Value => (rankOf(x) === 0 ? reshape(op, x, [1]) : x);

export const index_copy = aten(
  'aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor',
  (op, { self, dim, index: at, source }) =>
    inOneDimension(op, self, (x) => {
      const axis = axisOf(op, dim, rankOf(x));
      const values = asVector(op, source);
      return op.ScatterElements([x, alongAxis(op, at, axis, shapeOf(values)), cast(op, values, dtypeOf(x))], { axis });
    }),
);
export const index_add = aten(
  'aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor',
  (op, { self, dim, index: at, source, alpha }) =>
    inOneDimension(op, self, (x) => {
      const axis = axisOf(op, dim, rankOf(x));
      const values = asVector(op, cast(op, source, dtypeOf(x)));
      const one = alpha.kind !== 'run-time' && Number(alpha.value) === 1;
      const scaled = one ? values : op.Mul([values, scalarOf(op, alpha, dtypeOf(x))]);
      return op.ScatterElements([x, alongAxis(op, at, axis, shapeOf(values)), scaled], { axis, reduction: 'add' });
    }),
  REDUCING,
);
/** As the operators' own arguments are called. */
interface Filling {
  readonly self: Value;
  readonly dim: number;
  readonly index: Value;
  readonly value: Value;
}

function indexFilled(op: AtenBuilder, { self, dim, index: at, value }: Filling): Value {
  return inOneDimension(op, self, (x) => {
    const axis = axisOf(op, dim, rankOf(x));
    const shape = shapeOf(x).map((d, i) => (i === axis ? mulDims(...shapeOf(at)) : d));
    return op.ScatterElements([x, alongAxis(op, at, axis, shape), expandTo(op, cast(op, value, dtypeOf(x)), shape)], {
      axis,
    });
  });
}
export const index_fill = aten(
  'aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor',
  (op, a) => indexFilled(op, { ...a, value: numberOperand(op, a.value) }),
);
export const index_fillTensor = aten(
  'aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor',
  (op, a) => indexFilled(op, a),
);

/** As the operators' own arguments are called. */
interface Scattering {
  readonly self: Value;
  readonly dim: number;
  readonly index: Value;
  readonly src: Value;
}
type ScatterReduction = 'none' | 'add' | 'mul' | 'max' | 'min';

function scattered(
  op: AtenBuilder,
  { self, dim, index: indices, src }: Scattering,
  reduction: ScatterReduction,
): Value {
  return inOneDimension(op, self, (x) => {
    const axis = axisOf(op, dim, rankOf(x));
    const at = asVector(op, asIndex(op, indices));
    const values = asVector(op, cast(op, src, dtypeOf(x)));
    // Only as much of the source is used as there are indices.
    const used = shapeOf(at).reduce<Value>(
      (v, size, i) => (sameDim(size, shapeOf(v)[i]!) ? v : slice(op, v, { axis: i, start: 0, end: size })),
      values,
    );
    return op.ScatterElements([x, at, used], { axis, reduction });
  });
}
export const scatter = aten('aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor', (op, a) =>
  scattered(op, a, 'none'),
);
const valueEverywhere = (
  op: AtenBuilder,
  { self, index: at, value }: { readonly self: Value; readonly index: Value; readonly value: ScalarArg },
): Value => expandTo(op, scalarOf(op, value, dtypeOf(self)), shapeOf(at));
export const scatterValue = aten(
  'aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor',
  (op, a) => scattered(op, { ...a, src: valueEverywhere(op, a) }, 'none'),
);
const REDUCTIONS: Readonly<Record<string, 'add' | 'mul'>> = { add: 'add', multiply: 'mul' };
export const scatterReduce = aten(
  'aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor',
  (op, a) => scattered(op, a, REDUCTIONS[a.reduce] ?? op.aten.refuse('reduce', a.reduce, 'add or multiply')),
  REDUCING,
);
export const scatterValueReduce = aten(
  'aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor',
  (op, a) =>
    scattered(
      op,
      { ...a, src: valueEverywhere(op, a) },
      REDUCTIONS[a.reduce] ?? op.aten.refuse('reduce', a.reduce, 'add or multiply'),
    ),
  REDUCING,
);
export const scatter_add = aten(
  'aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor',
  (op, a) => scattered(op, a, 'add'),
  REDUCING,
);

const SCATTER: Readonly<Record<string, Exclude<ScatterReduction, 'none'>>> = {
  sum: 'add',
  mean: 'add',
  prod: 'mul',
  amax: 'max',
  amin: 'min',
};
/** What each reduction starts from where self does not count. */
const NEUTRAL: Readonly<Record<Exclude<ScatterReduction, 'none'>, (dtype: Dtype) => number | bigint>> = {
  add: () => 0,
  mul: () => 1,
  max: (dtype) => (isFloat(dtype) ? -Infinity : integerRange(dtype)[0]),
  min: (dtype) => (isFloat(dtype) ? Infinity : integerRange(dtype)[1]),
};

interface Reduction {
  readonly reduce: string;
  readonly include_self: boolean;
}

/**
 * ONNX has no mean and always counts self: start from the neutral element where it does not count, divide by counts.
 */
function scatterReduced(op: AtenBuilder, scattering: Scattering, { reduce, include_self }: Reduction): Value {
  const { self, index: at } = scattering;
  const how = SCATTER[reduce];
  if (!how) return op.aten.refuse('reduce', reduce, Object.keys(SCATTER).join(', '));
  const dtype = dtypeOf(self);
  if (dtype !== 'float32' && dtype !== 'float64' && !isInteger(dtype))
    return op.aten.refuse('self', dtype, 'float32, float64 or integers');
  const fill = (number: number | bigint): Value => expandTo(op, op.scalar(dtype, number), shapeOf(at));
  const start = include_self ? self : scattered(op, { ...scattering, src: fill(NEUTRAL[how](dtype)) }, 'none');
  const whole = { ...scattering, self: start };
  const isExtreme = isFloat(dtype) && (how === 'max' || how === 'min');
  const total = isExtreme && op.aten.carriesNaN() ? extremeWithNaN(op, whole, how) : scattered(op, whole, how);
  if (reduce !== 'mean') return total;
  const ones = filledTensor(op, shapeOf(self), dtype, 1);
  const before = include_self ? ones : scattered(op, { ...scattering, self: ones, src: fill(0) }, 'none');
  const counts = scattered(op, { ...scattering, self: before, src: fill(1) }, 'add');
  return isFloat(dtype) ? op.Div([total, counts]) : floorDivide(op, total, counts);
}
/** ScatterElements keeps the number where it meets NaN; PyTorch gives NaN. */
function extremeWithNaN(op: AtenBuilder, scattering: Scattering, how: 'max' | 'min'): Value {
  const marks = (x: Value): Value => op.Cast([op.IsNaN([x])], { to: 'int32' });
  const { self, src } = scattering;
  const found = scattered(op, { ...scattering, self: marks(self), src: marks(src) }, 'max');
  return op.Where([op.Cast([found], { to: 'bool' }), op.scalar(dtypeOf(self), NaN), scattered(op, scattering, how)]);
}
export const scatter_reduce = aten(
  'aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor',
  (op, a) => scatterReduced(op, a, a),
  REDUCING_TO_EXTREMES,
);
export const index_reduce = aten(
  'aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor',
  (op, a) =>
    inOneDimension(op, a.self, (x) => {
      const src = asVector(op, a.source);
      const at = alongAxis(op, a.index, axisOf(op, a.dim, rankOf(x)), shapeOf(src));
      return scatterReduced(op, { self: x, dim: a.dim, index: at, src }, a);
    }),
  REDUCING_TO_EXTREMES,
);
