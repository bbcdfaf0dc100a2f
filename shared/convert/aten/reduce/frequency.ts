/** ATen operators that count how often values occur: mode, bincount, histograms. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import {
  axisOf,
  filledTensor,
  rankOf,
  reshape,
  shapeOf,
  slice,
  staticSize,
  transpose,
  unsqueeze,
} from '../../shape.ts';

/**
 * The smallest of the most frequent values, at its last place. PyTorch leaves open what NaN does; here each counts
 * once, after all numbers.
 */
export const mode = aten(
  'aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, { self, dim, keepdim }) => {
    if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
    const axis = axisOf(op, dim, rankOf(self));
    const size = staticSize(op, shapeOf(self)[axis]!, 'size');
    if (size > 2048 || size === 0)
      return op.aten.refuse('self', `${size} elements along the axis`, '1 to 2048 elements');
    const last = rankOf(self) - 1;
    const others = shapeOf(self)
      .map((_, i) => i)
      .filter((i) => i !== axis);
    const given = transpose(op, self, [...others, axis]);
    const x = isFloat(dtypeOf(self)) ? given : cast(op, given, 'int64');
    const same = op.Equal([unsqueeze(op, x, [last + 1]), unsqueeze(op, x, [last])]);
    const counts = op.Max([
      op.ReduceSum([op.Cast([same], { to: 'int64' }), op.ints([last + 1])], { keepdims: 0 }),
      op.scalar('int64', 1),
    ]);
    const frequent = op.Equal([counts, op.ReduceMax([counts, op.ints([last])], { keepdims: 1 })]);
    const isNumber = isFloat(dtypeOf(x)) ? op.Not([op.IsNaN([x])]) : null;
    const largest = isNumber ? op.scalar(dtypeOf(x), Infinity) : op.scalar('int64', 2n ** 63n - 1n);
    const smallest = op.ReduceMin(
      [op.Where([isNumber ? op.And([frequent, isNumber]) : frequent, x, largest]), op.ints([last])],
      { keepdims: 1 },
    );
    const place = op.ArgMax([op.Cast([op.Equal([x, smallest])], { to: 'int32' })], {
      axis: last,
      keepdims: 1,
      select_last_index: 1,
    });
    const [value, index] = isNumber ? unlessAllNaN(op, isNumber, smallest, place) : [smallest, place];
    return [cast(op, value, dtypeOf(self)), index].map((v) => {
      const picked = op.Squeeze([v, op.ints([last])]);
      return keepdim ? unsqueeze(op, picked, [axis]) : picked;
    });
  },
);

function unlessAllNaN(op: AtenBuilder, isNumber: Value, value: Value, place: Value): [Value, Value] {
  const some = op.Cast(
    [op.ReduceMax([op.Cast([isNumber], { to: 'int32' }), op.ints([rankOf(isNumber) - 1])], { keepdims: 1 })],
    { to: 'bool' },
  );
  return [op.Where([some, value, op.scalar(dtypeOf(value), NaN)]), op.Where([some, place, op.scalar('int64', 0)])];
}

export const bincount = aten(
  'aten::bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor',
  (op, { self, weights, minlength }) => {
    const x = cast(op, self, 'int64');
    // One more element below all others: an empty input has no maximum.
    const largest = op.ReduceMax([op.Concat([op.ints([-1]), x], { axis: 0 }), op.ints([0])], { keepdims: 0 });
    const length = op.Max([op.Add([largest, op.scalar('int64', 1)]), op.dim(minlength)]);
    const bins = op.Range([op.scalar('int64', 0), length, op.scalar('int64', 1)]);
    const hits = op.Equal([unsqueeze(op, bins, [1]), unsqueeze(op, x, [0])]);
    if (!weights) return op.ReduceSum([op.Cast([hits], { to: 'int64' }), op.ints([1])], { keepdims: 0 });
    const numbers = cast(op, weights, dtypeOf(weights) === 'float32' ? 'float32' : 'float64');
    return op.ReduceSum([op.Where([hits, unsqueeze(op, numbers, [0]), op.scalar(dtypeOf(numbers), 0)]), op.ints([1])], {
      keepdims: 0,
    });
  },
);

/** bool (elements, bins): edge i <= x < edge i + 1, the last bin with its upper end. */
function hitsOf(op: AtenBuilder, x: Value, edges: Value): Value {
  const wide = unsqueeze(op, x, [1]);
  const [low, high] = [
    unsqueeze(op, slice(op, edges, { axis: 0, start: 0, end: -1 }), [0]),
    unsqueeze(op, slice(op, edges, { axis: 0, start: 1, end: Infinity }), [0]),
  ];
  const bins = staticSize(op, shapeOf(edges)[0]!, 'bins') - 1;
  const isLast = op.tensor(
    'bool',
    [1, bins],
    Array.from({ length: bins }, (_, i) => (i === bins - 1 ? 1 : 0)),
  );
  const below = op.Or([op.Less([wide, high]), op.And([op.Equal([wide, high]), isLast])]);
  return op.And([op.LessOrEqual([low, wide]), below]);
}

interface Histogram {
  readonly edges: readonly Value[];
  readonly weight: Value | null;
  readonly density: boolean;
}

