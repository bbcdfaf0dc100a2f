/** NaN in maximum pooling: to PyTorch it is the maximum of every window it stands in, the last one where there are several. */
import { type Dim, isStatic, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { reshape, shapeOf } from '../../shape.ts';

/** Whole numbers up to here are float32. */
const EXACT = 2 ** 24;

interface Pooled {
  /** Values, and places in the plane where they are asked for. */
  readonly results: readonly Value[];
  /** The same windows over another tensor of the input's shape. */
  readonly pool: (x: Value) => Value;
  readonly spatial: number;
}

/** The results of pooling `x` with NaN where it was in the window. */
export function withNaN(op: AtenBuilder, x: Value, { results, pool, spatial }: Pooled): Value[] {
  const shape = shapeOf(x).slice(-spatial);
  const plane = mulDims(...shape);
  if (isStatic(plane) && plane >= EXACT)
    return op.aten.refuse('self', `planes of ${plane} elements`, `fewer than ${EXACT} with nan: exact`);
  // Counted from 1, so that 0 means none.
  const last = pool(op.Where([op.IsNaN([x]), counting(op, plane, shape), op.scalar('float32', 0)]));
  const isNumber = op.Equal([last, op.scalar('float32', 0)]);
  const [values, places] = results as [Value, Value?];
  return [
    op.Where([isNumber, values, op.scalar(dtypeOf(x), NaN)]),
    ...(places
      ? [op.Where([isNumber, places, op.Sub([op.Cast([last], { to: 'int64' }), op.scalar('int64', 1)])])]
      : []),
  ];
}

function counting(op: AtenBuilder, plane: Dim, shape: readonly Dim[]): Value {
  const range = op.Range([
    op.scalar('int64', 1),
    op.Add([op.dim(plane), op.scalar('int64', 1)]),
    op.scalar('int64', 1),
  ]);
  range.type = { dtype: 'int64', shape: [plane] };
  return reshape(op, op.Cast([range], { to: 'float32' }), shape);
}
