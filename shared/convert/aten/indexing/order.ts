/** ATen operators that rank, search and count. */
import { addDims, type Dim, floorDivDims, isStatic, mulDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import { scanAxis } from '../../axis-scan.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, numberOperand, promoted } from '../../promote.ts';
import { axisOf, filledTensor, rankOf, reshape, shapeOf, staticSize, unsqueeze } from '../../shape.ts';
import { anyNaN, extreme, placeOfNaN } from '../reduce/extremes.ts';
import { insertionPoints } from './search.ts';
import { top } from './top.ts';

interface Along {
  readonly dim: number;
  readonly keepdim: boolean;
}

/** The element of rank `k` (from 0, ascending) along an axis, with its index. */
function ranked(op: AtenBuilder, self: Value, k: Dim, { dim, keepdim }: Along): Value[] {
  if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
  const axis = axisOf(op, dim, rankOf(self));
  const smallest = top(op, self, { axis, k: op.dims([addDims(k, 1)]), descending: false });
  return smallest.map((v) => op.Gather([v, keepdim ? op.dims([k]) : op.dim(k)], { axis }));
}
export const kthvalue = aten(
  'aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, a) => ranked(op, a.self, staticSize(op, a.k, 'k') - 1, a),
);
/** No number; null where there are elements. */
export function medianOfNothing(op: AtenBuilder, self: Value): Value | null {
  if (mulDims(...shapeOf(self)) !== 0) return null;
  if (!isFloat(dtypeOf(self))) return op.aten.refuse('self', 'no elements', 'integer tensors with elements');
  return op.scalar(dtypeOf(self), NaN);
}
/** The lower of two middle elements, or the first NaN where there is one. */
function median(op: AtenBuilder, self: Value, { dim, keepdim }: Along): Value[] {
  if (rankOf(self) === 0) return ranked(op, self, 0, { dim, keepdim });
  const axis = axisOf(op, dim, rankOf(self));
  const middle = ranked(op, self, floorDivDims(addDims(shapeOf(self)[axis]!, -1), 2), { dim, keepdim });
  if (!isFloat(dtypeOf(self)) || !op.aten.carriesNaN()) return middle;
  const isNaN = anyNaN(op, self, { axes: [axis], keepdim });
  const instead = [op.scalar(dtypeOf(self), NaN), placeOfNaN(op, self, { axis, keepdim })];
  return middle.map((v, i) => op.Where([isNaN, instead[i]!, v]));
}
export const medianDim = aten(
  'aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, a) => median(op, a.self, a),
);
export const medianAll = aten(
  'aten::median(Tensor self) -> Tensor',
  (op, { self }) =>
    medianOfNothing(op, self) ??
    median(op, reshape(op, self, [mulDims(...shapeOf(self))]), { dim: 0, keepdim: false })[0]!,
);
export const msort = aten('aten::msort(Tensor self) -> Tensor', (op, { self }) =>
  rankOf(self) === 0
    ? op.Identity([self])
    : top(op, self, { axis: 0, k: op.dims([shapeOf(self)[0]!]), descending: false })[0]!,
);

const isRight = (op: AtenBuilder, right: boolean, side: string | null): boolean =>
  side === null
    ? right
    : side === 'right' || side === 'left'
      ? side === 'right'
      : op.aten.refuse('side', side, 'left or right');
interface SortedSearch {
  readonly sorted_sequence: Value;
  readonly out_int32: boolean;
  readonly right: boolean;
  readonly side: string | null;
  readonly sorter: Value | null;
}

function searched(op: AtenBuilder, values: Value, a: SortedSearch): Value {
  const sorted = a.sorter
    ? op.GatherElements([a.sorted_sequence, a.sorter], { axis: rankOf(a.sorted_sequence) - 1 })
    : a.sorted_sequence;
  return insertionPoints(op, sorted, values, { right: isRight(op, a.right, a.side), out_int32: a.out_int32 });
}

export const searchsorted = [
  ...aten(
    'aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor',
    (op, a) => searched(op, a.self, a),
  ),
  ...aten(
    'aten::searchsorted.Scalar(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor',
    (op, a) => searched(op, numberOperand(op, a.self), a),
  ),
];
export const bucketize = [
  ...aten(
    'aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor',
    (op, a) => insertionPoints(op, a.boundaries, a.self, a),
  ),
  ...aten(
    'aten::bucketize.Scalar(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor',
    (op, a) => insertionPoints(op, a.boundaries, numberOperand(op, a.self), a),
  ),
];

interface Membership {
  readonly elements: Value;
  readonly tests: Value;
  readonly invert: boolean;
}

function contained(op: AtenBuilder, { elements, tests, invert }: Membership): Value {
  const [x, y] = promoted(op, [elements, tests]) as [Value, Value];
  if (mulDims(...shapeOf(tests)) === 0) return filledTensor(op, shapeOf(elements), 'bool', invert ? 1 : 0);
  const equal = op.Equal([unsqueeze(op, x, [rankOf(x)]), reshape(op, y, [mulDims(...shapeOf(y))])]);
  const most = op.ReduceMax([op.Cast([equal], { to: 'int32' }), op.ints([rankOf(x)])], { keepdims: 0 });
  // Of no tests the largest is the lowest number there is.
  const found = op.Greater([most, op.scalar('int32', 0)]);
  return invert ? op.Not([found]) : found;
}
const MEMBERSHIP = '*, bool assume_unique=False, bool invert=False';
export const isin = [
  ...aten(`aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, ${MEMBERSHIP}) -> Tensor`, (op, a) =>
    contained(op, { ...a, tests: a.test_elements }),
  ),
  ...aten(`aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, ${MEMBERSHIP}) -> Tensor`, (op, a) =>
    contained(op, { ...a, tests: numberOperand(op, a.test_element) }),
  ),
  ...aten(`aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, ${MEMBERSHIP}) -> Tensor`, (op, a) =>
    contained(op, { ...a, elements: numberOperand(op, a.element), tests: a.test_elements }),
  ),
];

/** Beyond, the square of the length costs more than a pass element by element. */
const LONGEST_TRIANGLE = 1024;

/** Element after element; the later of two equal ones counts, and NaN above all. */
function runningPass(op: AtenBuilder, self: Value, axis: number, how: 'Max' | 'Min'): Value[] {
  const isReal = isFloat(dtypeOf(self));
  const numbers = isReal ? self : cast(op, self, 'int64');
  const lowest = isReal ? -Infinity : -(2n ** 63n);
  const highest = isReal ? Infinity : 2n ** 63n - 1n;
  const rest = shapeOf(self).filter((_, i) => i !== axis);
  const zero = op.scalar('int64', 0);
  const begin = op.Expand([op.scalar(dtypeOf(numbers), how === 'Max' ? lowest : highest), op.dims(rest)]);
  const [values, places] = scanAxis(op, numbers, axis, {
    initial: [begin, op.Expand([zero, op.dims(rest)]), zero],
    step: (body, [best, place, at], element) => {
      const beats = how === 'Max' ? body.GreaterOrEqual([element, best!]) : body.LessOrEqual([element, best!]);
      const isTaken = isReal ? body.Or([beats, body.IsNaN([element])]) : beats;
      const next = [body.Where([isTaken, element, best!]), body.Where([isTaken, at!, place!])];
      return { carried: [...next, body.Add([at!, body.scalar('int64', 1)])], results: next };
    },
  }) as [Value, Value];
  return [cast(op, values, dtypeOf(self)), places];
}

/** Running extremes: element i against all elements up to i, in one triangle of comparisons. */
function running(op: AtenBuilder, self: Value, dim: number, how: 'Max' | 'Min'): Value[] {
  if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
  const axis = axisOf(op, dim, rankOf(self));
  const size = shapeOf(self)[axis]!;
  if (!isStatic(size) || size > LONGEST_TRIANGLE) return runningPass(op, self, axis, how);
  const rank = rankOf(self);
  // (..., i, j, ...): element j as seen from i, where j > i counts for nothing.
  const seen = Array.from({ length: size * size }, (_, n) => (n % size <= Math.floor(n / size) ? 1 : 0));
  const mask = reshape(op, op.tensor('bool', [size, size], seen), [
    size,
    size,
    ...Array.from({ length: rank - axis - 1 }, () => 1),
  ]);
  const numbers = isFloat(dtypeOf(self)) ? self : cast(op, self, 'int64');
  const nothing = isFloat(dtypeOf(numbers))
    ? op.scalar(dtypeOf(numbers), how === 'Max' ? -Infinity : Infinity)
    : op.scalar('int64', how === 'Max' ? -(2n ** 63n) : 2n ** 63n - 1n);
  const table = op.Where([mask, unsqueeze(op, numbers, [axis]), nothing]);
  const values = extreme(op, `Reduce${how}`, table, { axes: [axis + 1] });
  // PyTorch keeps the last index among equals, and the last NaN above all; what is not seen yet may be equal, too.
  const isExtreme = op.And([mask, op.Equal([table, unsqueeze(op, values, [axis + 1])])]);
  const last = (marks: Value): Value =>
    op.ArgMax([op.Cast([marks], { to: 'int32' })], { axis: axis + 1, keepdims: 0, select_last_index: 1 });
  if (!isFloat(dtypeOf(values))) return [cast(op, values, dtypeOf(self)), last(isExtreme)];
  return [values, op.Where([op.IsNaN([values]), last(op.IsNaN([table])), last(isExtreme)])];
}
export const cummax = aten(
  'aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)',
  (op, { self, dim }) => running(op, self, dim, 'Max'),
);
export const cummin = aten(
  'aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)',
  (op, { self, dim }) => running(op, self, dim, 'Min'),
);

/** Sorted distinct elements, with the inverse and the counts. */
function unique(op: AtenBuilder, self: Value): Value[] {
  const flat = reshape(op, self, [mulDims(...shapeOf(self))]);
  const [values, , inverse, counts] = op.Unique([flat], { sorted: 1 }, 4) as [Value, Value, Value, Value];
  return [values, reshape(op, inverse, shapeOf(self)), counts];
}
export const _unique2 = aten(
  'aten::_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)',
  (op, { self, return_inverse, return_counts }) => {
    const [values, inverse, counts] = unique(op, self) as [Value, Value, Value];
    const none = filledTensor(op, [0], 'int64', 0);
    return [values, return_inverse ? inverse : none, return_counts ? counts : none];
  },
);
export const _unique = aten(
  'aten::_unique(Tensor self, bool sorted=True, bool return_inverse=False) -> (Tensor, Tensor)',
  (op, { self, return_inverse }) => {
    const [values, inverse] = unique(op, self) as [Value, Value];
    return [values, return_inverse ? inverse : filledTensor(op, [0], 'int64', 0)];
  },
);

export const histc = aten(
  'aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor',
  (op, { self, bins, min, max }) => {
    const [low, high] = [Number(min.value), Number(max.value)];
    if (!(low < high)) return op.aten.refuse('max', high, 'a range known when the model is converted (min < max)');
    const dtype = dtypeOf(self);
    const x = reshape(op, self, [mulDims(...shapeOf(self))]);
    const at = op.Floor([
      op.Div([
        op.Mul([op.Sub([cast(op, x, 'float64'), op.scalar('float64', low)]), op.scalar('float64', bins)]),
        op.scalar('float64', high - low),
      ]),
    ]);
    // The last bin holds its upper end.
    const bin = op.Where([
      op.Equal([cast(op, x, 'float64'), op.scalar('float64', high)]),
      op.scalar('float64', bins - 1),
      at,
    ]);
    const hits = op.Equal([
      unsqueeze(op, bin, [0]),
      op.tensor(
        'float64',
        [bins, 1],
        Float64Array.from({ length: bins }, (_, i) => i),
      ),
    ]);
    return cast(op, op.ReduceSum([op.Cast([hits], { to: 'float32' }), op.ints([1])], { keepdims: 0 }), dtype);
  },
);
