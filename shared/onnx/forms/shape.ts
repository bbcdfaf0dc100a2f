/** Shape arguments that came later, and triangles. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { lowerBound } from '../schema/bounds.ts';
import type { OpCall } from '../schema/row.ts';
import { constantLike, type Forms, sizeOf } from './form.ts';

export const SHAPE_FORMS: Forms = {
  Shape: [
    {
      below: 15,
      when: (c) => c.attributes.size > 0,
      write: (c, op) => {
        const end = c.attribute('end') ? c.int('end') : c.rank(0);
        return op.Slice([op.Shape([c.input(0)]), op.ints([c.int('start')]), op.ints([end]), op.ints([0])]);
      },
    },
  ],
  Reshape: [
    {
      below: 14,
      when: (c) => c.int('allowzero') === 1,
      write: (c, op) => {
        const shape = c.content(1);
        if (!shape?.every((d) => d === -1 || lowerBound(d) > 0))
          op.refuse('Reshape', 'a target shape that may hold a zero exists since opset 14');
        return op.Reshape([c.input(0), c.input(1)]);
      },
    },
  ],
  Trilu: [{ below: 14, write: triangle }],
};

/** Keeps the elements whose column is at least (upper) or at most (lower) the row + k. */
function triangle(c: OpCall, op: Builder): Value {
  const x = c.input(0);
  const rank = c.rank(0);
  const count = (n: Value): Value => op.Range([op.scalar('int64', 0), n, op.scalar('int64', 1)]);
  const rows = count(sizeOf(op, x, rank - 2));
  const shifted = op.Unsqueeze([c.has(1) ? op.Add([rows, c.input(1)]) : rows, op.ints([1])]);
  const columns = count(sizeOf(op, x, rank - 1));
  const kept = c.int('upper') ? op.GreaterOrEqual([columns, shifted]) : op.LessOrEqual([columns, shifted]);
  return op.Where([kept, x, constantLike(op, x, 0)]);
}
