/** Reductions and running sums along axes. */
import { addDims, type Dim, mulDims } from '../../tensor/dim.ts';
import { isInteger } from '../../tensor/dtype.ts';
import type { AttributeRow, Inferred, OpCall, OpRow } from './row.ts';
import { axesIn, axisIn, sameAs, typed, requireDtype } from './shape-rules.ts';

/** `gone`: the opset in which the axes became an input. */
const reduction = (since: readonly number[], gone: number, whole?: (dims: readonly Dim[]) => Dim): OpRow => ({
  since,
  inputs: 'data axes?',
  outputs: 'reduced',
  attributes: {
    keepdims: { kind: 'int', default: 1 },
    noop_with_empty_axes: { kind: 'int', since: gone, default: 0 },
    axes: { kind: 'ints', optional: true, until: gone },
  },
  infer: (c) => ({
    ...reduced(c),
    content: whole && c.rank(0) === 1 && isInteger(c.dtypeOf(0)) ? reducedContent(c, whole) : null,
  }),
});

const arg: OpRow = {
  since: [1, 11, 12, 13],
  inputs: 'data',
  outputs: 'reduced',
  attributes: {
    axis: { kind: 'int', default: 0 },
    keepdims: { kind: 'int', default: 1 },
    select_last_index: { kind: 'int', since: 12, default: 0 },
  },
  infer: (c) => typed('int64', withoutAxes(c, [c.int('axis')])),
};

const cumulative = (since: readonly number[]): OpRow => ({
  since,
  inputs: 'x axis',
  outputs: 'y',
  attributes: { exclusive: { kind: 'int', default: 0 }, reverse: { kind: 'int', default: 0 } } satisfies Record<
    string,
    AttributeRow
  >,
  infer: (c) => {
    requireDtype(c, 1, 'int32', 'int64');
    const axis = c.numbers(1)?.[0];
    if (axis !== undefined) axisIn(axis, c.rank(0));
    return sameAs()(c);
  },
});

const PLAIN = [1, 11, 13, 18] as const;

export const REDUCTION = {
  ReduceSum: reduction([1, 11, 13], 13, (dims) => addDims(...dims)),
  ReduceMean: reduction(PLAIN, 18),
  ReduceMax: reduction([1, 11, 12, 13, 18, 20], 18),
  ReduceMin: reduction([1, 11, 12, 13, 18, 20], 18),
  ReduceProd: reduction(PLAIN, 18, (dims) => mulDims(...dims)),
  ReduceL1: reduction(PLAIN, 18),
  ReduceL2: reduction(PLAIN, 18),
  ReduceSumSquare: reduction(PLAIN, 18),
  ReduceLogSum: reduction(PLAIN, 18),
  ReduceLogSumExp: reduction(PLAIN, 18),
  ArgMax: arg,
  ArgMin: arg,
  CumSum: cumulative([11, 14]),
  CumProd: cumulative([26]),
} as const satisfies Record<string, OpRow>;

function reduced(c: OpCall): Inferred {
  const axes = c.integers(1, 'axes');
  if (c.has(1) && !axes) {
    // Which axes go is not known: with keepdims at least the rank is.
    return c.int('keepdims')
      ? typed(
          c.dtypeOf(0),
          c.shape(0).map(() => c.unknownDim()),
        )
      : { type: null };
  }
  if (!axes?.length && c.int('noop_with_empty_axes')) return { type: c.type(0) };
  return typed(c.dtypeOf(0), withoutAxes(c, axes?.length ? axes : c.shape(0).map((_, i) => i)));
}

function withoutAxes(c: OpCall, axes: readonly number[]): Dim[] {
  const at = new Set(axesIn(axes, c.rank(0)));
  return c.int('keepdims') ? c.shape(0).map((d, i) => (at.has(i) ? 1 : d)) : c.shape(0).filter((_, i) => !at.has(i));
}

function reducedContent(c: OpCall, whole: (dims: readonly Dim[]) => Dim): Dim[] | null {
  const content = c.content(0);
  const axes = c.integers(1, 'axes');
  if (!content || (c.has(1) && !axes) || (!axes?.length && c.int('noop_with_empty_axes'))) return null;
  return [whole(content)];
}
