/** ATen indexing: gather, embedding, advanced indexing, scatter. */
import { addDims, type Dim, isStatic, mulDims, sameDim } from '../../../tensor/dim.ts';
import { memoryData } from '../../../tensor/data.ts';
import { type Dtype, integerRange, isFloat, isInteger } from '../../../tensor/dtype.ts';
import { encodeNumbers } from '../../../tensor/numbers.ts';
import type { Value } from '../../../onnx/ir.ts';
import { isUnknownDim } from '../../../onnx/unknown-dim.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import type { ScalarArg } from '../../schema.ts';
import { cast, dtypeOf, numberOperand, scalarOf } from '../../promote.ts';
import {
  axisOf,
  commonShape,
  expandTo,
  filledTensor,
  type Range,
  rankOf,
  reshape,
  shapeOf,
  slice,
  staticSize,
  transpose,
  unsqueeze,
} from '../../shape.ts';
import { floorDivide } from '../elementwise/division.ts';

const asIndex = (op: AtenBuilder, x: Value): Value => (dtypeOf(x) === 'int32' ? x : cast(op, x, 'int64'));

/** padding_idx says which row is not trained; it does not change the result. */
export const embedding = aten(
  'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
  (op, { weight, indices }) => op.Gather([weight, asIndex(op, indices)], { axis: 0 }),
);
export const index_select = aten(
  ['aten::index_select(Tensor self, int dim, Tensor index) -> Tensor'],
  (op, { self, dim, index }) => {
    if (rankOf(self) === 0)
      return reshape(op, op.Gather([reshape(op, self, [1]), reshape(op, asIndex(op, index), [1])], { axis: 0 }), []);
    return op.Gather([self, rankOf(index) === 0 ? reshape(op, asIndex(op, index), [1]) : asIndex(op, index)], {
      axis: axisOf(op, dim, rankOf(self)),
    });
  },
);
export const gather = aten(
  'aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor',
  (op, { self, dim, index }) => {
    if (rankOf(self) === 0 && rankOf(index) === 0) return op.Identity([self]);
    if (rankOf(self) === 0)
      return reshape(op, op.Gather([reshape(op, self, [1]), asIndex(op, index)], { axis: 0 }), shapeOf(index));
    if (rankOf(index) === 0) return reshape(op, op.Gather([self, asIndex(op, index)], { axis: 0 }), []);
    return op.GatherElements([self, asIndex(op, index)], { axis: axisOf(op, dim, rankOf(self)) });
  },
);
export const take = aten('aten::take(Tensor self, Tensor index) -> Tensor', (op, { self, index }) =>
  op.Gather([reshape(op, self, [mulDims(...shapeOf(self))]), asIndex(op, index)], { axis: 0 }),
);
export const take_along_dim = aten(
  'aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor',
  (op, { self, indices, dim }) => {
    if (dim === null)
      return op.GatherElements(
        [
          reshape(op, self, [mulDims(...shapeOf(self))]),
          reshape(op, asIndex(op, indices), [mulDims(...shapeOf(indices))]),
        ],
        { axis: 0 },
      );
    const axis = axisOf(op, dim, rankOf(self));
    // All other axes broadcast against each other.
    const common = commonShape(
      op,
      [shapeOf(self), shapeOf(indices)].map((s) => s.map((d, i) => (i === axis ? 1 : d))),
    );
    const wide = (x: Value): Value =>
      expandTo(
        op,
        x,
        common.map((d, i) => (i === axis ? shapeOf(x)[axis]! : d)),
      );
    return op.GatherElements([wide(self), wide(asIndex(op, indices))], { axis });
  },
);

/** The index tensors of `x[a, :, b]`, masks replaced by the positions where they hold. */
interface Indexing {
  readonly axes: readonly number[];
  readonly indices: readonly Value[];
}

