/** Resizing as matrix products along the axes of an image, for what runtimes do not resize as PyTorch does. */
import { type Dim, floorDivDims, mulDims, roundDims } from '../../../tensor/dim.ts';
import { isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { alongAxisMatrix } from '../../axis-matrix.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, staticSize } from '../../shape.ts';
import { antialiasRows, type Axis, type Filter, fixedPoint, plainRows } from './filters.ts';

/** As the operators' own arguments are called. */
export interface Target {
  readonly output_size: readonly Dim[] | null;
  readonly scale_factors: readonly (number | null)[] | null;
}

/** floor(size * scale), in doubles. */
export function scaled(size: Dim, scale: number): Dim {
  if (Number.isInteger(scale)) return mulDims(size, scale);
  if (Number.isInteger(Math.log2(scale))) return floorDivDims(size, 1 / scale);
  return roundDims('floor', { fn: 'mul', of: [{ arg: 0 }, scale] }, [size]);
}

export interface Resampling extends Target {
  readonly filter: Filter;
  readonly antialias: boolean;
  readonly align: boolean;
}

const rowsOf = (axis: Axis, { filter, antialias }: Resampling): number[][] =>
  (antialias ? antialiasRows : plainRows)(axis, filter);

/** An axis of an image; a scale that was given decides where samples are taken. */
function axisAt(op: AtenBuilder, x: Value, at: number, { output_size, scale_factors, align }: Resampling): Axis {
  const size = staticSize(op, shapeOf(x)[at]!, 'input size');
  const given = scale_factors?.[at - 2] ?? null;
  const out = staticSize(op, output_size?.[at - 2] ?? scaled(size, given ?? 1), 'output_size');
  return { size, out, align, scale: align ? (out > 1 ? (size - 1) / (out - 1) : 0) : given ? 1 / given : size / out };
}

/** Antialiased: runtimes do not agree on Resize with antialiasing. */
export function resampled(op: AtenBuilder, x: Value, resampling: Resampling): Value {
  if (!isFloat(dtypeOf(x))) return resampledBytes(op, x, resampling);
  return [2, 3].reduce<Value>(
    (v, at) => alongAxisMatrix(op, v, at, rowsOf(axisAt(op, v, at, resampling), resampling)),
    x,
  );
}

/**
 * Bytes are interpolated with weights in fixed point, columns before rows, and rounded to bytes after each; an axis
 * whose size stays is left alone. Doubles hold every sum.
 */
export function resampledBytes(op: AtenBuilder, x: Value, resampling: Resampling): Value {
  if (dtypeOf(x) !== 'uint8' || rankOf(x) !== 4)
    return op.aten.refuse('input', dtypeOf(x), 'floating-point images, and two-dimensional ones of bytes');
  const axes = [3, 2].map((at) => ({ at, axis: axisAt(op, x, at, resampling) }));
  const result = axes
    .filter(({ axis }) => axis.size !== axis.out)
    .reduce(
      (v, { at, axis }) =>
        roundedBytes(op, alongAxisMatrix(op, cast(op, v, 'float64'), at, fixedPoint(rowsOf(axis, resampling)))),
      x,
    );
  return cast(op, result, 'uint8');
}

function roundedBytes(op: AtenBuilder, x: Value): Value {
  const num = (value: number): Value => op.scalar('float64', value);
  return op.Min([op.Max([op.Floor([op.Add([x, num(0.5)])]), num(0)]), num(255)]);
}
