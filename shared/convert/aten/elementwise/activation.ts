/** ATen activations. */
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, floatOf, scalarOf, knownNumber } from '../../promote.ts';
import { axisOf, rankOf, reshape, shapeOf } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';

const numberOf = (op: AtenBuilder, value: ScalarArg, argument: string): number =>
  knownNumber(value) ?? op.aten.refuse(argument, value.kind, 'a number in the file');

export const relu6 = aten('aten::relu6(Tensor self) -> Tensor', (op, { self }) => clipped(op, self, 0, 6));
export const hardtanh = aten(
  'aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor',
  (op, { self, min_val, max_val }) =>
    clipped(op, self, numberOf(op, min_val, 'min_val'), numberOf(op, max_val, 'max_val')),
);
const clipped = (op: AtenBuilder, x: Value, low: number, high: number): Value =>
  op.Clip([x, bound(op, x, low), bound(op, x, high)]);
/** Cut off for integers, as PyTorch does. */
const bound = (op: AtenBuilder, x: Value, value: number): Value => scalarOf(op, { kind: 'float', value }, dtypeOf(x));

/** Written as x * sigmoid(x), which every runtime fuses or computes well. */
export const silu = aten('aten::silu(Tensor self) -> Tensor', (op, { self }) =>
  isMet(FAULTS.fusedSilu, dtypeOf(self))
    ? op.Div([self, op.Add([op.Exp([op.Neg([self])]), op.scalar(dtypeOf(self), 1)])])
    : op.Mul([self, op.Sigmoid([self])]),
);
export const gelu = aten('aten::gelu(Tensor self, *, str approximate="none") -> Tensor', (op, { self, approximate }) =>
  op.Gelu([self], { approximate }),
);
export const mish = aten('aten::mish(Tensor self) -> Tensor', (op, { self }) => op.Mish([self]));
export const hardswish = aten('aten::hardswish(Tensor self) -> Tensor', (op, { self }) => op.HardSwish([self]));
/** PyTorch clamps x + 3 to 6 and divides by 6. */
export const hardsigmoid = aten('aten::hardsigmoid(Tensor self) -> Tensor', (op, { self }) =>
  op.HardSigmoid([self], { alpha: 1 / 6, beta: 0.5 }),
);
/** min(0, x) - log(1 + exp(-|x|)), without overflow on either side; and that exponential. */
function logSigmoid(op: AtenBuilder, self: Value): [Value, Value] {
  const dtype = dtypeOf(self);
  const tail = op.Exp([op.Neg([op.Abs([self])])]);
  const log = op.Log([op.Add([tail, op.scalar(dtype, 1)])]);
  return [op.Sub([op.Min([self, op.scalar(dtype, 0)]), log]), tail];
}
export const log_sigmoid = [
  ...aten('aten::log_sigmoid(Tensor self) -> Tensor', (op, { self }) => logSigmoid(op, self)[0]),
  ...aten('aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer)', (op, { self }) =>
    logSigmoid(op, self),
  ),
];
export const leaky_relu = aten(
  'aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor',
  (op, { self, negative_slope }) => op.LeakyRelu([self], { alpha: numberOf(op, negative_slope, 'negative_slope') }),
);
/** Random slopes in training mode; their mean otherwise. */
export const rrelu = aten(
  'aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator? generator=None) -> Tensor',
  (op, { self, lower, upper, training }) => {
    if (training) return op.aten.refuse('training', true, 'a model in eval mode');
    return op.LeakyRelu([self], { alpha: (numberOf(op, lower, 'lower') + numberOf(op, upper, 'upper')) / 2 });
  },
);
export const prelu = aten(
  ['aten::prelu(Tensor self, Tensor weight) -> Tensor', 'aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor'],
  (op, { self, weight }) => {
    // One slope, or one a channel (axis 1): shape it to broadcast.
    const spatial = rankOf(self) - 2;
    const slope =
      rankOf(weight) === 1 && shapeOf(weight)[0] !== 1 && spatial > 0
        ? reshape(op, weight, [shapeOf(weight)[0]!, ...new Array<number>(spatial).fill(1)])
        : weight;
    const scalar = rankOf(self) === 0 ? reshape(op, slope, []) : slope;
    return op.PRelu([self, scalar]);
  },
);

