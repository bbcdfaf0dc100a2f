/** Fourier transforms and windows from their formulas. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OpCall } from '../schema/row.ts';
import { axisIn } from '../schema/shape-rules.ts';
import { castTo, type Form, type Forms } from './form.ts';
import { fourierTransform, shortTimeFourierTransform } from './fourier.ts';

export const SIGNAL_FORMS: Forms = {
  HannWindow: [{ below: 17, write: (c, op) => window(c, op, [0.5, 0.5]) }],
  HammingWindow: [{ below: 17, write: (c, op) => window(c, op, [25 / 46, 21 / 46]) }],
  BlackmanWindow: [{ below: 17, write: (c, op) => window(c, op, [0.42, 0.5, 0.08]) }],
  STFT: [{ below: 17, write: shortTimeFourierTransform }],
  DFT: [
    { below: 17, write: fourierTransform },
    // Transforms back to real numbers came with opset 20.
    { below: 20, when: (c) => c.int('onesided') === 1 && c.int('inverse') === 1, write: fourierTransform },
    axisAttribute(),
  ],
};

function axisAttribute(): Form {
  return {
    below: 20,
    write(c, op) {
      const axis = axisIn(
        c.has(2)
          ? (c.numbers(2)?.[0] ?? op.refuse('DFT', 'an axis computed while the model runs exists since opset 20'))
          : -2,
        c.rank(0),
      );
      return op.node('DFT', [c.input(0), c.inputs[1] ?? null], { ...c.given(), axis })[0]!;
    },
  };
}

/** Sum of (-1)^k a_k cos(2πkn / N), with N the size, or one less for a symmetric window. */
function window(c: OpCall, op: Builder, coefficients: readonly number[]): Value {
  const dtype = c.dtype('output_datatype');
  const less = c.int('periodic') ? 0 : 1;
  const size = c.numbers(0)?.[0];
  if (size !== undefined) {
    const step = (2 * Math.PI) / Math.max(size - less, 1);
    const values = Array.from({ length: size }, (_, n) =>
      coefficients.reduce((sum, a, k) => sum + (-1) ** k * a * Math.cos(step * k * n), 0),
    );
    return op.tensor(dtype, [size], values);
  }
  const number = (value: number): Value => op.scalar('float64', value);
  const count = castTo(op, c.input(0), 'int64');
  const places = op.Cast([op.Range([op.scalar('int64', 0), count, op.scalar('int64', 1)])], { to: 'float64' });
  const period = op.Max([op.Sub([op.Cast([count], { to: 'float64' }), number(less)]), number(1)]);
  const angle = op.Div([op.Mul([places, number(2 * Math.PI)]), period]);
  const terms = coefficients
    .slice(1)
    .map((a, i) => op.Mul([op.Cos([op.Mul([angle, number(i + 1)])]), number((-1) ** (i + 1) * a)]));
  return castTo(
    op,
    terms.reduce((a, b) => op.Add([a, b]), number(coefficients[0]!)),
    dtype,
  );
}
