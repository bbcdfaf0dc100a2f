/** ATen random draws: outputs differ on every run, so type, shape and distribution are what can be kept. */
import { type Dim, isStatic } from '../../../tensor/dim.ts';
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { RANDOM_UNTIL } from '../../../onnx/runtime-facts/kernels.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, DEFAULT_FLOAT, dtypeOf } from '../../promote.ts';
import { commonShape, expandTo, filledTensor, rankOf, shapeOf, unsqueeze } from '../../shape.ts';
import { OPTIONS } from '../../tensor-options.ts';
import { topNumbers } from '../../top-numbers.ts';

const DRAWS = { limits: [{ until: RANDOM_UNTIL.opset }] } as const;

function draw(
  op: AtenBuilder,
  how: 'RandomUniformLike' | 'RandomNormalLike',
  size: readonly Dim[],
  dtype: 'float32' | 'float64',
): Value {
  if (op.opset > RANDOM_UNTIL.opset)
    return op.aten.refuse(
      'opset_version',
      op.opset,
      `opset ${RANDOM_UNTIL.opset} or lower for models that draw random numbers`,
    );
  op.aten.warn('the model draws random numbers: its outputs differ from run to run');
  return op[how]([filledTensor(op, size, dtype, 0)], { dtype });
}
/** From 0 to below 1. */
const uniformOf = (op: AtenBuilder, size: readonly Dim[], dtype: 'float32' | 'float64' = 'float32'): Value =>
  draw(op, 'RandomUniformLike', size, dtype);
const normalOf = (op: AtenBuilder, size: readonly Dim[]): Value => draw(op, 'RandomNormalLike', size, 'float32');
/** Above 0, to 1: safe under a logarithm. */
const positiveUniform = (op: AtenBuilder, size: readonly Dim[]): Value =>
  op.Sub([op.scalar('float32', 1), uniformOf(op, size)]);
const num = (op: AtenBuilder, value: number): Value => op.scalar('float32', value);
const scaled = (op: AtenBuilder, x: Value, scale: number, shift: number): Value =>
  op.Add([op.Mul([x, num(op, scale)]), num(op, shift)]);