function resolveIndices(op: AtenBuilder, indices: readonly (Value | null)[]): Indexing {
  const axes: number[] = [];
  const tensors: Value[] = [];
  let axis = 0;
  for (const index of indices) {
    if (index === null) {
      axis++;
      continue;
    }
    const expanded =
      dtypeOf(index) === 'bool' || dtypeOf(index) === 'uint8'
        ? maskPositions(op, cast(op, index, 'bool'))
        : [asIndex(op, index)];
    for (const tensor of expanded) {
      axes.push(axis++);
      tensors.push(cast(op, tensor, 'int64'));
    }
  }
  return { axes, indices: tensors };
}

/** One int64 vector for every axis the mask covers. */
function maskPositions(op: AtenBuilder, mask: Value): Value[] {
  const rank = rankOf(mask);
  const positions = op.NonZero([mask]);
  // How many there are is known only when the model runs: later shapes read it from here.
  op.dimValues.bindShape(positions);
  return Array.from({ length: rank }, (_, i) => op.Gather([positions, op.scalar('int64', i)], { axis: 0 }));
}

/** Where the result's index dimensions stand: in place when the index tensors are neighbours, else in front. */
const neighbours = (axes: readonly number[]): boolean => axes.every((a, i) => i === 0 || a === axes[i - 1]! + 1);

/** Index tensors broadcast together and stacked: int64[..., n], for GatherND and ScatterND over the first n axes. */
function stackedIndices(op: AtenBuilder, indices: readonly Value[]): { stacked: Value; shape: readonly Dim[] } {
  const shape = indices.length === 1 ? shapeOf(indices[0]!) : commonShape(op, indices.map(shapeOf));
  const wide = indices.map((index) => unsqueeze(op, expandTo(op, index, shape), [shape.length]));
  return { stacked: wide.length === 1 ? wide[0]! : op.Concat(wide, { axis: shape.length }), shape };
}

/** PyTorch counts negative indices from the end; GatherND and ScatterND are not asked to. */
function wrapped(op: AtenBuilder, index: Value, size: Dim): Value {
  const known = index.content?.every((d) => isStatic(d) && d >= 0);
  const positions = index.producer?.op === 'Gather' && index.producer.inputs[0]?.producer?.op === 'NonZero';
  if (known || positions) return index;
  return op.Where([op.Less([index, op.scalar('int64', 0)]), op.Add([index, op.dim(size)]), index]);
}

const frontPerm = (rank: number, axes: readonly number[]): number[] => [
  ...axes,
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i)),
];

export function indexed(op: AtenBuilder, self: Value, given: readonly (Value | null)[]): Value {
  const { axes, indices } = resolveIndices(op, given);
  if (axes.length === 0) return op.Identity([self]);
  if (axes.length === 1) return op.Gather([self, indices[0]!], { axis: axes[0]! });
  const rank = rankOf(self);
  const { stacked, shape } = stackedIndices(
    op,
    indices.map((index, i) => wrapped(op, index, shapeOf(self)[axes[i]!]!)),
  );
  const gathered = op.GatherND([transpose(op, self, frontPerm(rank, axes)), stacked]);
  if (!neighbours(axes) || axes[0] === 0) return gathered;
  // Result is (index dims..., other dims...): put the index dims where the indexed axes stood.
  const lead = axes[0]!;
  const n = shape.length;
  const others = rank - axes.length;
  const perm = [
    ...Array.from({ length: lead }, (_, i) => n + i),
    ...Array.from({ length: n }, (_, i) => i),
    ...Array.from({ length: others - lead }, (_, i) => n + lead + i),
  ];
  return transpose(op, gathered, perm);
}
export const index = aten(
  [
    'aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor',
    'aten::_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor',
  ],
  (op, { self, indices }) => indexed(op, self, indices),
);

