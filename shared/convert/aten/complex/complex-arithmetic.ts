/** Arithmetic of complex tensors, part by part. */
import type { Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { representedType } from '../../records.ts';
import { aten, type AtenBuilder, type OpConverter } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, knownNumber } from '../../promote.ts';
import { axisOf, rankOf, transpose, unsqueeze } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';
import { arcTangent } from './complex.ts';
import { own, paired, part, partDtype, type Parts, partsOf, whole } from './complex-parts.ts';

type Binary = (op: AtenBuilder, a: Parts, b: Parts) => Parts;

const product: Binary = (op, a, b) => {
  if (a.im === null || b.im === null) {
    const [{ re: factor }, z] = a.im === null ? [a, b] : [b, a];
    return { re: op.Mul([z.re, factor]), im: z.im && op.Mul([z.im, factor]) };
  }
  return {
    re: op.Sub([op.Mul([a.re, b.re]), op.Mul([a.im, b.im])]),
    im: op.Add([op.Mul([a.re, b.im]), op.Mul([a.im, b.re])]),
  };
};
const sum: Binary = (op, a, b) => ({
  re: op.Add([a.re, b.re]),
  im: a.im && b.im ? op.Add([a.im, b.im]) : (a.im ?? b.im),
});
const negative = (op: AtenBuilder, a: Parts): Parts => ({ re: op.Neg([a.re]), im: a.im && op.Neg([a.im]) });
/** As PyTorch: the divisor is scaled by its larger part, so that squares do not overflow. */
const quotient: Binary = (op, a, b) => {
  if (b.im === null) return { re: op.Div([a.re, b.re]), im: a.im && op.Div([a.im, b.re]) };
  const scale = op.Max([op.Abs([b.re]), op.Abs([b.im])]);
  const [re, im] = [op.Div([b.re, scale]), op.Div([b.im, scale])];
  const size = op.Mul([op.Add([op.Mul([re, re]), op.Mul([im, im])]), scale]);
  const top = product(op, a, { re, im: op.Neg([im]) });
  return { re: op.Div([top.re, size]), im: op.Div([top.im!, size]) };
};

function binary(op: AtenBuilder, how: Binary, a: Value, b: Value): Value {
  const dtype = partDtype(op, [a, b]);
  return whole(op, how(op, partsOf(op, a, dtype), partsOf(op, b, dtype)));
}

const scaled = (op: AtenBuilder, b: Parts, alpha: ScalarArg): Parts =>
  product(op, b, partsOf(op, numberOperand(op, alpha), dtypeOf(b.re)));
const scaledBy =
  (alpha: ScalarArg, sign: 1 | -1): Binary =>
  (op, a, b) => {
    const term = knownNumber(alpha) === 1 ? b : scaled(op, b, alpha);
    return sum(op, a, sign === 1 ? term : negative(op, term));
  };

export const add = aten(
  'aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => binary(op, scaledBy(alpha, 1), self, other),
);
export const sub = aten(
  'aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => binary(op, scaledBy(alpha, -1), self, other),
);
export const rsub = aten(
  'aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
  (op, { self, other, alpha }) => binary(op, scaledBy(alpha, -1), numberOperand(op, other), self),
);
export const mul = aten(
  [
    'aten::mul.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor',
  ],
  (op, { self, other }) => binary(op, product, self, other),
);
export const div = aten(
  [
    'aten::div.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::divide.Tensor(Tensor self, Tensor other) -> Tensor',
    'aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor',
  ],
  (op, { self, other }) => binary(op, quotient, self, other),
);

type Unary = (op: AtenBuilder, z: { readonly re: Value; readonly im: Value }) => Parts;
const unary = (name: string, how: Unary): OpConverter[] =>
  aten(`aten::${name}(Tensor self) -> Tensor` as 'aten::f(Tensor self) -> Tensor', (op, { self }) =>
    whole(op, how(op, { re: part(op, self, 0), im: part(op, self, 1) })),
  );

const size = (op: AtenBuilder, { re, im }: { readonly re: Value; readonly im: Value }): Value =>
  op.ReduceL2([paired(op, re, im), op.ints([rankOf(re)])], { keepdims: 0 });
