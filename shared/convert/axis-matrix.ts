/**
 * A linear map along one axis, as a matrix known when the model is converted: pooling and resampling of fixed sizes.
 */
import type { Value } from '../onnx/ir.ts';
import type { AtenBuilder } from './converter.ts';
import { dtypeOf } from './promote.ts';
import { rankOf, shapeOf, transpose } from './shape.ts';

/** `rows[i]` are the weights that give element i of the result. */
export function alongAxisMatrix(op: AtenBuilder, x: Value, axis: number, rows: readonly (readonly number[])[]): Value {
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
