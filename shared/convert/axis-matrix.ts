/**
 * A linear map along one axis, as a matrix known when the model is converted: pooling and resampling of fixed sizes.
 */
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';
import { rankOf, shapeOf, transpose } from './shape.ts';

/** `rows[i]` are the weights that give element i of the result. */
export function alongAxisMatrix(op: AtenBuilder, x: Value, axis: number, rows: readonly (readonly number[])[]): Value {
  if (op.aten.carriesNaN()) return alongAxisWindows(op, x, axis, rows);
  const last = rankOf(x) - 1;
  const width = rows[0]?.length ?? 0;
  // x (..., width) times (width, rows).
  const columns = Array.from(
    { length: width * rows.length },
    (_, i) => rows[i % rows.length]![Math.floor(i / rows.length)]!,
  );
  const weights = op.tensor(dtypeOf(x), [width, rows.length], columns);
  if (axis === last) return op.MatMul([x, weights]);
  const perm = shapeOf(x).map((_, i) => (i === axis ? last : i === last ? axis : i));
  return transpose(op, op.MatMul([transpose(op, x, perm), weights]), perm);
}

/** The same, of elements that have a weight only: nothing times NaN is NaN, also for elements outside the window. */
function alongAxisWindows(op: AtenBuilder, x: Value, axis: number, rows: readonly (readonly number[])[]): Value {
  const windows = rows.map((row) => row.flatMap((weight, at) => (weight === 0 ? [] : [{ at, weight }])));
  const longest = Math.max(1, ...windows.map((w) => w.length));
  const table = windows.flatMap((w) => Array.from({ length: longest }, (_, i) => w[i] ?? { at: 0, weight: 0 }));
  const behind = Array.from({ length: rankOf(x) - 1 - axis }, () => 1);
  const shape = [rows.length, longest, ...behind];
  const places = op.tensor(
    'int64',
    [rows.length, longest],
    table.map(({ at }) => at),
  );
  const weights = op.tensor(
    dtypeOf(x),
    shape,
    table.map(({ weight }) => weight),
  );
  const isRead = op.tensor(
    'bool',
    shape,
    table.map(({ weight }) => (weight === 0 ? 0 : 1)),
  );
  const products = op.Mul([op.Gather([x, places], { axis }), weights]);
  return op.ReduceSum([op.Where([isRead, products, op.scalar(dtypeOf(x), 0)]), op.ints([axis + 1])], { keepdims: 0 });
}