/** Points (n, d) counted in a grid of bins; `density`: over the sum and the size of each bin. */
function counted(op: AtenBuilder, points: Value, { edges, weight, density }: Histogram): Value {
  const dtype = dtypeOf(points);
  const count = shapeOf(points)[0]!;
  const bins = edges.map((e) => staticSize(op, shapeOf(e)[0]!, 'bins') - 1);
  const cells = edges.reduce<Value | null>((joint, edge, i) => {
    const hits = hitsOf(op, op.Gather([points, op.scalar('int64', i)], { axis: 1 }), edge);
    if (!joint) return hits;
    const size = bins.slice(0, i + 1).reduce((a, b) => a * b, 1);
    return reshape(op, op.And([unsqueeze(op, joint, [2]), unsqueeze(op, hits, [1])]), [count, size]);
  }, null)!;
  const weights = weight ? unsqueeze(op, reshape(op, cast(op, weight, dtype), [count]), [1]) : op.scalar(dtype, 1);
  const sums = op.ReduceSum([op.Where([cells, weights, op.scalar(dtype, 0)]), op.ints([0])], { keepdims: 0 });
  const hist = reshape(op, sums, bins);
  if (!density) return hist;
  const total = op.ReduceSum([sums, op.ints([0])], { keepdims: 0 });
  return edges.reduce<Value>(
    (h, e, i) => {
      const widths = op.Sub([
        slice(op, e, { axis: 0, start: 1, end: Infinity }),
        slice(op, e, { axis: 0, start: 0, end: -1 }),
      ]);
      return op.Div([
        h,
        reshape(
          op,
          widths,
          bins.map((b, j) => (i === j ? b : 1)),
        ),
      ]);
    },
    op.Div([hist, total]),
  );
}

/**
 * `bins` equal bins from `low` to `high`, counted from the nearer end as linspace does; one value widens to a bin
 * around it.
 */
function equalEdges(op: AtenBuilder, low: Value, high: Value, bins: number): Value {
  const dtype = dtypeOf(low);
  const single = op.Equal([low, high]);
  const half = op.scalar(dtype, 0.5);
  const [from, to] = [op.Where([single, op.Sub([low, half]), low]), op.Where([single, op.Add([high, half]), high])];
  const step = op.Div([op.Sub([to, from]), op.scalar(dtype, bins)]);
  const steps = (f: (i: number) => number): Value =>
    op.tensor(
      dtype,
      [bins + 1],
      Float64Array.from({ length: bins + 1 }, (_, i) => f(i)),
    );
  const early = op.tensor(
    'bool',
    [bins + 1],
    Array.from({ length: bins + 1 }, (_, i) => (i < Math.floor((bins + 1) / 2) ? 1 : 0)),
  );
  return op.Where([
    early,
    op.Add([from, op.Mul([step, steps((i) => i)])]),
    op.Sub([to, op.Mul([step, steps((i) => bins - i)])]),
  ]);
}

/** The edges along every axis of the points; without a range, from the smallest to the largest. */
function edgesOf(op: AtenBuilder, points: Value, bins: readonly number[], range: readonly number[] | null): Value[] {
  const dtype = dtypeOf(points);
  if (range === null && shapeOf(points)[0] === 0)
    return bins.map((n) => equalEdges(op, op.scalar(dtype, 0), op.scalar(dtype, 1), n));
  return bins.map((n, i) => {
    if (range) return equalEdges(op, op.scalar(dtype, range[2 * i]!), op.scalar(dtype, range[2 * i + 1]!), n);
    const x = op.Gather([points, op.scalar('int64', i)], { axis: 1 });
    return equalEdges(
      op,
      op.ReduceMin([x, op.ints([0])], { keepdims: 0 }),
      op.ReduceMax([x, op.ints([0])], { keepdims: 0 }),
      n,
    );
  });
}

const asPoints = (op: AtenBuilder, self: Value): Value => reshape(op, self, [mulDims(...shapeOf(self)), 1]);
/** Any leading axes are points. */
const asTable = (op: AtenBuilder, self: Value): Value =>
  reshape(op, self, [mulDims(...shapeOf(self).slice(0, -1)), shapeOf(self).at(-1) as Dim]);

export const histogram = aten(
  'aten::histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)',
  (op, { self, bins, weight, density }) => [
    counted(op, asPoints(op, self), { edges: [bins], weight, density }),
    op.Identity([bins]),
  ],
);
export const histogramCount = aten(
  'aten::histogram.bin_ct(Tensor self, int bins=100, *, float[]? range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)',
  (op, a) => {
    const points = asPoints(op, a.self);
    const edges = edgesOf(op, points, [a.bins], a.range);
    return [counted(op, points, { ...a, edges }), ...edges];
  },
);
export const histogramdd = aten(
  'aten::histogramdd.TensorList_bins(Tensor self, Tensor[] bins, float[]? range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)',
  (op, a) => [counted(op, asTable(op, a.self), { ...a, edges: a.bins }), ...a.bins.map((b) => op.Identity([b]))],
);
export const histogramddCounts = aten(
  'aten::histogramdd(Tensor self, int[] bins, float[]? range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)',
  (op, a) => {
    const points = asTable(op, a.self);
    const edges = edgesOf(op, points, a.bins, a.range);
    return [counted(op, points, { ...a, edges }), ...edges];
  },
);
