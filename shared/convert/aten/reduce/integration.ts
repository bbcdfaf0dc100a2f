/** ATen sums and differences along sampled functions: trapezoid rule and gradients. */
import { type Dim, isStatic } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, floatOf, promoted, scalarOf } from '../../promote.ts';
import { axisOf, filledTensor, rankOf, reshape, shapeOf, slice } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';
import { reduce, sumDtype } from './reduction.ts';

const neighbours = (op: AtenBuilder, x: Value, axis: number): [Value, Value] => [
  slice(op, x, { axis, start: 0, end: -1 }),
  slice(op, x, { axis, start: 1, end: Infinity }),
];

/** Distances between the places `x`, shaped to go with the pairs of `y`. */
function spacings(op: AtenBuilder, y: Value, x: Value, axis: number): Value {
  const rank = rankOf(y);
  const own = shapeOf(x);
  const viewed =
    own.length === 1
      ? reshape(
          op,
          x,
          shapeOf(y).map((_, i) => (i === axis ? own[0]! : 1)),
        )
      : reshape(op, x, [...Array.from({ length: rank - own.length }, (): Dim => 1), ...own]);
  if (viewed.type!.shape[axis] === 1) return op.aten.refuse('x', `shape [${own.join()}]`, 'a place for every sample');
  const [left, right] = neighbours(op, viewed, axis);
  return op.Sub([right, left]);
}

const isEmpty = (y: Value, axis: number): boolean => shapeOf(y)[axis] === 0;
const withoutAxis = (y: Value, axis: number): Dim[] => shapeOf(y).filter((_, i) => i !== axis);

/** Twice the areas between neighbouring samples. */
function areas(op: AtenBuilder, y: Value, x: Value, axis: number): Value {
  if (rankOf(x) > rankOf(y)) return op.aten.refuse('x', `${rankOf(x)} dimensions`, 'no more dimensions than y');
  // Integers wrap before they become real.
  const [left, right] = neighbours(op, y, axis);
  const products = op.Mul(promoted(op, [op.Add([left, right]), spacings(op, y, x, axis)]));
  return cast(op, products, sumDtype(products, null));
}
function half(op: AtenBuilder, x: Value): Value {
  const real = cast(op, x, floatOf(dtypeOf(x)));
  return op.Div([real, op.scalar(dtypeOf(real), 2)]);
}

export const trapezoid = aten(
  [
    'aten::trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor',
    'aten::trapz.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor',
  ],
  (op, { y, x, dim }) => {
    const axis = axisOf(op, dim, rankOf(y));
    if (isEmpty(y, axis)) return filledTensor(op, withoutAxis(y, axis), dtypeOf(y), 0);
    return half(op, reduce(op, 'ReduceSum', areas(op, y, x, axis), { axes: [axis] }));
  },
);
export const cumulative_trapezoid = aten(
  'aten::cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor',
  (op, { y, x, dim }) => {
    const axis = axisOf(op, dim, rankOf(y));
    return half(op, op.CumSum([areas(op, y, x, axis), op.scalar('int64', axis)]));
  },
);

/** The first (0) or last (-1) element along the axis; 0 where there may be none. */
function endOf(op: AtenBuilder, self: Value, axis: number, place: 0 | -1): Value {
  if (!op.aten.canBeZero(shapeOf(self)[axis]!)) return op.Gather([self, op.scalar('int64', place)], { axis });
  const end = slice(op, self, { axis, start: place, end: place === 0 ? 1 : Infinity });
  return cast(op, reduce(op, 'ReduceSum', cast(op, end, sumDtype(self, null)), { axes: [axis] }), dtypeOf(self));
}

