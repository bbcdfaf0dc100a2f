/** Activations: functions of one tensor with a few constants. */
import type { AttributeRow, OpRow } from './row.ts';
import { axisIn, broadcastShapes, commonDtype, sameAs, sameFloat, typed } from './shape-rules.ts';

/** The defaults are float32 numbers in the ONNX definition. */
const float = (value: number): AttributeRow => ({ kind: 'float', default: value });
const activation = (
  since: readonly number[],
  attributes: Readonly<Record<string, AttributeRow>> = {},
  { inputs = 'X', outputs = 'Y' }: { readonly inputs?: string; readonly outputs?: string } = {},
): OpRow => ({
  since,
  inputs,
  outputs,
  attributes,
  infer: sameFloat,
});

const alongAxis = (since: readonly number[]): OpRow => ({
  since,
  inputs: 'input',
  outputs: 'output',
  attributes: { axis: { kind: 'int', default: -1 } },
  infer: (c) => {
    axisIn(c.int('axis'), c.rank(0));
    return sameFloat(c);
  },
});

export const ACTIVATIONS = {
  Sigmoid: activation([1, 6, 13]),
  Relu: { since: [1, 6, 13, 14], inputs: 'X', infer: sameAs() },
  Softplus: activation([1, 22]),
  Softsign: activation([1, 22], {}, { inputs: 'input', outputs: 'output' }),
  Elu: activation([1, 6, 22], { alpha: float(1) }),
  Selu: activation([1, 6, 22], { alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) }),
  Celu: activation([12], { alpha: float(1) }),
  LeakyRelu: activation([1, 6, 16], { alpha: float(0.009999999776482582) }),
  ThresholdedRelu: activation([10, 22], { alpha: float(1) }),
  HardSigmoid: activation([1, 6, 22], { alpha: float(0.20000000298023224), beta: float(0.5) }),
  HardSwish: activation([14, 22]),
  Gelu: activation([20], { approximate: { kind: 'string', default: 'none' } }),
  Mish: activation([18, 22]),
  Swish: activation([24], { alpha: float(1) }),
  Shrink: {
    since: [9],
    inputs: 'input',
    outputs: 'output',
    attributes: { bias: float(0), lambd: float(0.5) },
    infer: sameAs(),
  },
  Clip: {
    since: [1, 6, 11, 12, 13],
    inputs: 'input min? max?',
    outputs: 'output',
    attributes: {
      min: { kind: 'float', optional: true, until: 11 },
      max: { kind: 'float', optional: true, until: 11 },
    },
    infer: (c) => {
      commonDtype(c);
      for (const bound of [1, 2])
        if (c.has(bound) && c.rank(bound) !== 0) throw new Error('the bounds of Clip are scalars');
      return { type: c.type(0) };
    },
  },
  PRelu: {
    since: [1, 6, 7, 9, 16],
    inputs: 'X slope',
    infer: (c) => {
      // The slope broadcasts to X and never the other way round.
      if (c.rank(1) > c.rank(0)) throw new Error('the slope of PRelu has a higher rank than its input');
      broadcastShapes([c.shape(0), c.shape(1)], () => c.unknownDim());
      return typed(commonDtype(c), c.shape(0));
    },
  },
  Softmax: alongAxis([1, 11, 13]),
  LogSoftmax: alongAxis([1, 11, 13]),
  Hardmax: alongAxis([1, 11, 13]),
} as const satisfies Record<string, OpRow>;
