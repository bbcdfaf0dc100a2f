/** ATen losses and distances. */
import type { Value } from '../../../onnx/ir.ts';
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf, promoted, promotedToFloat } from '../../promote.ts';
import { axisOf, commonShape, expandTo, rankOf, reshape, shapeOf, staticSize, unsqueeze } from '../../shape.ts';
import { num, positive, reduced } from './loss-terms.ts';
import { vectorNorm } from '../reduce/norm.ts';
import { reduce } from '../reduce/reduction.ts';

const difference = (op: AtenBuilder, a: Value, b: Value): Value => op.Sub(promoted(op, [a, b]));

export const mse_loss = aten(
  'aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor',
  (op, { self, target, reduction }) => {
    const d = difference(op, self, target);
    return reduced(op, op.Mul([d, d]), reduction);
  },
);
export const l1_loss = aten(
  'aten::l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor',
  (op, { self, target, reduction }) => reduced(op, op.Abs([difference(op, self, target)]), reduction),
);

/** Quadratic below `limit`, linear above. */
function rounded(
  op: AtenBuilder,
  self: Value,
  target: Value,
  { limit, scale }: { readonly limit: number; readonly scale: number },
): Value {
  const size = op.Abs([difference(op, self, target)]);
  const square = op.Mul([op.Mul([size, size]), num(op, size, 0.5 * scale)]);
  const line = op.Mul([op.Sub([size, num(op, size, 0.5 * limit)]), num(op, size, limit * scale)]);
  return op.Where([op.Less([size, num(op, size, limit)]), square, line]);
}
export const huber_loss = aten(
  'aten::huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.0) -> Tensor',
  (op, { self, target, reduction, delta }) =>
    reduced(op, rounded(op, self, target, { limit: delta, scale: 1 }), reduction),
);
export const smooth_l1_loss = aten(
  'aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.0) -> Tensor',
  (op, { self, target, reduction, beta }) =>
    reduced(
      op,
      beta === 0 ? op.Abs([difference(op, self, target)]) : rounded(op, self, target, { limit: beta, scale: 1 / beta }),
      reduction,
    ),
);
export const soft_margin_loss = aten(
  'aten::soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor',
  (op, { self, target, reduction }) => reduced(op, op.Softplus([op.Neg([op.Mul([target, self])])]), reduction),
);

export const binary_cross_entropy = aten(
  'aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor',
  (op, { self, target, weight, reduction }) => {
    // PyTorch clamps the logarithms at -100.
    const log = (x: Value): Value => op.Max([op.Log([x]), num(op, x, -100)]);
    const one = num(op, self, 1);
    const loss = op.Neg([
      op.Add([op.Mul([target, log(self)]), op.Mul([op.Sub([one, target]), log(op.Sub([one, self]))])]),
    ]);
    return reduced(op, weight ? op.Mul([loss, weight]) : loss, reduction);
  },
);
/** log(sigmoid(x)) without overflow on either side. */
const logSigmoid = (op: AtenBuilder, x: Value): Value =>
  op.Sub([op.Min([x, num(op, x, 0)]), op.Log([op.Add([op.Exp([op.Neg([op.Abs([x])])]), num(op, x, 1)])])]);
export const binary_cross_entropy_with_logits = aten(
  'aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor',
  (op, { self, target, weight, pos_weight, reduction }) => {
    const log = logSigmoid(op, self);
    const one = num(op, self, 1);
    const scaled = pos_weight ? op.Mul([log, op.Add([op.Mul([op.Sub([pos_weight, one]), target]), one])]) : log;
    const loss = op.Sub([op.Mul([op.Sub([one, target]), self]), scaled]);
    return reduced(op, weight ? op.Mul([loss, weight]) : loss, reduction);
  },
);
export const kl_div = aten(
  'aten::kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor',
  (op, { self, target, reduction, log_target }) => {
    if (log_target) return reduced(op, op.Mul([op.Exp([target]), op.Sub([target, self])]), reduction);
    const zero = num(op, target, 0);
    // 0 log 0 is 0.
    const entropy = op.Where([op.Equal([target, zero]), zero, op.Mul([target, op.Log([target])])]);
    return reduced(op, op.Sub([entropy, op.Mul([target, self])]), reduction);
  },
);

