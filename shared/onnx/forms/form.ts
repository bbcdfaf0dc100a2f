/** An older way of writing an operator. */
import type { Dtype } from '../../tensor/dtype.ts';
import { isStatic } from '../../tensor/dim.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OnnxOp } from '../schema/index.ts';
import type { Fault } from '../runtime-facts/faults.ts';
import type { OpCall } from '../schema/row.ts';

export interface Form {
  /** Used for opsets below this one; `op.node` writes an old signature as it is. */
  readonly below: number;
  /** Only for calls of which this holds: the others are written as they are, or by a later form. */
  when?(call: OpCall): boolean;
  write(call: OpCall, op: Builder): Value | readonly Value[];
}

/** The way around a fault of onnxruntime, in every opset; `of` is the input that has one of its element types. */
export const around = (
  { dtypes }: Fault,
  { of = 0, when, write }: Omit<Form, 'below'> & { readonly of?: number },
): Form => ({
  below: Infinity,
  when: (c) => (dtypes === undefined || c.isOf(of, ...dtypes)) && (when?.(c) ?? true),
  write,
});

/** By operator; the first form that applies is used. */
export type Forms = Readonly<Partial<Record<OnnxOp, readonly Form[]>>>;

/** The size of an axis as an int64 scalar. */
export function sizeOf(op: Builder, x: Value, axis: number): Value {
  const dim = x.type!.shape[axis]!;
  return isStatic(dim) ? op.scalar('int64', dim) : op.Gather([op.Shape([x]), op.scalar('int64', axis)], { axis: 0 });
}

/** The shape of `x` as int64[rank]. */
export function shapeOf(op: Builder, x: Value): Value {
  const { shape } = x.type!;
  return shape.every(isStatic) ? op.ints(shape as readonly number[]) : op.Shape([x]);
}

export const castTo = (op: Builder, x: Value, dtype: Dtype): Value =>
  x.type!.dtype === dtype ? x : op.Cast([x], { to: dtype });

/** Where statistics are computed: 16-bit floats are too coarse for sums. */
export const accumulator = (dtype: Dtype): Dtype => (dtype === 'float64' ? 'float64' : 'float32');

/** A number in the element type of `like`. */
export const constantLike = (op: Builder, like: Value, value: number): Value => op.scalar(like.type!.dtype, value);
