/**
 * Which kernels onnxruntime's CPU provider has, found by running every operator in opsets 13 to 26. `probedOn` is its
 * version.
 */
interface Kernels {
  readonly probedOn: string;
  readonly operators: ReadonlySet<string>;
}

const kernels = (probedOn: string, operators: string): Kernels => ({
  probedOn,
  operators: new Set(operators.trim().split(/\s+/)),
});

/** Operators that move elements without looking at them, and those that hold graphs, have them; no others have. */
export const WITH_BFLOAT16: Kernels = kernels(
  '1.30',
  `Identity Cast Shape Reshape Flatten Transpose Squeeze Unsqueeze Concat Split Slice Gather GatherElements GatherND
  ScatterND If Loop Scan`,
);

/** Most of them load all the same, between casts that onnxruntime puts there. */
export const WITHOUT_FLOAT16: Kernels = kernels(
  '1.30',
  'Bernoulli Celu CumSum MaxRoiPool MeanVarianceNormalization RandomNormalLike RandomUniformLike Range RoiAlign',
);

export const WITHOUT_FLOAT64: Kernels = kernels(
  '1.30',
  `Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Tan Erf Gelu Mish Celu Elu Selu HardSigmoid HardSwish LeakyRelu PRelu
  Softplus Softsign ThresholdedRelu
  AveragePool Bernoulli Col2Im Conv ConvTranspose Det GRU GlobalAveragePool GlobalMaxPool InstanceNormalization LRN LSTM
  LpPool MaxRoiPool Mean MeanVarianceNormalization QuantizeLinear RNN Resize RoiAlign`,
);

/** As above, for operators whose result tells the type: their first input is of another. */
export const WITHOUT_FLOAT64_RESULT: Kernels = kernels('1.30', 'OneHot DequantizeLinear');

/** The last opset whose random operators have kernels: those of 22 have none. */
export const RANDOM_UNTIL = { probedOn: '1.30', opset: 21 } as const;

/** An opset for each operator. */
interface Opsets {
  readonly probedOn: string;
  readonly opsets: Readonly<Record<string, number>>;
}

/** The opset since which an operator may carry bfloat16, where that is later than the type itself. */
export const BFLOAT16_SINCE: Opsets = { probedOn: '1.30', opsets: { Loop: 16, Scan: 16 } };

/** The opset since which an operator has a kernel for float64. */
export const FLOAT64_SINCE: Opsets = { probedOn: '1.30', opsets: { GridSample: 20 } };

/** The last opset whose version of an operator has a kernel. */
export const KERNEL_UNTIL: Opsets = { probedOn: '1.30', opsets: { MaxRoiPool: 21, RoiAlign: 21 } };