interface Likelihood {
  readonly target: Value;
  readonly weight: Value | null;
  readonly reduction: number;
  readonly ignore_index: Dim;
}

/** `-log p` of the target class (axis 1, or 0 without a batch), weighted, ignored targets left out; and all weight. */
function negativeLogLikelihood(
  op: AtenBuilder,
  logs: Value,
  { target, weight, reduction, ignore_index }: Likelihood,
): [Value, Value] {
  const axis = rankOf(logs) === 1 ? 0 : 1;
  const dtype = dtypeOf(logs);
  const zero = op.scalar(dtype, 0);
  const ignored = op.Equal([target, op.scalar('int64', staticSize(op, ignore_index, 'ignore_index'))]);
  const safe = op.Where([ignored, op.scalar('int64', 0), target]);
  const picked = op.Squeeze([op.GatherElements([logs, unsqueeze(op, safe, [axis])], { axis }), op.ints([axis])]);
  const weights = weight ? op.Gather([weight, safe], { axis: 0 }) : op.Cast([op.Equal([safe, safe])], { to: dtype });
  const used = op.Where([ignored, zero, weights]);
  const loss = op.Where([ignored, zero, op.Neg([op.Mul([picked, used])])]);
  const total = reduced(op, used, 2);
  return [reduction === 1 ? op.Div([reduced(op, loss, 2), total]) : reduced(op, loss, reduction), total];
}
const nll = (name: 'nll_loss_nd' | 'nll_loss' | 'nll_loss2d') =>
  aten(
    `aten::${name}(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100) -> Tensor`,
    (op, a) => negativeLogLikelihood(op, a.self, a)[0],
  );
export const nll_loss = [...nll('nll_loss_nd'), ...nll('nll_loss'), ...nll('nll_loss2d')];

/** Unreduced losses have no total weight: ATen leaves 0. */
const nllForward = (name: 'nll_loss' | 'nll_loss2d') =>
  aten(
    `aten::${name}_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> (Tensor output, Tensor total_weight)`,
    (op, a) => {
      const [loss, total] = negativeLogLikelihood(op, a.self, a);
      return [loss, a.reduction === 0 ? num(op, loss, 0) : total];
    },
  );
export const nll_loss_forward = [...nllForward('nll_loss'), ...nllForward('nll_loss2d')];

/** The loss against every class alike: the smoothed part of a label. */
function uniformLoss(op: AtenBuilder, logs: Value, a: Likelihood): Value {
  const axis = rankOf(logs) === 1 ? 0 : 1;
  const zero = num(op, logs, 0);
  const ignored = op.Equal([a.target, op.scalar('int64', staticSize(op, a.ignore_index, 'ignore_index'))]);
  const weighted = a.weight
    ? op.Mul([
        logs,
        reshape(
          op,
          a.weight,
          shapeOf(logs).map((d, i) => (i === axis ? d : 1)),
        ),
      ])
    : logs;
  const loss = op.Where([ignored, zero, op.Neg([reduce(op, 'ReduceSum', weighted, { axes: [axis] })])]);
  if (a.reduction !== 1) return reduced(op, loss, a.reduction);
  const ones = a.weight
    ? op.Gather([a.weight, op.Where([ignored, op.scalar('int64', 0), a.target])], { axis: 0 })
    : num(op, logs, 1);
  return op.Div([reduced(op, loss, 2), reduced(op, op.Where([ignored, zero, ones]), 2)]);
}

