/** Activations from their formulas. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { FAULTS } from '../runtime-facts/faults.ts';
import { around, constantLike, type Forms } from './form.ts';

export const ACTIVATION_FORMS: Forms = {
  Relu: [around(FAULTS.reluOfIntegers, { write: (c, op) => op.Max([c.input(0), constantLike(op, c.input(0), 0)]) })],
  HardSwish: [
    { below: 14, write: (c, op) => op.Mul([c.input(0), op.HardSigmoid([c.input(0)], { alpha: 1 / 6, beta: 0.5 })]) },
  ],
  Mish: [{ below: 18, write: (c, op) => op.Mul([c.input(0), op.Tanh([op.Softplus([c.input(0)])])]) }],
  Gelu: [{ below: 20, write: (c, op) => (c.string('approximate') === 'tanh' ? tanhGelu : exactGelu)(op, c.input(0)) }],
  Swish: [
    around(FAULTS.swishByOpset, {
      write: (c, op) => {
        const x = c.input(0);
        const alpha = c.float('alpha');
        return op.Mul([x, op.Sigmoid([alpha === 1 ? x : op.Mul([x, constantLike(op, x, alpha)])])]);
      },
    }),
  ],
};

/** x / 2 (1 + erf(x / √2)), in the order that onnxruntime recognizes and fuses. */
function exactGelu(op: Builder, x: Value): Value {
  const cumulative = op.Add([op.Erf([op.Div([x, constantLike(op, x, Math.SQRT2)])]), constantLike(op, x, 1)]);
  return op.Mul([op.Mul([x, cumulative]), constantLike(op, x, 0.5)]);
}

/** x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))) */
function tanhGelu(op: Builder, x: Value): Value {
  const cubic = op.Mul([op.Mul([op.Mul([x, x]), x]), constantLike(op, x, 0.044715)]);
  const inner = op.Mul([op.Add([x, cubic]), constantLike(op, x, Math.sqrt(2 / Math.PI))]);
  return op.Mul([op.Mul([x, op.Add([op.Tanh([inner]), constantLike(op, x, 1)])]), constantLike(op, x, 0.5)]);
}