const num = (op: AtenBuilder, like: Value, value: number): Value => op.scalar(dtypeOf(like), value);

export const neg = unary('neg', negative);
export const square = unary('square', (op, z) => product(op, z, z));
export const reciprocal = unary('reciprocal', (op, z) => quotient(op, { re: num(op, z.re, 1), im: null }, z));
export const exp = unary('exp', (op, { re, im }) => {
  const radius = op.Exp([re]);
  return { re: op.Mul([radius, op.Cos([im])]), im: op.Mul([radius, op.Sin([im])]) };
});
export const log = unary('log', (op, z) => ({ re: op.Log([size(op, z)]), im: arcTangent(op, z.im, z.re) }));
export const sin = unary('sin', (op, { re, im }) => ({
  re: op.Mul([op.Sin([re]), op.Cosh([im])]),
  im: op.Mul([op.Cos([re]), op.Sinh([im])]),
}));
export const cos = unary('cos', (op, { re, im }) => ({
  re: op.Mul([op.Cos([re]), op.Cosh([im])]),
  im: op.Neg([op.Mul([op.Sin([re]), op.Sinh([im])])]),
}));
/** The principal root, without cancellation: the larger part first, the other from it. */
export const sqrt = unary('sqrt', (op, z) => {
  const zero = num(op, z.re, 0);
  const large = op.Sqrt([op.Mul([op.Add([op.Abs([z.re]), size(op, z)]), num(op, z.re, 0.5)])]);
  const small = op.Where([op.Equal([large, zero]), zero, op.Div([op.Abs([z.im]), op.Mul([large, num(op, z.re, 2)])])]);
  const isRight = op.GreaterOrEqual([z.re, zero]);
  const im = op.Where([isRight, small, large]);
  return { re: op.Where([isRight, large, small]), im: op.Where([op.Less([z.im, zero]), op.Neg([im]), im]) };
});
export const sgn = unary('sgn', (op, z) => {
  const length = size(op, z);
  const divisor = op.Where([op.Equal([length, num(op, length, 0)]), num(op, length, 1), length]);
  return { re: op.Div([z.re, divisor]), im: op.Div([z.im, divisor]) };
});

export const pow = aten('aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor', (op, { self, exponent }) => {
  const power = exponent.kind === 'int' || exponent.kind === 'float' ? Number(exponent.value) : NaN;
  if (!Number.isInteger(power) || power < 1 || power > 8)
    return op.aten.refuse('exponent', power, 'whole numbers from 1 to 8');
  const z = partsOf(op, self, dtypeOf(self));
  return whole(
    op,
    Array.from({ length: power - 1 }, () => z).reduce<Parts>((a, b) => product(op, a, b), z),
  );
});

function matrixProduct(op: AtenBuilder, a: Value, b: Value): Value {
  const dtype = partDtype(op, [a, b]);
  const [x, y] = [partsOf(op, a, dtype), partsOf(op, b, dtype)];
  const times = (u: Value | null, v: Value | null): Value | null => (u && v ? op.MatMul([u, v]) : null);
  const [rr, ii, ri, ir] = [times(x.re, y.re)!, times(x.im, y.im), times(x.re, y.im), times(x.im, y.re)];
  return whole(op, { re: ii ? op.Sub([rr, ii]) : rr, im: ri && ir ? op.Add([ri, ir]) : (ri ?? ir) });
}
export const matmul = aten('aten::matmul(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  matrixProduct(op, self, other),
);
export const matrices = aten(
  ['aten::mm(Tensor self, Tensor mat2) -> Tensor', 'aten::bmm(Tensor self, Tensor mat2) -> Tensor'],
  (op, { self, mat2 }) => matrixProduct(op, self, mat2),
);
export const mH = aten(
  ['aten::mH(Tensor(a) self) -> Tensor(a)', 'aten::adjoint(Tensor(a) self) -> Tensor(a)'],
  (op, { self }) => {
    const rank = rankOf(self) - 1;
    const perm = Array.from({ length: rank + 1 }, (_, i) =>
      i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i,
    );
    return op.Mul([transpose(op, self, perm), op.tensor(dtypeOf(self), [2], [1, -1])]);
  },
);

