/** Where numbers belong in a sorted sequence. */
import { isStatic } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf, promoted } from '../../promote.ts';
import { expandTo, filledTensor, rankOf, shapeOf, unsqueeze } from '../../shape.ts';

interface Insertion {
  /** Behind its equals. */
  readonly right: boolean;
  readonly out_int32: boolean;
}

/** The index before which each value goes, of the type asked for. */
export function insertionPoints(op: AtenBuilder, sorted: Value, values: Value, how: Insertion): Value {
  const [edges, x] = promoted(op, [sorted, values]) as [Value, Value];
  const found =
    isFloat(dtypeOf(edges)) && op.aten.carriesNaN() ? bisected(op, edges, x, how) : counted(op, edges, x, how);
  return how.out_int32 ? op.Cast([found], { to: 'int32' }) : found;
}

type Side = Pick<Insertion, 'right'>;
/** Whether an edge lies behind x. Asked in this way, nothing lies behind NaN, as PyTorch's search has it. */
const isBehind = (op: AtenBuilder, edge: Value, x: Value, { right }: Side): Value =>
  right ? op.Greater([edge, x]) : op.GreaterOrEqual([edge, x]);

/** All comparisons at once: the edges that do not lie behind. */
function counted(op: AtenBuilder, edges: Value, x: Value, side: Side): Value {
  const wide = unsqueeze(op, x, [rankOf(x)]);
  const row = rankOf(edges) === 1 ? edges : unsqueeze(op, edges, [rankOf(edges) - 1]);
  const behind = isBehind(op, row, wide, side);
  const count = op.ReduceSum([op.Cast([behind], { to: 'int64' }), op.ints([rankOf(x)])], { keepdims: 0 });
  return op.Sub([op.dim(shapeOf(edges).at(-1)!), count]);
}

/** Step by step as PyTorch searches: where edges are NaN, only the way there says what is found. */
function bisected(op: AtenBuilder, edges: Value, x: Value, side: Side): Value {
  const size = shapeOf(edges).at(-1)!;
  if (!isStatic(size))
    return op.aten.refuse('sorted_sequence', 'a size known when it runs', 'a fixed size with nan: exact');
  const whole = (n: number): Value => op.scalar('int64', n);
  let [low, high]: [Value, Value] = [filledTensor(op, shapeOf(x), 'int64', 0), whole(size)];
  for (let left = size; left > 0; left = Math.floor(left / 2)) {
    const middle = op.Div([op.Add([low, high]), whole(2)]);
    const at = op.Min([expandTo(op, middle, shapeOf(x)), whole(size - 1)]);
    const edge =
      rankOf(edges) === 1
        ? op.Gather([edges, at], { axis: 0 })
        : op.GatherElements([edges, at], { axis: rankOf(x) - 1 });
    const goesOn = op.And([op.Not([isBehind(op, edge, x, side)]), op.Less([low, high])]);
    [low, high] = [op.Where([goesOn, op.Add([middle, whole(1)]), low]), op.Where([goesOn, high, middle])];
  }
  return low;
}
