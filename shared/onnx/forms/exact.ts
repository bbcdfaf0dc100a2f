/**
 * Sums and products of integers that wrap around, as C and PyTorch compute them: as products of matrices and by
 * elementwise operators, which are exact.
 */
import { isStatic, mulDims } from '../../tensor/dim.ts';
import { memoryData } from '../../tensor/data.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import type { Builder } from '../builder.ts';
import { magnitudeOf } from '../element-range.ts';
import type { Value } from '../ir.ts';
import { FAULTS, isMet } from '../runtime-facts/faults.ts';
import type { OpCall } from '../schema/row.ts';
import { axesIn } from '../schema/shape-rules.ts';
import { productAlong } from './exact-product.ts';
import { around, type Form, type Forms, sizeOf } from './form.ts';

/** What both a double and the type hold. */
const LARGEST: Readonly<Partial<Record<Dtype, number>>> = { int32: 2 ** 31 - 1, int64: 2 ** 53 };

/** Elements reduced into one; where that is not known, more than fit into memory. */
function countOf(c: OpCall, axes: readonly number[]): number {
  const count = mulDims(...axes.map((a) => c.shape(0)[a]!));
  return isStatic(count) ? count : 2 ** 40;
}

/** The axes of a reduction of integers that may leave what a double holds; null: none are known, or none such. */
function inexactAxes(c: OpCall, largest: (magnitude: number, count: number) => number): readonly number[] | null {
  const limit = c.inputs[0]?.type ? LARGEST[c.dtypeOf(0)] : undefined;
  const axes = c.integers(1, 'axes') ?? [];
  if (limit === undefined || (c.has(1) && !c.numbers(1)) || (!axes.length && c.int('noop_with_empty_axes')))
    return null;
  // Elements that are followed as sizes are small.
  if (c.rank(0) === 0 || c.content(0)) return null;
  const all = axes.length ? axesIn(axes, c.rank(0)) : c.shape(0).map((_, i) => i);
  return largest(magnitudeOf(c.input(0)), countOf(c, all)) <= limit ? null : all;
}

const sumAxes = (c: OpCall): readonly number[] | null => inexactAxes(c, (most, count) => most * count);
const productAxes = (c: OpCall): readonly number[] | null =>
  inexactAxes(c, (most, count) => Math.max(1, most) ** count);

const exact = (
  axesOf: (c: OpCall) => readonly number[] | null,
  along: (op: Builder, x: Value, axis: number) => Value,
): Form =>
  around(FAULTS.integersInDouble, {
    when: (c) => axesOf(c) !== null,
    write: (c, op) => {
      const axes = axesOf(c)!;
      const [x, open] =
        axes.length > 1 && axes.length === c.rank(0)
          ? [op.Reshape([c.input(0), op.ints([-1])]), [0]]
          : [c.input(0), axes];
      const reduced = open.toSorted((a, b) => b - a).reduce((y, axis) => along(op, y, axis), x);
      return c.int('keepdims') ? op.Unsqueeze([reduced, op.ints(axes)]) : reduced;
    },
  });

/** A product with ones, which is several times as fast as the reduction; the axis goes. */
function sumAlong(op: Builder, x: Value, axis: number): Value {
  const { dtype, shape } = x.type!;
  const last = shape.length - 1;
  if (last > 1 && isMet(FAULTS.stacksOfNothing, dtype) && !shape.every((d) => isStatic(d) && d > 0))
    return runningSum(op, x, axis);
  const size = op.Unsqueeze([sizeOf(op, x, axis), op.ints([0])]);
  const one = op.ints([1]);
  const value = memoryData(dtype, [1], encodeNumbers(dtype, [1]));
  const ones = (dims: readonly Value[]): Value => op.ConstantOfShape([op.Concat(dims, { axis: 0 })], { value });
  if (axis === last) return op.Squeeze([op.MatMul([x, ones([size, one])]), op.ints([last])]);
  const order = shape.map((_, i) => i).filter((i) => i !== axis);
  const turned = axis === last - 1 ? x : op.Transpose([x], { perm: order.toSpliced(last - 1, 0, axis) });
  return op.Squeeze([op.MatMul([ones([one, size]), turned]), op.ints([last - 1])]);
}

/** An end behind every axis. */
const BEYOND = 2 ** 31;

/** The last of the running sums, which begin with nothing. */
function runningSum(op: Builder, x: Value, axis: number): Value {
  const { dtype, shape } = x.type!;
  const pads = shape.flatMap((_, i) => (i === axis ? 1 : 0)).concat(shape.map(() => 0));
  const sums = op.CumSum([op.Pad([x, op.ints(pads), op.scalar(dtype, 0)]), op.scalar('int64', axis)]);
  return op.Squeeze([op.Slice([sums, op.ints([-1]), op.ints([BEYOND]), op.ints([axis])]), op.ints([axis])]);
}
/** Norms are sums of something. */
const throughSum = (terms: (op: Builder, x: Value) => Value): Form =>
  around(FAULTS.integersInDouble, {
    write: (c, op) => op.ReduceSum([terms(op, c.input(0)), ...c.inputs.slice(1)], c.given()),
  });

export const EXACT_FORMS: Forms = {
  ReduceSum: [exact(sumAxes, sumAlong)],
  ReduceProd: [exact(productAxes, productAlong)],
  ReduceL1: [throughSum((op, x) => op.Abs([x]))],
  ReduceSumSquare: [throughSum((op, x) => op.Mul([x, x]))],
};