function evenly(op: AtenBuilder, self: Value, dx: ScalarArg, dim: number): Value {
  const axis = axisOf(op, dim, rankOf(self));
  const dtype = floatOf(dtypeOf(self));
  if (isEmpty(self, axis)) return filledTensor(op, withoutAxis(self, axis), dtypeOf(self), 0);
  const ends = cast(op, op.Add([endOf(op, self, axis, 0), endOf(op, self, axis, -1)]), dtype);
  const total = reduce(op, 'ReduceSum', cast(op, self, sumDtype(self, null)), { axes: [axis] });
  return op.Mul([op.Sub([cast(op, total, dtype), half(op, ends)]), scalarOf(op, dx, dtype)]);
}
export const trapezoidEven = aten(
  'aten::trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor',
  (op, { y, dx, dim }) => evenly(op, y, dx, dim),
);
export const trapzEven = aten('aten::trapz.dx(Tensor y, *, float dx=1., int dim=-1) -> Tensor', (op, { y, dx, dim }) =>
  evenly(op, y, { kind: 'float', value: dx }, dim),
);
export const cumulativeEven = aten(
  'aten::cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor',
  (op, { y, dx, dim }) => {
    const axis = axisOf(op, dim, rankOf(y));
    const [left, right] = neighbours(op, y, axis);
    const pairs = cast(op, op.Add([left, right]), floatOf(dtypeOf(y)));
    return op.CumSum([op.Mul([half(op, scalarOf(op, dx, dtypeOf(pairs))), pairs]), op.scalar('int64', axis)]);
  },
);

interface Differences {
  readonly self: Value;
  readonly axis: number;
  readonly edge_order: number;
}

/** Elements at fixed places along the axis, which stays. */
const at = (op: AtenBuilder, x: Value, axis: number, i: number): Value => op.Gather([x, op.ints([i])], { axis });
const weighted = (op: AtenBuilder, terms: readonly (readonly [Value, Value])[]): Value =>
  terms.map(([a, x]) => op.Mul([a, x])).reduce((a, b) => op.Add([a, b]));

/** Central differences inside, one-sided ones of the wanted order at both ends. */
function evenGradient(op: AtenBuilder, { self, axis, edge_order }: Differences, step: Value): Value {
  const dtype = dtypeOf(self);
  const [ahead, behind] = [
    slice(op, self, { axis, start: 2, end: Infinity }),
    slice(op, self, { axis, start: 0, end: -2 }),
  ];
  const center = half(op, op.Div([op.Sub([ahead, behind]), step]));
  const number = (value: number): Value => op.scalar(dtype, value);
  const edge = (places: readonly number[], factors: readonly number[]): Value =>
    op.Div([
      weighted(
        op,
        places.map((p, i) => [number(factors[i]!), at(op, self, axis, p)] as const),
      ),
      step,
    ]);
  const [first, last] =
    edge_order === 1
      ? [edge([1, 0], [1, -1]), edge([-1, -2], [1, -1])]
      : [edge([0, 1, 2], [-1.5, 2, -0.5]), edge([-3, -2, -1], [0.5, -2, 1.5])];
  return op.Concat([first, center, last], { axis });
}

function unevenGradient(op: AtenBuilder, { self, axis, edge_order }: Differences, places: Value): Value {
  const dtype = dtypeOf(self);
  const [left, right] = neighbours(op, cast(op, places, dtype), 0);
  const gaps = op.Sub([right, left]);
  const [d1, d2] = neighbours(op, gaps, 0);
  const shape = shapeOf(self).map((_, i): Dim => (i === axis ? -1 : 1));
  const along = (v: Value): Value => op.Reshape([v, op.dims(shape)]);
  const both = op.Add([d1, d2]);
  const [a, b, c] = [
    op.Div([op.Neg([d2]), op.Mul([d1, both])]),
    op.Div([op.Sub([d2, d1]), op.Mul([d1, d2])]),
    op.Div([d1, op.Mul([d2, both])]),
  ];
  const center = weighted(op, [
    [along(a), slice(op, self, { axis, start: 0, end: -2 })],
    [along(b), slice(op, self, { axis, start: 1, end: -1 })],
    [along(c), slice(op, self, { axis, start: 2, end: Infinity })],
  ]);
  const gap = (i: number): Value => reshape(op, op.Gather([gaps, op.scalar('int64', i)], { axis: 0 }), []);
  const edge = (outer: number, from: readonly [number, number, number]): Value => {
    const [near, far] = [gap(outer), gap(outer < 0 ? -2 : 1)];
    const sum = op.Add([near, far]);
    const ends = [
      op.Div([op.Add([sum, near]), op.Mul([near, sum])]),
      op.Div([sum, op.Mul([near, far])]),
      op.Div([near, op.Mul([far, sum])]),
    ] as const;
    return weighted(
      op,
      ends.map((e, i) => [(i === 1) === outer < 0 ? op.Neg([e]) : e, at(op, self, axis, from[i]!)] as const),
    );
  };
  const simple = (i: number, later: number, earlier: number): Value =>
    op.Div([op.Sub([at(op, self, axis, later), at(op, self, axis, earlier)]), gap(i)]);
  const [first, last] =
    edge_order === 1 ? [simple(0, 1, 0), simple(-1, -1, -2)] : [edge(0, [0, 1, 2]), edge(-1, [-1, -2, -3])];
  return op.Concat([first, center, last], { axis });
}