interface Exponential {
  readonly alpha: number;
  readonly scale: number;
  readonly input_scale: number;
}

function exponential(op: AtenBuilder, x: Value, { alpha, scale, input_scale }: Exponential): Value {
  const dtype = dtypeOf(x);
  const negative = op.Mul([
    op.scalar(dtype, alpha * scale),
    op.Sub([op.Exp([op.Mul([x, op.scalar(dtype, input_scale)])]), op.scalar(dtype, 1)]),
  ]);
  // Where keeps the sign of a zero in its last operand.
  return op.Where([op.Less([x, op.scalar(dtype, 0)]), negative, op.Mul([x, op.scalar(dtype, scale)])]);
}
export const elu = aten(
  'aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor',
  (op, { self, alpha, scale, input_scale }) => {
    const [a, s, i] = [
      numberOf(op, alpha, 'alpha'),
      numberOf(op, scale, 'scale'),
      numberOf(op, input_scale, 'input_scale'),
    ];
    return s === 1 && i === 1
      ? op.Elu([self], { alpha: a })
      : exponential(op, self, { alpha: a, scale: s, input_scale: i });
  },
);
export const celu = aten('aten::celu(Tensor self, Scalar alpha=1.0) -> Tensor', (op, { self, alpha }) => {
  const a = numberOf(op, alpha, 'alpha');
  return exponential(op, self, { alpha: a, scale: 1, input_scale: 1 / a });
});
export const selu = aten('aten::selu(Tensor self) -> Tensor', (op, { self }) =>
  exponential(op, self, { alpha: 1.6732632423543772, scale: 1.0507009873554805, input_scale: 1 }),
);
export const softplus = aten(
  'aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor',
  (op, { self, beta, threshold }) => {
    const dtype = dtypeOf(self);
    const scaled = op.Mul([self, scalarOf(op, beta, dtype)]);
    const soft = op.Div([op.Softplus([scaled]), scalarOf(op, beta, dtype)]);
    return op.Where([op.Greater([scaled, scalarOf(op, threshold, dtype)]), self, soft]);
  },
);
export const hardshrink = aten('aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor', (op, { self, lambd }) => {
  const dtype = dtypeOf(self);
  return op.Where([op.LessOrEqual([op.Abs([self]), scalarOf(op, lambd, dtype)]), op.scalar(dtype, 0), self]);
});
export const softshrink = aten('aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor', (op, { self, lambd }) => {
  const dtype = dtypeOf(self);
  const size = op.Max([op.Sub([op.Abs([self]), scalarOf(op, lambd, dtype)]), op.scalar(dtype, 0)]);
  return op.Mul([op.Sign([self]), size]);
});
export const threshold = aten(
  'aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor',
  (op, { self, threshold, value }) => {
    const dtype = dtypeOf(self);
    return op.Where([op.LessOrEqual([self, scalarOf(op, threshold, dtype)]), scalarOf(op, value, dtype), self]);
  },
);

// ONNX has no Glu: halve along `dim`, gate the first half with the second.
export const glu = aten('aten::glu(Tensor self, int dim=-1) -> Tensor', (op, { self, dim }) => {
  const [value, gate] = op.Split([self], { axis: axisOf(op, dim, rankOf(self)), num_outputs: 2 }, 2) as [Value, Value];
  return op.Mul([value, op.Sigmoid([gate])]);
});

export const logit = aten(
  [
    'aten::logit(Tensor self, float? eps=None) -> Tensor',
    'aten::special_logit(Tensor self, float? eps=None) -> Tensor',
  ],
  (op, { self, eps }) => {
    const x = cast(op, self, floatOf(dtypeOf(self)));
    const dtype = dtypeOf(x);
    // PyTorch holds x against the lower bound first, which counts where the bounds cross.
    const low = (): Value => op.scalar(dtype, eps!);
    const crossed = (): Value => op.Where([op.Less([x, low()]), low(), op.Min([x, op.scalar(dtype, 1 - eps!)])]);
    const inside = eps === null ? x : eps > 0.5 ? crossed() : clipped(op, x, eps, 1 - eps);
    return op.Log([op.Div([inside, op.Sub([op.scalar(dtype, 1), inside])])]);
  },
);
