/** ATen batch normalization with its statistics as outputs. Channels are axis 1. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf } from '../../shape.ts';
import { batchNormalize } from './normalization.ts';
import { countOf } from '../reduce/reduction.ts';

interface Layer {
  readonly input: Value;
  readonly weight: Value | null;
  readonly bias: Value | null;
  readonly running_mean: Value | null;
  readonly running_var: Value | null;
  readonly momentum: number;
  readonly eps: number;
}

interface Statistics {
  readonly output: Value;
  readonly mean: Value;
  readonly deviation: Value;
  readonly running: readonly (Value | null)[];
}

const empty = (op: AtenBuilder, x: Value): Value => filledTensor(op, [0], dtypeOf(x), 0);

/**
 * With the statistics of this batch; running ones move towards them by `momentum` (the variance by its unbiased
 * estimate).
 */
function trained(op: AtenBuilder, a: Layer): Statistics {
  const x = a.input;
  const dtype = dtypeOf(x);
  const channels = [shapeOf(x)[1]!];
  const axes = shapeOf(x)
    .map((_, i) => i)
    .filter((i) => i !== 1);
  const averaged = (v: Value): Value => op.ReduceMean([v, op.ints(axes)], { keepdims: 1 });
  const mean = averaged(x);
  const centred = op.Sub([x, mean]);
  const variance = averaged(op.Mul([centred, centred]));
  const inverse = op.Reciprocal([op.Sqrt([op.Add([variance, op.scalar(dtype, a.eps)])])]);
  const wide = (v: Value): Value => reshape(op, v, [channels[0]!, ...new Array<Dim>(rankOf(x) - 2).fill(1)]);
  const normal = op.Mul([centred, inverse]);
  const scaled = a.weight ? op.Mul([normal, wide(a.weight)]) : normal;
  const vector = (v: Value): Value => reshape(op, v, channels);
  const count = countOf(op, x, axes, dtype);
  const unbiased = op.Mul([vector(variance), op.Div([count, op.Sub([count, op.scalar(dtype, 1)])])]);
  const moved = (old: Value | null, now: Value): Value | null =>
    old && op.Add([op.Mul([old, op.scalar(dtype, 1 - a.momentum)]), op.Mul([now, op.scalar(dtype, a.momentum)])]);
  return {
    output: a.bias ? op.Add([scaled, wide(a.bias)]) : scaled,
    mean: vector(mean),
    deviation: vector(inverse),
    running: [moved(a.running_mean, vector(mean)), moved(a.running_var, unbiased)],
  };
}

function requireUsable(op: AtenBuilder, a: Layer): void {
  const types = [a.weight, a.bias, a.running_mean, a.running_var].filter((v) => v !== null).map(dtypeOf);
  const odd = types.find((t) => t !== dtypeOf(a.input));
  if (odd) op.aten.refuse('weight', odd, `parameters of the input's type ${dtypeOf(a.input)}`);
  if (mulDims(...shapeOf(a.input)) === 0) op.aten.refuse('input', 'no elements', 'inputs with elements');
}

function normalized(op: AtenBuilder, a: Layer, { training }: { readonly training: boolean }): Statistics {
  requireUsable(op, a);
  if (training) {
    op.aten.warn(
      'a batch normalization was exported in training mode: it uses the statistics of each batch; call ' +
        'model.eval() before exporting if that is not meant',
    );
    return trained(op, a);
  }
  if (!a.running_mean || !a.running_var)
    return op.aten.refuse('running_mean', 'None', 'running statistics in eval mode');
  return {
    output: batchNormalize(op, a.input, a),
    mean: empty(op, a.input),
    deviation: empty(op, a.input),
    running: [a.running_mean, a.running_var].map((v) => op.Identity([v])),
  };
}

const three = ({ output, mean, deviation }: Statistics): Value[] => [output, mean, deviation];

export const native_batch_norm = aten(
  'aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
  (op, a) => three(normalized(op, a, a)),
);
/** Without running statistics these are what instance normalization becomes: no sign of training. */
export const _native_batch_norm_legit = aten(
  'aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
  (op, a) => {
    const layer = { ...a, running_mean: null, running_var: null };
    requireUsable(op, layer);
    return three(trained(op, layer));
  },
);
export const _native_batch_norm_legit_functional = aten(
  'aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor running_mean_out, Tensor running_var_out)',
  (op, a) => {
    const s = normalized(op, a, a);
    return [...three(s), ...s.running];
  },
);
/** The fourth output is a reserve that only other devices fill. */
export const _batch_norm_with_update_functional = aten(
  'aten::_batch_norm_with_update_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor, Tensor running_mean_out, Tensor running_var_out)',
  (op, a) => {
    const s = normalized(op, a, { training: true });
    return [...three(s), filledTensor(op, [0], 'uint8', 0), ...s.running];
  },
);
