/** ATen reductions over segments of the first axis. */
import { type Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { extreme } from './extremes.ts';
import { reduce } from './reduction.ts';
import { rankOf, reshape, shapeOf, slice, unsqueeze } from '../../shape.ts';

interface Kind {
  readonly how: 'ReduceSum' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';
  readonly neutral: number;
  readonly combine: 'Add' | 'Max' | 'Min' | 'Mul';
}
const KINDS: Readonly<Record<string, Kind>> = {
  sum: { how: 'ReduceSum', neutral: 0, combine: 'Add' },
  mean: { how: 'ReduceSum', neutral: 0, combine: 'Add' },
  max: { how: 'ReduceMax', neutral: -Infinity, combine: 'Max' },
  min: { how: 'ReduceMin', neutral: Infinity, combine: 'Min' },
  prod: { how: 'ReduceProd', neutral: 1, combine: 'Mul' },
};

export const segment_reduce = aten(
  'aten::segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, Tensor? offsets=None, int axis=0, bool unsafe=False, Scalar? initial=None) -> Tensor',
  (op, { data, reduce: name, lengths, indices, offsets, axis, initial }) => {
    const kind = KINDS[name] ?? op.aten.refuse('reduce', name, Object.keys(KINDS).join(', '));
    const given = lengths ?? offsets;
    if (indices || !given || rankOf(given) !== 1 || axis !== 0)
      return op.aten.refuse('axis', axis, 'segments of axis 0, by lengths or offsets of one dimension');
    if (initial?.kind === 'run-time')
      return op.aten.refuse('initial', 'a number of the program', 'a number known when the model is converted');
    const dtype = dtypeOf(data);
    const bounds = cast(op, given, 'int64');
    const ends = lengths
      ? op.CumSum([bounds, op.scalar('int64', 0)])
      : slice(op, bounds, { axis: 0, start: 1, end: Infinity });
    const starts = lengths ? op.Sub([ends, bounds]) : slice(op, bounds, { axis: 0, start: 0, end: -1 });
    const count = shapeOf(data)[0]!;
    const positions = op.Range([op.scalar('int64', 0), op.dim(count), op.scalar('int64', 1)]);
    const inside = op.And([
      op.LessOrEqual([unsqueeze(op, starts, [1]), positions]),
      op.Less([positions, unsqueeze(op, ends, [1])]),
    ]);
    const rest = shapeOf(data)
      .slice(1)
      .map((): Dim => 1);
    const member = reshape(op, inside, [...shapeOf(starts), count, ...rest]);
    const table = op.Where([member, unsqueeze(op, data, [0]), op.scalar(dtype, kind.neutral)]);
    const along = { axes: [1] };
    const reduced =
      kind.how === 'ReduceMax' || kind.how === 'ReduceMin'
        ? extreme(op, kind.how, table, along)
        : reduce(op, kind.how, table, along);
    const total = initial === null ? reduced : op[kind.combine]([reduced, op.scalar(dtype, Number(initial.value))]);
    if (name !== 'mean') return total;
    const sizes: Value = reshape(op, op.Cast([op.Sub([ends, starts])], { to: dtype }), [...shapeOf(starts), ...rest]);
    // An empty segment has no mean, unless something was there initially.
    return op.Div([total, initial === null ? sizes : op.Max([sizes, op.scalar(dtype, 1)])]);
  },
);