export function put(
  op: AtenBuilder,
  self: Value,
  given: readonly (Value | null)[],
  values: Value,
  accumulate: boolean,
): Value {
  const mask = given.length === 1 ? given[0] : null;
  // x[mask] = number needs no positions.
  if (mask && dtypeOf(mask) === 'bool' && !accumulate && mulDims(...shapeOf(values)) === 1) {
    const wide = reshape(op, mask, [...shapeOf(mask), ...new Array<Dim>(rankOf(self) - rankOf(mask)).fill(1)]);
    return op.Where([wide, reshape(op, cast(op, values, dtypeOf(self)), []), self]);
  }
  const { axes, indices } = resolveIndices(op, given);
  if (axes.length === 0) return expandTo(op, cast(op, values, dtypeOf(self)), shapeOf(self));
  const rank = rankOf(self);
  const { stacked, shape } = stackedIndices(
    op,
    indices.map((ix, i) => wrapped(op, ix, shapeOf(self)[axes[i]!]!)),
  );
  const perm = frontPerm(rank, axes);
  const others = perm.slice(axes.length).map((a) => shapeOf(self)[a]!);
  const lead = neighbours(axes) ? axes[0]! : 0;
  // Values arrive shaped like the result of indexing: broadcast there, then bring the index dims to the front.
  const resultShape = [...others.slice(0, lead), ...shape, ...others.slice(lead)];
  const wide = expandTo(op, cast(op, values, dtypeOf(self)), resultShape);
  const toFront = [
    ...shape.map((_, i) => lead + i),
    ...Array.from({ length: others.length }, (_, i) => (i < lead ? i : i + shape.length)),
  ];
  const scattered = op.ScatterND(
    [transpose(op, self, perm), stacked, transpose(op, wide, toFront)],
    accumulate ? { reduction: 'add' } : {},
  );
  return transpose(
    op,
    scattered,
    perm.map((_, i) => perm.indexOf(i)),
  );
}
export const index_put = aten(
  [
    'aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
    'aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
  ],
  (op, { self, indices, values, accumulate }) => put(op, self, indices, values, accumulate),
  { limits: [{ since: 16, when: 'accumulate' }] },
);

/** ONNX's scatter operators reduce since opset 16, to the smallest and largest since 18. */
const REDUCING = { limits: [{ since: 16 }] } as const;
const REDUCING_TO_EXTREMES = { limits: [{ since: 16 }, { since: 18, when: 'amin and amax' }] } as const;

/** `index` along one axis, as full coordinates for ScatterElements. */
function alongAxis(op: AtenBuilder, indices: Value, axis: number, shape: readonly Dim[]): Value {
  const lifted = reshape(
    op,
    asIndex(op, indices),
    shape.map((_, i) => (i === axis ? mulDims(...shapeOf(indices)) : 1)),
  );
  return expandTo(op, lifted, shape);
}

/** A 0-d tensor is scattered into as a vector of one. */
function inOneDimension(op: AtenBuilder, self: Value, f: (x: Value) => Value): Value {
  return rankOf(self) === 0 ? reshape(op, f(reshape(op, self, [1])), []) : f(self);
}

const asVector = (op: AtenBuilder, x: Value): Value => (rankOf(x) === 0 ? reshape(op, x, [1]) : x);

export const index_copy = aten(
  'aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor',
  (op, { self, dim, index: at, source }) =>
    inOneDimension(op, self, (x) => {
      const axis = axisOf(op, dim, rankOf(x));
      const values = asVector(op, source);
      return op.ScatterElements([x, alongAxis(op, at, axis, shapeOf(values)), cast(op, values, dtypeOf(x))], { axis });
    }),
);
export const index_add = aten(
  'aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor',
  (op, { self, dim, index: at, source, alpha }) =>
    inOneDimension(op, self, (x) => {
      const axis = axisOf(op, dim, rankOf(x));
      const values = asVector(op, cast(op, source, dtypeOf(x)));
      const one = alpha.kind !== 'run-time' && Number(alpha.value) === 1;
      const scaled = one ? values : op.Mul([values, scalarOf(op, alpha, dtypeOf(x))]);
      return op.ScatterElements([x, alongAxis(op, at, axis, shapeOf(values)), scaled], { axis, reduction: 'add' });
    }),
  REDUCING,
);
function indexFilled(op: AtenBuilder, self: Value, dim: number, at: Value, value: Value): Value {
  return inOneDimension(op, self, (x) => {
    const axis = axisOf(op, dim, rankOf(x));
    const shape = shapeOf(x).map((d, i) => (i === axis ? mulDims(...shapeOf(at)) : d));
    return op.ScatterElements([x, alongAxis(op, at, axis, shape), expandTo(op, cast(op, value, dtypeOf(x)), shape)], {
      axis,
    });
  });
}
export const index_fill = aten(
  'aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor',
  (op, a) => indexFilled(op, a.self, a.dim, a.index, numberOperand(op, a.value)),
);
export const index_fillTensor = aten(
  'aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor',
  (op, a) => indexFilled(op, a.self, a.dim, a.index, a.value),
);

