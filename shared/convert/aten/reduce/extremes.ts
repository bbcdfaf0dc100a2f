/** ATen extremes over axes, and where they are. */
import { type Dim, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { FAULTS, isMet } from '../../../onnx/runtime-facts/faults.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { axisOf, filledTensor, rankOf, reshape, shapeOf } from '../../shape.ts';
import type { Along } from './mean.ts';
import { axesOf, reduce } from './reduction.ts';

const nanMarks = (op: AtenBuilder, x: Value): Value => op.Cast([op.IsNaN([x])], { to: 'int32' });

/** PyTorch's extremes are NaN where any element is. */
export const anyNaN = (op: AtenBuilder, x: Value, along: Along): Value =>
  op.Cast([reduce(op, 'ReduceMax', nanMarks(op, x), along)], { to: 'bool' });

/** Extremes of bools through int32, for which every runtime has kernels. */
export function extreme(op: AtenBuilder, how: 'ReduceMax' | 'ReduceMin', x: Value, along: Along): Value {
  if (isMet(FAULTS.extremesLoseNaN, dtypeOf(x)) && rankOf(x) > 0)
    return op.Where([anyNaN(op, x, along), op.scalar(dtypeOf(x), NaN), reduce(op, how, x, along)]);
  if (dtypeOf(x) !== 'bool') return reduce(op, how, x, along);
  return op.Cast([reduce(op, how, op.Cast([x], { to: 'int32' }), along)], { to: 'bool' });
}
export const amax = aten(
  'aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => extreme(op, 'ReduceMax', self, { axes: axesOf(op, self, dim), keepdim }),
);
export const amin = aten(
  'aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor',
  (op, { self, dim, keepdim }) => extreme(op, 'ReduceMin', self, { axes: axesOf(op, self, dim), keepdim }),
);
export const maxAll = aten('aten::max(Tensor self) -> Tensor', (op, { self }) =>
  extreme(op, 'ReduceMax', self, { axes: axesOf(op, self, null) }),
);
export const minAll = aten('aten::min(Tensor self) -> Tensor', (op, { self }) =>
  extreme(op, 'ReduceMin', self, { axes: axesOf(op, self, null) }),
);
export const aminmax = aten(
  'aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)',
  (op, { self, dim, keepdim }) => {
    const along = { axes: axesOf(op, self, dim === null ? null : [dim]), keepdim };
    return [extreme(op, 'ReduceMin', self, along), extreme(op, 'ReduceMax', self, along)];
  },
);

interface AlongOne {
  readonly axis: number;
  readonly keepdim: boolean;
}

/** First index of the extreme, as PyTorch gives on ties; the first NaN outranks all. */
function argExtreme(op: AtenBuilder, how: 'ArgMax' | 'ArgMin', x: Value, { axis, keepdim }: AlongOne): Value {
  if (rankOf(x) === 0) return filledTensor(op, [], 'int64', 0);
  const numbers = dtypeOf(x) === 'bool' ? op.Cast([x], { to: 'int32' }) : x;
  const place = op[how]([numbers], { axis, keepdims: keepdim ? 1 : 0 });
  if (!isMet(FAULTS.extremesLoseNaN, dtypeOf(x))) return place;
  return op.Where([anyNaN(op, x, { axes: [axis], keepdim }), placeOfNaN(op, x, { axis, keepdim }), place]);
}

/** Where the first NaN stands. */
export const placeOfNaN = (op: AtenBuilder, x: Value, { axis, keepdim }: AlongOne): Value =>
  op.ArgMax([nanMarks(op, x)], { axis, keepdims: keepdim ? 1 : 0 });

/** The maximum of windows that lie along an axis, and where: of several NaN the last, as all pooling has it. */
export function windowMaximum(op: AtenBuilder, x: Value, { axis, keepdim }: AlongOne): Value[] {
  const keepdims = keepdim ? 1 : 0;
  const results = [op.ReduceMax([x, op.ints([axis])], { keepdims }), op.ArgMax([x], { axis, keepdims })];
  if (!isMet(FAULTS.extremesLoseNaN, dtypeOf(x)) || !op.aten.carriesNaN()) return results;
  const isNaN = anyNaN(op, x, { axes: [axis], keepdim });
  const last = op.ArgMax([nanMarks(op, x)], { axis, keepdims, select_last_index: 1 });
  const instead = [op.scalar(dtypeOf(x), NaN), last];
  return results.map((v, i) => op.Where([isNaN, instead[i]!, v]));
}

/** As the operators' own arguments are called. */
interface Search<Dim = number> {
  readonly self: Value;
  readonly dim: Dim;
  readonly keepdim: boolean;
}

function withIndices(op: AtenBuilder, how: 'Max' | 'Min', { self, dim, keepdim }: Search): Value[] {
  const axis = axisOf(op, dim, rankOf(self));
  return [
    extreme(op, `Reduce${how}`, self, { axes: [axis], keepdim }),
    argExtreme(op, `Arg${how}`, self, { axis, keepdim }),
  ];
}
export const maxDim = aten(
  'aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, a) => withIndices(op, 'Max', a),
);
export const minDim = aten(
  'aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
  (op, a) => withIndices(op, 'Min', a),
);

function argAnywhere(op: AtenBuilder, how: 'ArgMax' | 'ArgMin', { self, dim, keepdim }: Search<number | null>): Value {
  if (dim !== null) return argExtreme(op, how, self, { axis: axisOf(op, dim, rankOf(self)), keepdim });
  const flat = argExtreme(op, how, reshape(op, self, [mulDims(...shapeOf(self))]), { axis: 0, keepdim: false });
  return keepdim
    ? reshape(
        op,
        flat,
        shapeOf(self).map((): Dim => 1),
      )
    : flat;
}
export const argmax = aten('aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor', (op, a) =>
  argAnywhere(op, 'ArgMax', a),
);
export const argmin = aten('aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor', (op, a) =>
  argAnywhere(op, 'ArgMin', a),
);
