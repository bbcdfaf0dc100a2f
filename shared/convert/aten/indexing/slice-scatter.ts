/** ATen operators that replace a slice of a tensor. */
import { addDims, type Dim, isStatic } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { axisOf, expandTo, type Range, rankOf, shapeOf, slice, staticSize, unsqueeze } from '../../shape.ts';
import { alongAxis } from './scatter.ts';

/** `src` takes the place of a part of `self`. */
interface Replacement {
  readonly self: Value;
  readonly src: Value;
}

/** `self` with a slice along one axis replaced. */
function sliceReplaced(
  op: AtenBuilder,
  { self, src }: Replacement,
  { axis, start: from, end: to, step = 1 }: Range,
): Value {
  const size = shapeOf(self)[axis]!;
  if (!isStatic(size) || !isStatic(from) || !isStatic(to))
    return scatterRange(op, { self, src }, { axis, start: from, step });
  const clamp = (d: number): number => Math.min(Math.max(d < 0 ? d + size : d, 0), size);
  const [begin, end] = [clamp(from), clamp(to)];
  if (step !== 1) return scatterRange(op, { self, src }, { axis, start: begin, step });
  if (begin >= end) return op.Identity([self]);
  const wide = expandTo(
    op,
    cast(op, src, dtypeOf(self)),
    shapeOf(self).map((d, i) => (i === axis ? end - begin : d)),
  );
  const parts = [
    ...(begin > 0 ? [slice(op, self, { axis, start: 0, end: begin })] : []),
    wide,
    ...(end < size ? [slice(op, self, { axis, start: end, end: Infinity })] : []),
  ];
  return parts.length === 1 ? op.Identity([wide]) : op.Concat(parts, { axis });
}

/** Positions from `from` in steps along an axis, one for each of the source's. */
function scatterRange(
  op: AtenBuilder,
  { self, src }: Replacement,
  { axis, start: from, step = 1 }: Omit<Range, 'end'>,
): Value {
  const count = shapeOf(src)[axis]!;
  const start: Dim = isStatic(from) && from < 0 ? addDims(shapeOf(self)[axis]!, from) : from;
  const range = op.Range([op.scalar('int64', 0), op.dim(count), op.scalar('int64', 1)]);
  const at = op.Add([op.Mul([range, op.scalar('int64', step)]), op.dim(start)]);
  const values = cast(op, src, dtypeOf(self));
  return op.ScatterElements([self, alongAxis(op, at, axis, shapeOf(src)), values], { axis });
}
export const slice_scatter = aten(
  'aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor',
  (op, { self, src, dim, start, end, step }) =>
    sliceReplaced(
      op,
      { self, src },
      {
        axis: axisOf(op, dim, rankOf(self)),
        start: start ?? 0,
        end: end ?? Infinity,
        step: staticSize(op, step, 'step'),
      },
    ),
);
export const select_scatter = aten(
  'aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor',
  (op, { self, src, dim, index: at }) => {
    const axis = axisOf(op, dim, rankOf(self));
    const shape = shapeOf(self).map((d, i) => (i === axis ? 1 : d));
    const wide = expandTo(op, unsqueeze(op, cast(op, src, dtypeOf(self)), [axis]), shape);
    return isStatic(at)
      ? sliceReplaced(op, { self, src: wide }, { axis, start: at, end: at === -1 ? Infinity : at + 1 })
      : scatterRange(op, { self, src: wide }, { axis, start: at });
  },
);
