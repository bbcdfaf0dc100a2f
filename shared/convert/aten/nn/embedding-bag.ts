/**
 * ATen embedding bags: rows looked up and reduced bag by bag; which position belongs to which bag follows from the
 * offsets.
 */
import { type Dim, subDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { filledTensor, shapeOf, slice, unsqueeze } from '../../shape.ts';

interface Bags {
  readonly weight: Value;
  readonly indices: Value;
  readonly offsets: Value;
  /** 0: sum, 1: mean, 2: max. */
  readonly mode: number;
  readonly per_sample_weights: Value | null;
  readonly include_last_offset: boolean;
  readonly padding_idx: number | null;
}

/** bool (bags, positions): position j lies in bag b when offset b <= j < offset b+1; padding lies in none. */
function membership(op: AtenBuilder, a: Bags, count: Dim): { bags: Dim; belongs: Value } {
  const offsets = cast(op, a.offsets, 'int64');
  const end = op.dims([count]);
  const bags = a.include_last_offset ? subDims(shapeOf(offsets)[0]!, 1) : shapeOf(offsets)[0]!;
  const starts = a.include_last_offset ? slice(op, offsets, { axis: 0, start: 0, end: -1 }) : offsets;
  const rest = slice(op, offsets, { axis: 0, start: 1, end: Infinity });
  // Without the last offset, the last bag reaches to the end; with it, the last offset is where it ends.
  const ends = a.include_last_offset ? rest : op.Concat([rest, end], { axis: 0 });
  ends.type = { dtype: 'int64', shape: [bags] };
  const positions = op.Range([op.scalar('int64', 0), op.dim(count), op.scalar('int64', 1)]);
  const [from, to, at] = [unsqueeze(op, starts, [1]), unsqueeze(op, ends, [1]), unsqueeze(op, positions, [0])];
  const inside = op.And([op.LessOrEqual([from, at]), op.Less([at, to])]);
  const rows =
    typeof a.padding_idx === 'number'
      ? op.Not([op.Equal([a.indices, op.scalar(dtypeOf(a.indices), a.padding_idx)])])
      : null;
  const belongs = rows ? op.And([inside, unsqueeze(op, rows, [0])]) : inside;
  belongs.type = { dtype: 'bool', shape: [bags, count] };
  return { bags, belongs };
}

function reducedBags(op: AtenBuilder, a: Bags): Value {
  const [count, width] = [shapeOf(a.indices)[0]!, shapeOf(a.weight)[1]!];
  const dtype = dtypeOf(a.weight);
  const { bags, belongs } = membership(op, a, count);
  if (count === 0) return filledTensor(op, [bags, width], dtype, 0);
  const rows = op.Gather([a.weight, a.indices], { axis: 0 });
  const weighted = a.per_sample_weights ? op.Mul([rows, unsqueeze(op, a.per_sample_weights, [1])]) : rows;
  const member = unsqueeze(op, belongs, [2]);
  // Not a product with zeros and ones: rows outside a bag may be infinite.
  const table = op.Where([member, unsqueeze(op, weighted, [0]), op.scalar(dtype, a.mode === 2 ? -Infinity : 0)]);
  const sizes = op.ReduceSum([op.Cast([belongs], { to: dtype }), op.ints([1])], { keepdims: 1 });
  if (a.mode === 0) return op.ReduceSum([table, op.ints([1])], { keepdims: 0 });
  if (a.mode === 1)
    return op.Div([op.ReduceSum([table, op.ints([1])], { keepdims: 0 }), op.Max([sizes, op.scalar(dtype, 1)])]);
  return op.Where([
    op.Equal([sizes, op.scalar(dtype, 0)]),
    op.scalar(dtype, 0),
    op.ReduceMax([table, op.ints([1])], { keepdims: 0 }),
  ]);
}

/** The other outputs serve the gradient. */
function embeddingBag(op: AtenBuilder, a: Bags): (Value | null)[] {
  if (shapeOf(a.indices).length !== 1)
    return op.aten.refuse(
      'indices',
      `${shapeOf(a.indices).length} dimensions`,
      'indices of one dimension, with offsets',
    );
  const padding_idx =
    a.padding_idx !== null && a.padding_idx < 0 && typeof shapeOf(a.weight)[0] === 'number'
      ? a.padding_idx + (shapeOf(a.weight)[0] as number)
      : a.padding_idx;
  return [reducedBags(op, { ...a, padding_idx }), null, null, null];
}

const LIST =
  'scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool ' +
  'include_last_offset=False';
type WithPadding =
  'aten::_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int padding_idx=-1) -> Tensor';
export const embedding_bag = aten(
  'aten::embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False) -> (Tensor, Tensor, Tensor, Tensor)',
  (op, a) => embeddingBag(op, { ...a, padding_idx: null }),
);
export const embedding_bagPadding = aten(
  'aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> (Tensor, Tensor, Tensor, Tensor)',
  (op, a) => embeddingBag(op, a),
);
/** Here -1 means no padding row. */
export const _embedding_bag = ['_embedding_bag', '_embedding_bag_forward_only'].flatMap((name) =>
  aten(
    `aten::${name}(Tensor weight, Tensor indices, Tensor offsets, bool ${LIST}, int padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)` as WithPadding,
    (op, a) => embeddingBag(op, { ...a, padding_idx: a.padding_idx < 0 ? null : a.padding_idx }),
  ),
);