/** As the operators' own arguments are called. */
interface Scattering {
  readonly self: Value;
  readonly dim: number;
  readonly index: Value;
  readonly src: Value;
}
type ScatterReduction = 'none' | 'add' | 'mul' | 'max' | 'min';

function scattered(
  op: AtenBuilder,
  { self, dim, index: indices, src }: Scattering,
  reduction: ScatterReduction,
): Value {
  return inOneDimension(op, self, (x) => {
    const axis = axisOf(op, dim, rankOf(x));
    const at = asVector(op, asIndex(op, indices));
    const values = asVector(op, cast(op, src, dtypeOf(x)));
    // Only as much of the source is used as there are indices.
    const used = shapeOf(at).reduce<Value>(
      (v, size, i) => (sameDim(size, shapeOf(v)[i]!) ? v : slice(op, v, { axis: i, start: 0, end: size })),
      values,
    );
    return op.ScatterElements([x, at, used], { axis, reduction });
  });
}
export const scatter = aten('aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor', (op, a) =>
  scattered(op, a, 'none'),
);
const valueEverywhere = (
  op: AtenBuilder,
  { self, index: at, value }: { readonly self: Value; readonly index: Value; readonly value: ScalarArg },
): Value => expandTo(op, scalarOf(op, value, dtypeOf(self)), shapeOf(at));
export const scatterValue = aten(
  'aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor',
  (op, a) => scattered(op, { ...a, src: valueEverywhere(op, a) }, 'none'),
);
const REDUCTIONS: Readonly<Record<string, 'add' | 'mul'>> = { add: 'add', multiply: 'mul' };
export const scatterReduce = aten(
  'aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor',
  (op, a) => scattered(op, a, REDUCTIONS[a.reduce] ?? op.aten.refuse('reduce', a.reduce, 'add or multiply')),
  REDUCING,
);
export const scatterValueReduce = aten(
  'aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor',
  (op, a) =>
    scattered(
      op,
      { ...a, src: valueEverywhere(op, a) },
      REDUCTIONS[a.reduce] ?? op.aten.refuse('reduce', a.reduce, 'add or multiply'),
    ),
  REDUCING,
);
export const scatter_add = aten(
  'aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor',
  (op, a) => scattered(op, a, 'add'),
  REDUCING,
);

const SCATTER: Readonly<Record<string, Exclude<ScatterReduction, 'none'>>> = {
  sum: 'add',
  mean: 'add',
  prod: 'mul',
  amax: 'max',
  amin: 'min',
};
/** What each reduction starts from where self does not count. */
const NEUTRAL: Readonly<Record<Exclude<ScatterReduction, 'none'>, (dtype: Dtype) => number | bigint>> = {
  add: () => 0,
  mul: () => 1,
  max: (dtype) => (isFloat(dtype) ? -Infinity : integerRange(dtype)[0]),
  min: (dtype) => (isFloat(dtype) ? Infinity : integerRange(dtype)[1]),
};

interface Reduction {
  readonly reduce: string;
  readonly include_self: boolean;
}

/**
 * ONNX has no mean and always counts self: start from the neutral element where it does not count, divide by counts.
 */