interface GradientRequest {
  readonly self: Value;
  readonly dim: number | readonly number[] | null;
  readonly edge_order: number;
}

function gradients(
  op: AtenBuilder,
  { self, dim, edge_order }: GradientRequest,
  one: (axis: Differences, i: number) => Value,
): Value[] {
  if (!isFloat(dtypeOf(self))) return op.aten.refuse('self', dtypeOf(self), 'floating-point tensors');
  if (edge_order !== 1 && edge_order !== 2) return op.aten.refuse('edge_order', edge_order, '1 or 2');
  const axes = (dim === null ? shapeOf(self).map((_, i) => i) : [dim].flat()).map((d) => axisOf(op, d, rankOf(self)));
  return axes.map((axis, i) => {
    const size = shapeOf(self)[axis];
    if (size === undefined || (isStatic(size) && size <= edge_order))
      return op.aten.refuse(
        'self',
        `shape [${shapeOf(self).join()}]`,
        `more than ${edge_order} elements along axis ${axis}`,
      );
    return one({ self, axis, edge_order }, i);
  });
}
const stepOf = (op: AtenBuilder, self: Value, spacing: ScalarArg | null): Value =>
  scalarOf(op, spacing ?? { kind: 'int', value: 1 }, dtypeOf(self));

export const gradient = [
  ...aten(
    'aten::gradient.scalarint(Tensor self, *, Scalar? spacing=None, int? dim=None, int edge_order=1) -> Tensor[]',
    (op, a) => gradients(op, a, (d) => evenGradient(op, d, stepOf(op, a.self, a.spacing))),
  ),
  ...aten(
    'aten::gradient.scalararray(Tensor self, *, Scalar spacing, int[] dim, int edge_order=1) -> Tensor[]',
    (op, a) => gradients(op, a, (d) => evenGradient(op, d, stepOf(op, a.self, a.spacing))),
  ),
  ...aten('aten::gradient.array(Tensor self, *, int[] dim, int edge_order=1) -> Tensor[]', (op, a) =>
    gradients(op, a, (d) => evenGradient(op, d, stepOf(op, a.self, null))),
  ),
  ...aten(
    [
      'aten::gradient.scalarrayint(Tensor self, *, Scalar[] spacing, int? dim=None, int edge_order=1) -> Tensor[]',
      'aten::gradient.scalarrayarray(Tensor self, *, Scalar[] spacing, int[] dim, int edge_order=1) -> Tensor[]',
    ],
    (op, a) =>
      gradients(op, a as GradientRequest, (d, i) =>
        evenGradient(
          op,
          d,
          stepOf(op, a.self, a.spacing[i] ?? op.aten.refuse('spacing', a.spacing.length, 'a number for every axis')),
        ),
      ),
  ),
  ...aten(
    [
      'aten::gradient.tensorarrayint(Tensor self, *, Tensor[] spacing, int? dim=None, int edge_order=1) -> Tensor[]',
      'aten::gradient.tensorarray(Tensor self, *, Tensor[] spacing, int[] dim, int edge_order=1) -> Tensor[]',
    ],
    (op, a) =>
      gradients(op, a as GradientRequest, (d, i) =>
        spaced(op, d, a.spacing[i] ?? op.aten.refuse('spacing', a.spacing.length, 'a tensor for every axis')),
      ),
  ),
];
const spaced = (op: AtenBuilder, d: Differences, spacing: Value): Value =>
  rankOf(spacing) === 0 ? evenGradient(op, d, cast(op, spacing, dtypeOf(d.self))) : unevenGradient(op, d, spacing);