/** Sums and means work on both parts alike. */
function reduced(
  op: AtenBuilder,
  how: 'ReduceSum' | 'ReduceMean',
  { self, dim, keepdim, dtype }: { self: Value; dim: readonly number[] | null; keepdim: boolean; dtype: Dtype | null },
): Value {
  const z = asComplex(op, self, dtype);
  const rank = own(z).length;
  const axes = dim?.length ? dim.map((d) => axisOf(op, d, rank)) : Array.from({ length: rank }, (_, i) => i);
  return rank === 0 ? op.Identity([z]) : op[how]([z, op.ints(axes)], { keepdims: keepdim ? 1 : 0 });
}
export const reductions: OpConverter[] = (
  [
    ['sum', 'ReduceSum'],
    ['mean', 'ReduceMean'],
  ] as const
).flatMap(([name, how]) => [
  ...aten(
    `aten::${name}(Tensor self, *, ScalarType? dtype=None) -> Tensor` as 'aten::f(Tensor self, *, ScalarType? dtype=None) -> Tensor',
    (op, a) => reduced(op, how, { ...a, dim: null, keepdim: false }),
  ),
  ...aten(
    `aten::${name}.${name === 'sum' ? 'dim_IntList' : 'dim'}(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` as 'aten::f(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
    (op, a) => reduced(op, how, a),
  ),
]);

function isEqual(op: AtenBuilder, a: Value, b: Value): Value {
  const dtype = partDtype(op, [a, b]);
  const [x, y] = [partsOf(op, a, dtype), partsOf(op, b, dtype)];
  const zero = op.scalar(dtype, 0);
  return op.And([op.Equal([x.re, y.re]), op.Equal([x.im ?? zero, y.im ?? zero])]);
}
export const eq = aten('aten::eq.Tensor(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  isEqual(op, self, other),
);
export const ne = aten('aten::ne.Tensor(Tensor self, Tensor other) -> Tensor', (op, { self, other }) =>
  op.Not([isEqual(op, self, other)]),
);

export const where = aten(
  'aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor',
  (op, { condition, self, other }) => {
    const dtype = partDtype(op, [self, other]);
    const [a, b] = [self, other].map((x) => whole(op, partsOf(op, x, dtype)));
    return op.Where([unsqueeze(op, condition, [rankOf(condition)]), a!, b!]);
  },
);

const isComplexDtype = (dtype: Dtype): boolean => dtype.startsWith('complex');
const realOf = (dtype: Dtype): Dtype => representedType({ dtype, shape: [] }).dtype;

/** In the complex type asked for, or as it is. */
function asComplex(op: AtenBuilder, x: Value, dtype: Dtype | null): Value {
  const to = dtype === null ? dtypeOf(x) : realOf(dtype);
  return op.aten.isComplex(x) ? cast(op, x, to) : whole(op, { re: cast(op, x, to), im: null });
}

/** A real type takes the real part, as PyTorch does with a warning. */
function converted(op: AtenBuilder, x: Value, dtype: Dtype | null): Value {
  if (dtype === null && !op.aten.isComplex(x)) return op.Identity([x]);
  if (dtype !== null && !isComplexDtype(dtype)) {
    op.aten.warn(`complex numbers are converted to ${dtype}: their imaginary parts are dropped`);
    return cast(op, op.aten.isComplex(x) ? part(op, x, 0) : x, dtype);
  }
  return op.Identity([asComplex(op, x, dtype)]);
}
export const conversions: OpConverter[] = [
  ...aten(
    'aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
    (op, { self, dtype }) => converted(op, self, dtype),
  ),
  ...aten(
    'aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
    (op, { self, dtype }) => converted(op, self, dtype),
  ),
  ...aten(
    'aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
    (op, { self, dtype }) => converted(op, self, dtype),
  ),
  ...aten(
    'aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor',
    (op, { self, dtype }) => converted(op, self, dtype),
  ),
  ...aten('aten::chalf(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor', (op, { self }) =>
    converted(op, self, 'complex32'),
  ),
];