function scatterReduced(op: AtenBuilder, scattering: Scattering, { reduce, include_self }: Reduction): Value {
  const { self, index: at } = scattering;
  const how = SCATTER[reduce];
  if (!how) return op.aten.refuse('reduce', reduce, Object.keys(SCATTER).join(', '));
  const dtype = dtypeOf(self);
  if (dtype !== 'float32' && dtype !== 'float64' && !isInteger(dtype))
    return op.aten.refuse('self', dtype, 'float32, float64 or integers');
  const fill = (number: number | bigint): Value => expandTo(op, op.scalar(dtype, number), shapeOf(at));
  const start = include_self ? self : scattered(op, { ...scattering, src: fill(NEUTRAL[how](dtype)) }, 'none');
  const total = scattered(op, { ...scattering, self: start }, how);
  if (reduce !== 'mean') return total;
  const ones = filledTensor(op, shapeOf(self), dtype, 1);
  const before = include_self ? ones : scattered(op, { ...scattering, self: ones, src: fill(0) }, 'none');
  const counts = scattered(op, { ...scattering, self: before, src: fill(1) }, 'add');
  return isFloat(dtype) ? op.Div([total, counts]) : floorDivide(op, total, counts);
}
export const scatter_reduce = aten(
  'aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor',
  (op, a) => scatterReduced(op, a, a),
  REDUCING_TO_EXTREMES,
);
export const index_reduce = aten(
  'aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor',
  (op, a) =>
    inOneDimension(op, a.self, (x) => {
      const src = asVector(op, a.source);
      const at = alongAxis(op, a.index, axisOf(op, a.dim, rankOf(x)), shapeOf(src));
      return scatterReduced(op, { self: x, dim: a.dim, index: at, src }, a);
    }),
  REDUCING_TO_EXTREMES,
);

/** `src` takes the place of a part of `self`. */
interface Replacement {
  readonly self: Value;
  readonly src: Value;
}

/** `self` with a slice along one axis replaced. */
function sliceReplaced(
  op: AtenBuilder,
  { self, src }: Replacement,
  { axis, start: from, end: to, step = 1 }: Range,
): Value {
  const size = shapeOf(self)[axis]!;
  if (!isStatic(size) || !isStatic(from) || !isStatic(to))
    return scatterRange(op, { self, src }, { axis, start: from, step });
  const clamp = (d: number): number => Math.min(Math.max(d < 0 ? d + size : d, 0), size);
  const [begin, end] = [clamp(from), clamp(to)];
  if (step !== 1) return scatterRange(op, { self, src }, { axis, start: begin, step });
  if (begin >= end) return op.Identity([self]);
  const wide = expandTo(
    op,
    cast(op, src, dtypeOf(self)),
    shapeOf(self).map((d, i) => (i === axis ? end - begin : d)),
  );
  const parts = [
    ...(begin > 0 ? [slice(op, self, { axis, start: 0, end: begin })] : []),
    wide,
    ...(end < size ? [slice(op, self, { axis, start: end, end: Infinity })] : []),
  ];
  return parts.length === 1 ? op.Identity([wide]) : op.Concat(parts, { axis });
}

