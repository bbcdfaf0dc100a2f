/** ATen operators over runs of equal neighbours and rows, and repetition by counts. */
import { type Dim, mulDims, sameDim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast } from '../../promote.ts';
import { axisOf, expandTo, rankOf, reshape, shapeOf, slice, transpose, unsqueeze } from '../../shape.ts';

/** Whether each element (row) begins a run; `rows` is (n) or (n, width). */
function runStarts(op: AtenBuilder, rows: Value): Value {
  const differs = op.Not([
    op.Equal([slice(op, rows, { axis: 0, start: 1, end: Infinity }), slice(op, rows, { axis: 0, start: 0, end: -1 })]),
  ]);
  const rowwise =
    rankOf(rows) === 1
      ? differs
      : op.Cast([op.ReduceMax([op.Cast([differs], { to: 'int32' }), op.ints([1])], { keepdims: 0 })], { to: 'bool' });
  const starts = op.Concat([op.tensor('bool', [1], [1]), rowwise], { axis: 0 });
  starts.type = { dtype: 'bool', shape: [shapeOf(rows)[0]!] };
  return starts;
}

interface Runs {
  readonly inverse: Value;
  readonly counts: Value;
}

function runsOf(op: AtenBuilder, starts: Value): Runs {
  const places = reshape(op, op.NonZero([starts]), [op.unknownDim()]);
  const ends = op.Concat([slice(op, places, { axis: 0, start: 1, end: Infinity }), op.dims([shapeOf(starts)[0]!])], {
    axis: 0,
  });
  return {
    inverse: op.Sub([op.CumSum([op.Cast([starts], { to: 'int64' }), op.scalar('int64', 0)]), op.scalar('int64', 1)]),
    counts: op.Sub([ends, places]),
  };
}

/** What is not asked for is null: nobody reads it. */
export const unique_consecutive = aten(
  'aten::unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)',
  (op, { self, return_inverse, return_counts, dim }) => {
    if (dim !== null && rankOf(self) > 0)
      return consecutiveRows(op, self, axisOf(op, dim, rankOf(self)), { return_inverse, return_counts });
    const x = reshape(op, self, [mulDims(...shapeOf(self))]);
    if (shapeOf(x)[0] === 0) return op.aten.refuse('self', 'no elements', 'tensors with elements');
    const starts = runStarts(op, x);
    const { inverse, counts } = runsOf(op, starts);
    return [
      op.Compress([x, starts], { axis: 0 }),
      return_inverse ? reshape(op, inverse, shapeOf(self)) : null,
      return_counts ? counts : null,
    ];
  },
);

/** As the operators' own arguments are called. */
interface Wanted {
  readonly return_inverse: boolean;
  readonly return_counts: boolean;
}

function consecutiveRows(op: AtenBuilder, self: Value, axis: number, wanted: Wanted): (Value | null)[] {
  const size = shapeOf(self)[axis]!;
  const rest = shapeOf(self).filter((_, i) => i !== axis);
  if (size === 0 || mulDims(...rest) === 0)
    return op.aten.refuse('self', `shape [${shapeOf(self).join()}]`, 'tensors with elements');
  const perm = [axis, ...rest.map((_, i) => (i < axis ? i : i + 1))];
  const starts = runStarts(op, reshape(op, transpose(op, self, perm), [size, mulDims(...rest)]));
  const { inverse, counts } = runsOf(op, starts);
  return [
    op.Compress([self, starts], { axis }),
    wanted.return_inverse ? inverse : null,
    wanted.return_counts ? counts : null,
  ];
}
export const unique_dim_consecutive = aten(
  'aten::unique_dim_consecutive(Tensor self, int dim, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)',
  (op, a) => consecutiveRows(op, a.self, axisOf(op, a.dim, rankOf(a.self)), a),
);
/** Distinct slices in lexicographic order, which PyTorch also gives when it is not asked to sort. */
export const unique_dim = aten(
  'aten::unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)',
  (op, { self, dim, return_inverse, return_counts }) => {
    if (mulDims(...shapeOf(self)) === 0) return op.aten.refuse('self', 'no elements', 'tensors with elements');
    const [values, , inverse, counts] = op.Unique([self], { axis: axisOf(op, dim, rankOf(self)), sorted: 1 }, 4) as [
      Value,
      Value,
      Value,
      Value,
    ];
    return [values, return_inverse ? inverse : null, return_counts ? counts : null];
  },
);

/** For every position of the result the element it repeats: how many running totals lie at or before it. */
function repeatedPlaces(op: AtenBuilder, repeats: Value, output: Dim | null): Value {
  const counts = cast(op, repeats, 'int64');
  const totals = op.CumSum([counts, op.scalar('int64', 0)]);
  const length = output === null ? op.ReduceSum([counts, op.ints([0])], { keepdims: 0 }) : op.dim(output);
  const positions = op.Range([op.scalar('int64', 0), length, op.scalar('int64', 1)]);
  if (output !== null) positions.type = { dtype: 'int64', shape: [output] };
  const before = op.LessOrEqual([unsqueeze(op, totals, [0]), unsqueeze(op, positions, [1])]);
  return op.ReduceSum([op.Cast([before], { to: 'int64' }), op.ints([1])], { keepdims: 0 });
}
export const repeat_interleave = aten(
  'aten::repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor',
  (op, { repeats, output_size }) => cast(op, repeatedPlaces(op, repeats, output_size), repeats.type!.dtype),
);
export const repeat_interleaveSelf = aten(
  'aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor',
  (op, { self, repeats, dim, output_size }) => {
    const x =
      dim === null
        ? reshape(op, self, [mulDims(...shapeOf(self))])
        : rankOf(self) === 0
          ? reshape(op, self, [1])
          : self;
    const axis = dim === null ? 0 : axisOf(op, dim, rankOf(x));
    const size = shapeOf(x)[axis]!;
    const each = rankOf(repeats) === 1 && sameDim(shapeOf(repeats)[0]!, size);
    if (!each && mulDims(...shapeOf(repeats)) !== 1)
      return op.aten.refuse('repeats', `shape [${shapeOf(repeats).join()}]`, 'one count, or one for every element');
    const counts = each ? repeats : expandTo(op, reshape(op, repeats, [1]), [size]);
    return op.Gather([x, repeatedPlaces(op, counts, output_size)], { axis });
  },
);