export const cross_entropy_loss = aten(
  'aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100, float label_smoothing=0.0) -> Tensor',
  (op, a) => {
    const axis = rankOf(a.self) === 1 ? 0 : 1;
    const logs = op.LogSoftmax([a.self], { axis });
    if (dtypeOf(a.target) === 'int64') {
      const [loss] = negativeLogLikelihood(op, logs, a);
      if (a.label_smoothing === 0) return loss;
      const share = a.label_smoothing / staticSize(op, shapeOf(logs)[axis]!, 'classes');
      return op.Add([
        op.Mul([loss, num(op, loss, 1 - a.label_smoothing)]),
        op.Mul([uniformLoss(op, logs, a), num(op, loss, share)]),
      ]);
    }
    const classes = shapeOf(a.self)[axis]!;
    const smooth =
      a.label_smoothing === 0
        ? a.target
        : op.Add([
            op.Mul([a.target, num(op, logs, 1 - a.label_smoothing)]),
            num(op, logs, a.label_smoothing / staticSize(op, classes, 'classes')),
          ]);
    const shaped = a.weight
      ? reshape(
          op,
          a.weight,
          shapeOf(a.self).map((_, i) => (i === axis ? classes : 1)),
        )
      : null;
    const likelihood = reduce(op, 'ReduceSum', op.Mul([shaped ? op.Mul([logs, shaped]) : logs, smooth]), {
      axes: [axis],
    });
    // The mean is over positions, not over classes.
    const loss = op.Neg([reduced(op, likelihood, a.reduction === 1 ? 2 : a.reduction)]);
    if (a.reduction !== 1) return loss;
    const count = mulDims(...shapeOf(a.self).filter((_, i) => i !== axis));
    return op.Div([loss, op.Cast([op.dim(count)], { to: dtypeOf(loss) })]);
  },
);

export const cosine_similarity = aten(
  'aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor',
  (op, { x1, x2, dim, eps }) => {
    const shape = commonShape(op, [shapeOf(x1), shapeOf(x2)]);
    const axis = axisOf(op, dim, shape.length);
    // The axis counts in the common shape, and lengths are taken there.
    const [a, b] = promotedToFloat(op, [x1, x2])
      .map((x) => expandTo(op, x, shape))
      .map((x) =>
        op.Div([x, op.Max([reduce(op, 'ReduceL2', x, { axes: [axis], keepdim: true }), num(op, x, eps)])]),
      ) as [Value, Value];
    return reduce(op, 'ReduceSum', op.Mul([a, b]), { axes: [axis] });
  },
);

interface Norm {
  readonly p: number;
  readonly eps: number;
  readonly keepdim?: boolean;
}

const distance = (op: AtenBuilder, a: Value, b: Value, { p, eps, keepdim = false }: Norm): Value => {
  // Integers wrap before they become real.
  const gap = promotedToFloat(op, [difference(op, a, b)])[0]!;
  const d = op.Add([gap, num(op, gap, eps)]);
  return vectorNorm(op, d, p, { axes: [Math.max(0, rankOf(d) - 1)], keepdim });
};
export const pairwise_distance = aten(
  'aten::pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False) -> Tensor',
  (op, { x1, x2, p, eps, keepdim }) => distance(op, x1, x2, { p, eps, keepdim }),
);
export const dist = aten('aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor', (op, { self, other, p }) => {
  const d = difference(op, self, other);
  return vectorNorm(op, d, Number(p.value), { axes: shapeOf(d).map((_, i) => i) });
});
export const triplet_margin_loss = aten(
  'aten::triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2, float eps=1e-06, bool swap=False, int reduction=1) -> Tensor',
  (op, a) => {
    const near = distance(op, a.anchor, a.positive, a);
    const far = distance(op, a.anchor, a.negative, a);
    const other = a.swap ? op.Min([far, distance(op, a.positive, a.negative, a)]) : far;
    return reduced(op, positive(op, op.Add([op.Sub([near, other]), num(op, near, a.margin)])), a.reduction);
  },
);
export const margin_ranking_loss = aten(
  'aten::margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1) -> Tensor',
  (op, { input1, input2, target, margin, reduction }) => {
    // Integers wrap before they become real.
    const [side, gap] = promoted(op, [op.Neg([target]), difference(op, input1, input2)]) as [Value, Value];
    const loss = promotedToFloat(op, [op.Mul([side, gap])])[0]!;
    return reduced(op, positive(op, op.Add([loss, num(op, loss, margin)])), reduction);
  },
);
export const hinge_embedding_loss = aten(
  'aten::hinge_embedding_loss(Tensor self, Tensor target, float margin=1.0, int reduction=1) -> Tensor',
  (op, { self, target, margin, reduction }) => {
    const zero = num(op, self, 0);
    const apart = op.Where([
      op.Equal([target, num(op, target, 1)]),
      zero,
      positive(op, op.Sub([num(op, self, margin), self])),
    ]);
    const together = op.Where([op.Equal([target, num(op, target, -1)]), zero, self]);
    return reduced(op, op.Add([apart, together]), reduction);
  },
);