/** Positions from `from` in steps along an axis, one for each of the source's. */
function scatterRange(
  op: AtenBuilder,
  { self, src }: Replacement,
  { axis, start: from, step = 1 }: Omit<Range, 'end'>,
): Value {
  const count = shapeOf(src)[axis]!;
  const start: Dim = isStatic(from) && from < 0 ? addDims(shapeOf(self)[axis]!, from) : from;
  const range = op.Range([op.scalar('int64', 0), op.dim(count), op.scalar('int64', 1)]);
  const at = op.Add([op.Mul([range, op.scalar('int64', step)]), op.dim(start)]);
  const values = cast(op, src, dtypeOf(self));
  return op.ScatterElements([self, alongAxis(op, at, axis, shapeOf(src)), values], { axis });
}
export const slice_scatter = aten(
  'aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor',
  (op, { self, src, dim, start, end, step }) =>
    sliceReplaced(
      op,
      { self, src },
      {
        axis: axisOf(op, dim, rankOf(self)),
        start: start ?? 0,
        end: end ?? Infinity,
        step: staticSize(op, step, 'step'),
      },
    ),
);
export const select_scatter = aten(
  'aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor',
  (op, { self, src, dim, index: at }) => {
    const axis = axisOf(op, dim, rankOf(self));
    const shape = shapeOf(self).map((d, i) => (i === axis ? 1 : d));
    const wide = expandTo(op, unsqueeze(op, cast(op, src, dtypeOf(self)), [axis]), shape);
    return isStatic(at)
      ? sliceReplaced(op, { self, src: wide }, { axis, start: at, end: at === -1 ? Infinity : at + 1 })
      : scatterRange(op, { self, src: wide }, { axis, start: at });
  },
);

function sorted(op: AtenBuilder, self: Value, k: Dim, dim: number, largest: boolean): Value[] {
  if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
  return op.TopK([self, op.dims([k])], { axis: axisOf(op, dim, rankOf(self)), largest: largest ? 1 : 0, sorted: 1 }, 2);
}
export const topk = aten(
  'aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)',
  (op, a) => sorted(op, a.self, a.k, a.dim, a.largest),
);
const whole = (self: Value, dim: number): Dim => shapeOf(self).at(dim) ?? 1;
export const sort = aten(
  'aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)',
  (op, { self, dim, descending }) => sorted(op, self, whole(self, dim), dim, descending),
);
/** TopK gives equal numbers in the order of their places, which is what stable means. */
export const sortStable = aten(
  'aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)',
  (op, { self, dim, descending }) => sorted(op, self, whole(self, dim), dim, descending),
);
export const argsort = aten(
  'aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor',
  (op, { self, dim, descending }) => sorted(op, self, whole(self, dim), dim, descending)[1]!,
);
export const argsortStable = aten(
  'aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor',
  (op, { self, dim, descending }) => sorted(op, self, whole(self, dim), dim, descending)[1]!,
);

export const nonzero = aten(
  ['aten::nonzero(Tensor self) -> Tensor', 'aten::argwhere(Tensor self) -> Tensor'],
  (op, { self }) => {
    if (rankOf(self) > 0) return transpose(op, op.NonZero([self]), [1, 0]);
    // A number has no coordinates: one empty row, or none.
    const rows = op.ConstantOfShape(
      [op.Concat([reshape(op, cast(op, cast(op, self, 'bool'), 'int64'), [1]), op.ints([0])], { axis: 0 })],
      { value: memoryData('int64', [1], encodeNumbers('int64', [0])) },
    );
    rows.type = { dtype: 'int64', shape: [op.unknownDim(), 0] };
    return rows;
  },
);
export const masked_select = aten('aten::masked_select(Tensor self, Tensor mask) -> Tensor', (op, { self, mask }) => {
  const shape = commonShape(op, [shapeOf(self), shapeOf(mask)]);
  if (shape.some(isUnknownDim)) {
    // Sizes of two names broadcast: the common shape is known only when the model runs.
    const wide = op.Where([mask, self, self]);
    const flat = (x: Value): Value => op.Reshape([x, op.ints([-1])]);
    return op.Compress([flat(wide), flat(op.Expand([mask, op.Shape([wide])]))]);
  }
  return op.Compress([
    reshape(op, expandTo(op, self, shape), [mulDims(...shape)]),
    reshape(op, expandTo(op, mask, shape), [mulDims(...shape)]),
  ]);
});

export const one_hot = aten('aten::one_hot(Tensor self, int num_classes=-1) -> Tensor', (op, { self, num_classes }) => {
  if (num_classes < 0) return op.aten.refuse('num_classes', num_classes, 'the number of classes');
  return op.OneHot([self, op.ints([num_classes]), op.tensor('int64', [2], [0, 1])], { axis: -1 });
});
