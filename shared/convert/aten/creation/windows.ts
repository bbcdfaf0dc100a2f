/** ATen window functions of fixed length, as ATen computes them: in double, rounded to the type at the end. */
import { DTYPES, isFloat, type Dtype } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { DEFAULT_FLOAT } from '../../promote.ts';
import { OPTIONS } from '../../tensor-options.ts';

interface Window {
  readonly window_length: number;
  readonly periodic: boolean;
  readonly dtype: Dtype | null;
}

/** Element i of `intervals + 1` in a symmetric window. */
type Formula = (i: number, intervals: number) => number;

/** A periodic window is a symmetric one that is longer by one, without its last element. */
function windowed(op: AtenBuilder, { window_length, periodic, dtype }: Window, formula: Formula): Value {
  const type = dtype ?? DEFAULT_FLOAT;
  if (!isFloat(type) || DTYPES[type].bits < 16) return op.aten.refuse('dtype', type, 'floating-point types');
  if (window_length < 0) return op.aten.refuse('window_length', window_length, 'a length of at least 0');
  const intervals = window_length - (periodic ? 0 : 1);
  const at = (i: number): number => (window_length === 1 ? 1 : formula(i, intervals));
  return op.tensor(
    type,
    [window_length],
    Float64Array.from({ length: window_length }, (_, i) => at(i)),
  );
}

const cosine =
  (alpha: number, beta: number): Formula =>
  (i, intervals) =>
    alpha - beta * Math.cos((2 * Math.PI * i) / intervals);

const bartlett: Formula = (i, intervals) => {
  const height = (2 * i) / intervals;
  return i > intervals >> 1 ? 2 - height : height;
};

const blackman: Formula = (i, intervals) => {
  const angle = (Math.PI * i) / intervals;
  return 0.42 - 0.5 * Math.cos(2 * angle) + 0.08 * Math.cos(4 * angle);
};

/** The modified Bessel function of the first kind and order 0, by its power series (Abramowitz and Stegun, 9.6.12). */
function besselI0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * Number.EPSILON; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const kaiser =
  (beta: number): Formula =>
  (i, intervals) =>
    besselI0(beta * Math.sqrt(Math.max(0, 1 - ((2 * i) / intervals - 1) ** 2))) / besselI0(beta);

/** As in numpy and PyTorch. */
const [HAMMING, KAISER_BETA] = [{ alpha: 0.54, beta: 0.46 }, 12] as const;

const PLAIN = { hann: cosine(0.5, 0.5), hamming: cosine(HAMMING.alpha, HAMMING.beta), bartlett, blackman } as const;

const plain = (name: keyof typeof PLAIN) => [
  ...aten(`aten::${name}_window(int window_length, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    windowed(op, { ...a, periodic: true }, PLAIN[name]),
  ),
  ...aten(`aten::${name}_window.periodic(int window_length, bool periodic, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    windowed(op, a, PLAIN[name]),
  ),
];
export const plainWindows = [...plain('hann'), ...plain('hamming'), ...plain('bartlett'), ...plain('blackman')];

export const hamming = [
  ...aten(
    `aten::hamming_window.periodic_alpha(int window_length, bool periodic, float alpha, *, ${OPTIONS}) -> Tensor`,
    (op, a) => windowed(op, a, cosine(a.alpha, HAMMING.beta)),
  ),
  ...aten(
    `aten::hamming_window.periodic_alpha_beta(int window_length, bool periodic, float alpha, float beta, *, ${OPTIONS}) -> Tensor`,
    (op, a) => windowed(op, a, cosine(a.alpha, a.beta)),
  ),
];

export const kaisers = [
  ...aten(`aten::kaiser_window(int window_length, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    windowed(op, { ...a, periodic: true }, kaiser(KAISER_BETA)),
  ),
  ...aten(`aten::kaiser_window.periodic(int window_length, bool periodic, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    windowed(op, a, kaiser(KAISER_BETA)),
  ),
  ...aten(`aten::kaiser_window.beta(int window_length, bool periodic, float beta, *, ${OPTIONS}) -> Tensor`, (op, a) =>
    windowed(op, a, kaiser(a.beta)),
  ),
];