const drawn = (
  op: AtenBuilder,
  how: 'RandomUniformLike' | 'RandomNormalLike',
  size: readonly Dim[],
  dtype: Dtype,
): Value => cast(op, draw(op, how, size, 'float32'), dtype);
export const rand = aten(
  `aten::rand(SymInt[] size, *, ${OPTIONS}) -> Tensor`,
  (op, { size, dtype }) => drawn(op, 'RandomUniformLike', size, dtype ?? DEFAULT_FLOAT),
  DRAWS,
);
export const randn = aten(
  `aten::randn(SymInt[] size, *, ${OPTIONS}) -> Tensor`,
  (op, { size, dtype }) => drawn(op, 'RandomNormalLike', size, dtype ?? DEFAULT_FLOAT),
  DRAWS,
);
export const rand_like = aten(
  `aten::rand_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  (op, { self, dtype }) => drawn(op, 'RandomUniformLike', shapeOf(self), dtype ?? dtypeOf(self)),
  DRAWS,
);
export const randn_like = aten(
  `aten::randn_like(Tensor self, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
  (op, { self, dtype }) => drawn(op, 'RandomNormalLike', shapeOf(self), dtype ?? dtypeOf(self)),
  DRAWS,
);

/** In-place draws, made functional: `self` gives type and shape. */
const like = (op: AtenBuilder, self: Value, f: (size: readonly Dim[]) => Value): Value =>
  cast(op, f(shapeOf(self)), dtypeOf(self));
export const uniform = aten(
  'aten::uniform(Tensor self, float from=0., float to=1., *, Generator? generator=None) -> Tensor',
  (op, { self, from, to }) => like(op, self, (size) => scaled(op, uniformOf(op, size), to - from, from)),
  DRAWS,
);
export const normal = aten(
  'aten::normal_functional(Tensor self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor',
  (op, { self, mean, std }) => like(op, self, (size) => scaled(op, normalOf(op, size), std, mean)),
  DRAWS,
);
export const log_normal = aten(
  'aten::log_normal(Tensor self, float mean=1., float std=2., *, Generator? generator=None) -> Tensor',
  (op, { self, mean, std }) => like(op, self, (size) => op.Exp([scaled(op, normalOf(op, size), std, mean)])),
  DRAWS,
);
export const exponential = aten(
  'aten::exponential(Tensor self, float lambd=1., *, Generator? generator=None) -> Tensor',
  (op, { self, lambd }) => like(op, self, (size) => op.Mul([op.Log([positiveUniform(op, size)]), num(op, -1 / lambd)])),
  DRAWS,
);
export const cauchy = aten(
  'aten::cauchy(Tensor self, float median=0., float sigma=1., *, Generator? generator=None) -> Tensor',
  (op, { self, median, sigma }) =>
    like(op, self, (size) =>
      scaled(op, op.Tan([scaled(op, uniformOf(op, size), Math.PI, -Math.PI / 2)]), sigma, median),
    ),
  DRAWS,
);
/** The number of trials to the first success: at least one. */
export const geometric = aten(
  'aten::geometric(Tensor self, float p, *, Generator? generator=None) -> Tensor',
  (op, { self, p }) =>
    like(op, self, (size) =>
      op.Max([op.Ceil([op.Mul([op.Log([positiveUniform(op, size)]), num(op, 1 / Math.log1p(-p))])]), num(op, 1)]),
    ),
  DRAWS,
);

export const normalTensors = aten(
  'aten::normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor',
  (op, { mean, std }) => {
    const noise = normalOf(op, commonShape(op, [shapeOf(mean), shapeOf(std)]));
    return op.Add([mean, op.Mul([std, cast(op, noise, dtypeOf(mean))])]);
  },
  DRAWS,
);
export const normalTensor = aten(
  'aten::normal.Tensor_float(Tensor mean, float std=1., *, Generator? generator=None) -> Tensor',
  (op, { mean, std }) => op.Add([mean, like(op, mean, (size) => scaled(op, normalOf(op, size), std, 0))]),
  DRAWS,
);
export const normalSpread = aten(
  'aten::normal.float_Tensor(float mean, Tensor std, *, Generator? generator=None) -> Tensor',
  (op, { mean, std }) =>
    op.Add([op.Mul([std, like(op, std, (size) => normalOf(op, size))]), op.scalar(dtypeOf(std), mean)]),
  DRAWS,
);
export const normalNumbers = aten(
  `aten::normal.float_float(float mean, float std, SymInt[] size, *, Generator? generator=None, ${OPTIONS}) -> Tensor`,
  (op, { mean, std, size, dtype }) => cast(op, scaled(op, normalOf(op, size), std, mean), dtype ?? DEFAULT_FLOAT),
  DRAWS,
);

/** 1 with the given probability. */
const chance = (op: AtenBuilder, self: Value, p: Value): Value =>
  cast(op, op.Less([uniformOf(op, shapeOf(self)), p]), dtypeOf(self));
export const bernoulli = aten(
  'aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor',
  (op, { self }) => chance(op, self, cast(op, self, 'float32')),
  DRAWS,
);
export const bernoulliNumber = aten(
  'aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor',
  (op, { self, p }) => chance(op, self, num(op, p)),
  DRAWS,
);
export const bernoulliTensor = aten(
  'aten::bernoulli.Tensor(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor',
  (op, { self, p }) => chance(op, self, expandTo(op, cast(op, p, 'float32'), shapeOf(self))),
  DRAWS,
);

interface Draw {
  readonly low?: Dim;
  readonly high: Dim;
  readonly size: readonly Dim[];
  readonly dtype: Dtype;
}

/** Whole numbers from `low` to below `high`; drawn in double, where every number of the range has its turn. */
function integers(op: AtenBuilder, { low = 0, high, size, dtype }: Draw): Value {
  if (isStatic(low) && isStatic(high) && high - low > 2 ** 53)
    return op.aten.refuse('high', high, 'a range of at most 2^53 numbers');
  const [from, to] = [low, high].map((d) => op.Cast([op.dim(d)], { to: 'float64' })) as [Value, Value];
  const drawn = op.Add([op.Floor([op.Mul([uniformOf(op, size, 'float64'), op.Sub([to, from])])]), from]);
  return cast(op, isFloat(dtype) ? drawn : op.Cast([drawn], { to: 'int64' }), dtype);
}
/** Schemas print the default torch.int64 as its number, 4. */
const LONG = 'ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None';
const longUnless = (dtype: Dtype | null): Dtype => (typeof dtype === 'string' ? dtype : 'int64');
export const randint = [
  ...aten(
    `aten::randint(SymInt high, SymInt[] size, *, ${LONG}) -> Tensor`,
    (op, a) => integers(op, { ...a, dtype: longUnless(a.dtype) }),
    DRAWS,
  ),
  ...aten(
    `aten::randint.low(SymInt low, SymInt high, SymInt[] size, *, ${LONG}) -> Tensor`,
    (op, a) => integers(op, { ...a, dtype: longUnless(a.dtype) }),
    DRAWS,
  ),
  ...aten(
    `aten::randint_like(Tensor self, SymInt high, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
    (op, a) => integers(op, { high: a.high, size: shapeOf(a.self), dtype: a.dtype ?? dtypeOf(a.self) }),
    DRAWS,
  ),
  ...aten(
    `aten::randint_like.low_dtype(Tensor self, SymInt low, SymInt high, *, ${OPTIONS}, MemoryFormat? memory_format=None) -> Tensor`,
    (op, a) => integers(op, { low: a.low, high: a.high, size: shapeOf(a.self), dtype: a.dtype ?? dtypeOf(a.self) }),
    DRAWS,
  ),
];
/** The order of random numbers is a random order. */
export const randperm = aten(
  `aten::randperm(SymInt n, *, ${LONG}) -> Tensor`,
  (op, { n, dtype }) =>
    cast(op, op.TopK([uniformOf(op, [n]), op.dims([n])], { axis: 0, sorted: 1 }, 2)[1]!, longUnless(dtype)),
  DRAWS,
);

/** Gumbel noise on logarithms: the largest is a draw by weight, the k largest are k draws without putting back. */
export const multinomial = aten(
  'aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor',
  (op, { self, num_samples, replacement }) => {
    const logs = op.Log([cast(op, self, 'float32')]);
    const gumbel = (size: readonly Dim[]): Value =>
      op.Neg([op.Log([op.Add([op.Neg([op.Log([positiveUniform(op, size)])]), num(op, 1e-30)])])]);
    const last = rankOf(self) - 1;
    if (!replacement)
      return topNumbers(op, op.Add([logs, gumbel(shapeOf(self))]), {
        axis: last,
        k: op.dims([num_samples]),
        descending: true,
      })[1];
    const size = [...shapeOf(self).slice(0, -1), num_samples, shapeOf(self)[last]!];
    return op.ArgMax([op.Add([unsqueeze(op, logs, [last]), gumbel(size)])], { axis: last + 1, keepdims: 0 });
  },
  DRAWS,
);
