/** ATen running sums, of exponentials too, and products. */
import { isFloat } from '../../../tensor/dtype.ts';
import { isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { scanAxis } from '../../axis-scan.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, rankOf, reshape, shapeOf, unsqueeze } from '../../shape.ts';
import { sumDtype } from './reduction.ts';

/** Integers accumulate in int64. */
export const cumsum = aten(
  'aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, sumDtype(self, dtype));
    return rankOf(x) === 0 ? op.Identity([x]) : op.CumSum([x, op.scalar('int64', axisOf(op, dim, rankOf(x)))]);
  },
);
export const cumprod = aten(
  'aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
  (op, { self, dim, dtype }) => {
    const x = cast(op, self, sumDtype(self, dtype));
    return rankOf(x) === 0 ? op.Identity([x]) : op.CumProd([x, op.scalar('int64', axisOf(op, dim, rankOf(x)))]);
  },
);

/** Beyond, the square of the length costs more than a pass element by element. */
const LONGEST_TRIANGLE = 1024;

/** log(exp(sum) + exp(x)) from the larger one, element after element; equal infinities stay themselves. */
function runningLogSum(op: AtenBuilder, self: Value, axis: number): Value {
  const dtype = dtypeOf(self);
  const rest = shapeOf(self).filter((_, i) => i !== axis);
  return scanAxis(op, self, axis, {
    initial: [op.Expand([op.scalar(dtype, -Infinity), op.dims(rest)])],
    step: (body, [sum], x) => {
      const large = body.Max([sum!, x]);
      const ratio = body.Exp([body.Sub([body.Min([sum!, x]), large])]);
      const added = body.Add([large, body.Log([body.Add([ratio, body.scalar(dtype, 1)])])]);
      const next = body.Where([body.And([body.Equal([sum!, x]), body.IsInf([x])]), x, added]);
      return { carried: [next], results: [next] };
    },
  })[0]!;
}

/** Element i over all elements up to i in a triangle: a common maximum for all would lose the small ones. */
export const logcumsumexp = aten(
  ['aten::logcumsumexp(Tensor self, int dim) -> Tensor', 'aten::_logcumsumexp(Tensor self, int dim) -> Tensor'],
  (op, { self, dim }) => {
    const dtype = dtypeOf(self);
    if (!isFloat(dtype)) return op.aten.refuse('self', dtype, 'floating-point tensors');
    if (rankOf(self) === 0) return op.Identity([self]);
    const axis = axisOf(op, dim, rankOf(self));
    const size = shapeOf(self)[axis]!;
    if (!isStatic(size) || size > LONGEST_TRIANGLE) return runningLogSum(op, self, axis);
    if (size === 0) return op.Identity([self]);
    const seen = Array.from({ length: size * size }, (_, n) => (n % size <= Math.floor(n / size) ? 1 : 0));
    const mask = reshape(op, op.tensor('bool', [size, size], seen), [
      size,
      size,
      ...new Array<number>(rankOf(self) - axis - 1).fill(1),
    ]);
    const table = op.Where([mask, unsqueeze(op, self, [axis]), op.scalar(dtype, -Infinity)]);
    const largest = op.ReduceMax([table, op.ints([axis + 1])], { keepdims: 1 });
    const finite = op.Where([op.IsInf([largest]), op.scalar(dtype, 0), largest]);
    const sums = op.ReduceSum([op.Exp([op.Sub([table, finite])]), op.ints([axis + 1])], { keepdims: 1 });
    return op.Squeeze([op.Add([op.Log([sums]), finite]), op.ints([axis + 1])]);
  },
);
