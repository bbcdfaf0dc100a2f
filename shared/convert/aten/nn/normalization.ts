/** ATen normalization layers. */
import { type Dim, divideExactly, floorDivDims, isStatic, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { filledTensor, rankOf, reshape, shapeOf, staticSize } from '../../shape.ts';
import { reduce } from '../reduce/reduction.ts';

const ones = (op: AtenBuilder, x: Value, dims: readonly Dim[]): Value => filledTensor(op, dims, dtypeOf(x), 1);
const zeros = (op: AtenBuilder, x: Value, dims: readonly Dim[]): Value => filledTensor(op, dims, dtypeOf(x), 0);

/** A vector of channels, shaped to broadcast over (N, C, ...). */
const perChannel = (op: AtenBuilder, vector: Value, x: Value): Value =>
  reshape(op, vector, [shapeOf(x)[1]!, ...new Array<Dim>(rankOf(x) - 2).fill(1)]);

interface BatchNorm {
  readonly weight: Value | null;
  readonly bias: Value | null;
  readonly running_mean: Value | null;
  readonly running_var: Value | null;
  readonly eps: number;
}

/** With the statistics of the batch itself, as a layer in training mode computes. */
function normalizeByBatch(op: AtenBuilder, x: Value, { weight, bias, eps }: BatchNorm): Value {
  const axes = shapeOf(x)
    .map((_, i) => i)
    .filter((i) => i !== 1);
  return scaleAndShift(op, standardized(op, x, axes, eps), weight, bias);
}

/** Where the axes are empty, so is the result: no mean of nothing is seen. */
function standardized(op: AtenBuilder, x: Value, axes: readonly number[], eps: number): Value {
  const averaged = (v: Value): Value => op.ReduceMean([v, op.ints(axes)], { keepdims: 1 });
  const centred = op.Sub([x, averaged(x)]);
  const variance = averaged(op.Mul([centred, centred]));
  return op.Div([centred, op.Sqrt([op.Add([variance, op.scalar(dtypeOf(x), eps)])])]);
}

function scaleAndShift(op: AtenBuilder, x: Value, weight: Value | null, bias: Value | null): Value {
  const scaled = weight ? op.Mul([x, perChannel(op, weight, x)]) : x;
  return bias ? op.Add([scaled, perChannel(op, bias, x)]) : scaled;
}

export function batchNormalize(
  op: AtenBuilder,
  x: Value,
  norm: BatchNorm,
  { training = false }: { readonly training?: boolean } = {},
): Value {
  if (training || !norm.running_mean || !norm.running_var) {
    if (training)
      op.aten.warn(
        'a batch normalization was exported in training mode: it uses the statistics of each batch; call ' +
          'model.eval() before exporting if that is not meant',
      );
    return normalizeByBatch(op, x, norm);
  }
  const channels = [shapeOf(norm.running_mean)[0]!];
  return op.BatchNormalization(
    [x, norm.weight ?? ones(op, x, channels), norm.bias ?? zeros(op, x, channels), norm.running_mean, norm.running_var],
    { epsilon: norm.eps },
  );
}
export const batch_norm = aten(
  'aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor',
  (op, a) => batchNormalize(op, a.input, a, a),
);
/** Eval mode only: the saved statistics it also returns are empty then. */
export const _native_batch_norm_legit_no_training = aten(
  'aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)',
  (op, a) => [batchNormalize(op, a.input, a), zeros(op, a.input, [0]), zeros(op, a.input, [0])],
);

interface LayerNorm {
  readonly normalized_shape: readonly Dim[];
  readonly weight: Value | null;
  readonly bias: Value | null;
  readonly eps: number;
}

export function layerNormalize(op: AtenBuilder, x: Value, { normalized_shape, weight, bias, eps }: LayerNorm): Value {
  if (normalized_shape.includes(0)) return op.Identity([x]);
  return op.LayerNormalization([x, weight ?? ones(op, x, normalized_shape), bias], {
    axis: -normalized_shape.length,
    epsilon: eps,
  });
}
export const layer_norm = aten(
  'aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True) -> Tensor',
  (op, a) => layerNormalize(op, a.input, a),
);
export const native_layer_norm = aten(
  'aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)',
  (op, a) => {
    const axes = a.normalized_shape.map((_, i) => rankOf(a.input) - a.normalized_shape.length + i);
    const averaged = (v: Value): Value => op.ReduceMean([v, op.ints(axes)], { keepdims: 1 });
    const mean = averaged(a.input);
    const centred = op.Sub([a.input, mean]);
    const variance = averaged(op.Mul([centred, centred]));
    const deviation = op.Reciprocal([op.Sqrt([op.Add([variance, op.scalar(dtypeOf(a.input), a.eps)])])]);
    return [layerNormalize(op, a.input, a), mean, deviation];
  },
);

/** Machine epsilon, which rms_norm takes when none is given. */
const EPSILON: Readonly<Record<string, number>> = {
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
  float32: 2 ** -23,
  float64: 2 ** -52,
};
export const rms_norm = aten(
  'aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor',
  (op, { input, normalized_shape, weight, eps }) =>
    op.RMSNormalization([input, weight ?? ones(op, input, normalized_shape)], {
      axis: -normalized_shape.length,
      epsilon: eps ?? EPSILON[dtypeOf(input)]!,
    }),
);

export const group_norm = aten(
  'aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enabled=True) -> Tensor',
  (op, { input, num_groups, weight, bias, eps }) => {
    const channels = [shapeOf(input)[1]!];
    if (isMet(FAULTS.groupsOfNothing, dtypeOf(input)) && shapeOf(input).some((d) => op.aten.canBeZero(d)))
      return scaleAndShift(op, normalizeGroups(op, input, num_groups, eps), weight, bias);
    return op.GroupNormalization([input, weight ?? ones(op, input, channels), bias ?? zeros(op, input, channels)], {
      num_groups,
      epsilon: eps,
    });
  },
);

/** What GroupNormalization computes, of nothing too. */
function normalizeGroups(op: AtenBuilder, input: Value, groups: number, eps: number): Value {
  const [batch, ...rest] = shapeOf(input) as [Dim, ...Dim[]];
  const elements = mulDims(...rest);
  const each = divideExactly(elements, groups) ?? floorDivDims(elements, groups);
  const dtype = dtypeOf(input) === 'float64' ? 'float64' : 'float32';
  const shape = isStatic(each) && each > 0 ? op.ints([-1, groups, each]) : op.dims([batch, groups, each]);
  const grouped = op.Reshape([cast(op, input, dtype), shape], { allowzero: isStatic(each) && each > 0 ? 0 : 1 });
  const normal = standardized(op, grouped, [2], eps);
  return cast(op, op.Reshape([normal, op.Shape([input])], { allowzero: 1 }), dtypeOf(input));
}

export const native_group_norm = aten(
  'aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int group, float eps) -> (Tensor, Tensor, Tensor)',
  (op, { input, weight, bias, N, C, HxW, group, eps }) => {
    const grouped = reshape(op, input, [N, group, divideExactly(mulDims(C, HxW), group) ?? staticSize(op, C, 'C')]);
    const mean = reduce(op, 'ReduceMean', grouped, { axes: [2], keepdim: true });
    const centred = op.Sub([grouped, mean]);
    const variance = reduce(op, 'ReduceMean', op.Mul([centred, centred]), { axes: [2], keepdim: true });
    const deviation = op.Reciprocal([op.Sqrt([op.Add([variance, op.scalar(dtypeOf(input), eps)])])]);
    const normal = scaleAndShift(op, reshape(op, op.Mul([centred, deviation]), shapeOf(input)), weight, bias);
    return [normal, reshape(op, mean, [N, group]), reshape(op, deviation, [N, group])];
  },
);

export const instance_norm = aten(
  'aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor',
  (op, a) => {
    if (!a.use_input_stats) return batchNormalize(op, a.input, a);
    const axes = shapeOf(a.input)
      .map((_, i) => i)
      .slice(2);
    return scaleAndShift(op, standardized(op, a.input, axes, a.eps), a.weight, a.bias);
  },
);

export const _weight_norm = aten('aten::_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor', (op, { v, g, dim }) => {
  const axes = shapeOf(v)
    .map((_, i) => i)
    .filter((i) => dim === -1 || i !== dim);
  return op.Mul([v, op.Div([g, reduce(op, 'ReduceL2', v, { axes, keepdim: true })])]);
});
export const _weight_norm_interface = aten(
  'aten::_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> (Tensor, Tensor)',
  (op, { v, g, dim }) => {
    const axes = shapeOf(v)
      .map((_, i) => i)
      .filter((i) => i !== dim);
    const norm = reduce(op, 'ReduceL2', v, { axes, keepdim: true });
    return [op.Mul([v, op.Div([g, norm])]), norm];
  },
);

/** In eval mode dropout changes nothing; a file that still drops was exported in training mode. */
const kept = (op: AtenBuilder, x: Value, train: boolean, p: number): Value => {
  if (train && p === 1) return op.Mul([x, op.scalar(dtypeOf(x), 0)]);
  if (train)
    op.aten.warn(
      'dropout was exported in training mode; it is written as no dropout. Call model.eval() before exporting',
    );
  return op.Identity([x]);
};
export const dropout = aten(
  [
    'aten::dropout(Tensor input, float p, bool train) -> Tensor',
    'aten::feature_dropout(Tensor input, float p, bool train) -> Tensor',
    'aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor',
    'aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor',
  ],
  (op, { input, p, train }) => kept(op, input, train && p > 0, p),
);
