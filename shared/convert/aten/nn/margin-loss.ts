/** ATen losses over margins, pairs and counts. */
import { type Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten } from '../../converter.ts';
import { cast, dtypeOf, promotedToFloat } from '../../promote.ts';
import { rankOf, reshape, shapeOf, staticSize, unsqueeze } from '../../shape.ts';
import { distanceNorm } from '../linalg/geometry.ts';
import { num, positive, reduced } from './loss-terms.ts';
import { reduce } from '../reduce/reduction.ts';

export const cosine_embedding_loss = aten(
  'aten::cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0., int reduction=1) -> Tensor',
  (op, { input1, input2, target, margin, reduction }) => {
    const [a, b] = promotedToFloat(op, [input1, input2]) as [Value, Value];
    const side = cast(op, target, dtypeOf(a));
    const axis = rankOf(target);
    const sum = (x: Value, y: Value): Value => reduce(op, 'ReduceSum', op.Mul([x, y]), { axes: [axis] });
    // PyTorch adds this to both squares.
    const size = (x: Value): Value => op.Add([sum(x, x), num(op, x, 1e-12)]);
    const cosine = op.Div([sum(a, b), op.Sqrt([op.Mul([size(a), size(b)])])]);
    const zero = num(op, cosine, 0);
    const together = op.Where([op.Equal([side, num(op, side, 1)]), op.Sub([num(op, cosine, 1), cosine]), zero]);
    const apart = op.Where([
      op.Equal([side, num(op, side, -1)]),
      positive(op, op.Sub([cosine, num(op, cosine, margin)])),
      zero,
    ]);
    return reduced(op, op.Add([together, apart]), reduction);
  },
);

export const poisson_nll_loss = aten(
  'aten::poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction) -> Tensor',
  (op, a) => {
    const [x, target] = promotedToFloat(op, [a.input, a.target]) as [Value, Value];
    const plain = a.log_input
      ? op.Sub([op.Exp([x]), op.Mul([target, x])])
      : op.Sub([x, op.Mul([target, op.Log([op.Add([x, num(op, x, a.eps)])])])]);
    if (!a.full) return reduced(op, plain, a.reduction);
    // Stirling's approximation of log(target!), for targets above 1.
    const turns = op.Mul([num(op, x, 0.5), op.Log([op.Mul([num(op, x, 2 * Math.PI), target])])]);
    const stirling = op.Add([op.Sub([op.Mul([target, op.Log([target])]), target]), turns]);
    const above = op.Where([op.LessOrEqual([target, num(op, target, 1)]), num(op, x, 0), stirling]);
    return reduced(op, op.Add([plain, above]), a.reduction);
  },
);

/** How far other classes come within the margin of the right one. */
export const multi_margin_loss = aten(
  'aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int reduction=1) -> Tensor',
  (op, { self, target, p, margin, weight, reduction }) => {
    if (p.kind === 'run-time' || margin.kind === 'run-time')
      return op.aten.refuse('p', 'a number of the program', 'numbers known when the model is converted');
    const classes = shapeOf(self).at(-1) ?? 1;
    const rows: Dim = rankOf(self) === 2 ? shapeOf(self)[0]! : 1;
    const x = reshape(op, self, [rows, classes]);
    const right = reshape(op, target, [rows, 1]);
    const gap = op.Add([op.Sub([x, op.GatherElements([x, right], { axis: 1 })]), num(op, x, Number(margin.value))]);
    const powered = Number(p.value) === 2 ? op.Mul([gap, gap]) : gap;
    const weighted = weight ? op.Mul([powered, op.Gather([weight, right], { axis: 0 })]) : powered;
    const others = op.Not([
      op.Equal([right, op.Range([op.scalar('int64', 0), op.dim(classes), op.scalar('int64', 1)])]),
    ]);
    // A gap that is no number is not above zero and counts for nothing.
    const counts = op.And([others, op.Greater([gap, num(op, x, 0)])]);
    const sums = op.ReduceSum([op.Where([counts, weighted, num(op, x, 0)]), op.ints([1])], { keepdims: 0 });
    const loss = op.Div([sums, op.Cast([op.dim(classes)], { to: dtypeOf(x) })]);
    if (reduction === 0) return reshape(op, loss, shapeOf(target));
    return reduced(op, loss, reduction);
  },
);

/** Targets are class numbers up to the first -1 of each row; every target against every class that is none. */
export const multilabel_margin_loss = aten(
  'aten::multilabel_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor',
  (op, { self, target, reduction }) => {
    const classes = staticSize(op, shapeOf(self).at(-1) ?? 1, 'classes');
    const rows: Dim = rankOf(self) === 2 ? shapeOf(self)[0]! : 1;
    const x = reshape(op, self, [rows, classes]);
    const labels = reshape(op, target, [rows, classes]);
    const ended = op.CumSum([
      op.Cast([op.Less([labels, op.scalar('int64', 0)])], { to: 'int64' }),
      op.scalar('int64', 1),
    ]);
    const valid = op.Equal([ended, op.scalar('int64', 0)]);
    const safe = op.Max([labels, op.scalar('int64', 0)]);
    const numbers = op.tensor(
      'int64',
      [1, 1, classes],
      Array.from({ length: classes }, (_, i) => i),
    );
    // (rows, targets, classes)
    const hits = op.And([op.Equal([unsqueeze(op, safe, [2]), numbers]), unsqueeze(op, valid, [2])]);
    const isTarget = op.Cast([op.ReduceMax([op.Cast([hits], { to: 'int32' }), op.ints([1])], { keepdims: 1 })], {
      to: 'bool',
    });
    const scores = unsqueeze(op, op.GatherElements([x, safe], { axis: 1 }), [2]);
    const gap = op.Add([op.Sub([num(op, x, 1), scores]), unsqueeze(op, x, [1])]);
    const others = op.And([unsqueeze(op, valid, [2]), op.Not([isTarget])]);
    const counts = op.And([others, op.Greater([gap, num(op, x, 0)])]);
    const loss = op.Div([
      op.ReduceSum([op.Where([counts, gap, num(op, x, 0)]), op.ints([1, 2])], { keepdims: 0 }),
      num(op, x, classes),
    ]);
    return reduction === 0 ? reshape(op, loss, rankOf(self) === 2 ? [rows] : []) : reduced(op, loss, reduction);
  },
);

/** Distances of all pairs of rows, in the order (0, 1), (0, 2), ... */
export const pdist = aten(
  ['aten::pdist(Tensor self, float p=2.) -> Tensor', 'aten::_pdist_forward(Tensor self, float p=2.) -> Tensor'],
  (op, { self, p }) => {
    const n = staticSize(op, shapeOf(self)[0]!, 'size');
    const pairs = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n - i - 1 }, (_unused, j) => [i, i + 1 + j] as const),
    ).flat();
    const rows = (side: 0 | 1): Value => op.Gather([self, op.ints(pairs.map((pair) => pair[side]))], { axis: 0 });
    return distanceNorm(op, op.Sub([rows(0), rows(1)]), p);
  },
);
