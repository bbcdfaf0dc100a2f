/** Picking and placing elements by index or condition. */
import { isStatic } from '../../tensor/dim.ts';
import type { AttributeRow, Inferred, OpCall, OpRow } from './row.ts';
import {
  agreeDim,
  axisIn,
  commonDtype,
  productDims,
  replaceDim,
  requireDtype,
  requireRank,
  typed,
} from './shape-rules.ts';

const axis = (value: number): Readonly<Record<string, AttributeRow>> => ({ axis: { kind: 'int', default: value } });
const REDUCTION = { reduction: { kind: 'string', since: 16, default: 'none' } } as const satisfies Record<
  string,
  AttributeRow
>;

export const INDEXING = {
  Gather: { since: [1, 11, 13], inputs: 'data indices', outputs: 'output', attributes: axis(0), infer: gather },
  GatherElements: {
    since: [11, 13],
    inputs: 'data indices',
    outputs: 'output',
    attributes: axis(0),
    infer: (c) => {
      requireIndices(c, 1);
      requireRank(c, 1, c.rank(0));
      axisIn(c.int('axis'), c.rank(0));
      return typed(c.dtypeOf(0), c.shape(1));
    },
  },
  GatherND: {
    since: [11, 12, 13],
    inputs: 'data indices',
    outputs: 'output',
    attributes: { batch_dims: { kind: 'int', since: 12, default: 0 } },
    infer: (c) => {
      requireDtype(c, 1, 'int64');
      const depth = c.shape(1).at(-1);
      if (depth === undefined) throw new Error('GatherND: the indices are a scalar');
      if (!isStatic(depth)) return { type: null };
      const from = c.int('batch_dims') + depth;
      if (from > c.rank(0)) throw new Error(`GatherND: indices of ${depth} numbers for rank ${c.rank(0)}`);
      return typed(c.dtypeOf(0), [...c.shape(1).slice(0, -1), ...c.shape(0).slice(from)]);
    },
  },
  ScatterElements: {
    since: [11, 13, 16, 18],
    inputs: 'data indices updates',
    outputs: 'output',
    attributes: { ...axis(0), ...REDUCTION },
    infer: (c) => {
      requireIndices(c, 1);
      for (const i of [1, 2]) requireRank(c, i, c.rank(0));
      c.shape(1).forEach((d, i) => agreeDim(d, c.shape(2)[i]!, 'ScatterElements'));
      axisIn(c.int('axis'), c.rank(0));
      return typed(commonDtype(c, [0, 2]), c.shape(0));
    },
  },
  ScatterND: {
    since: [11, 13, 16, 18],
    inputs: 'data indices updates',
    outputs: 'output',
    attributes: REDUCTION,
    infer: (c) => {
      requireDtype(c, 1, 'int64');
      const depth = c.shape(1).at(-1);
      if (depth !== undefined && isStatic(depth)) {
        const wanted = [...c.shape(1).slice(0, -1), ...c.shape(0).slice(depth)];
        requireRank(c, 2, wanted.length);
        wanted.forEach((d, i) => agreeDim(d, c.shape(2)[i]!, 'ScatterND'));
      }
      return typed(commonDtype(c, [0, 2]), c.shape(0));
    },
  },
  TensorScatter: {
    since: [24],
    inputs: 'past_cache update write_indices?',
    outputs: 'present_cache',
    attributes: { ...axis(-2), mode: { kind: 'string', default: 'linear' } },
    infer: (c) => typed(commonDtype(c, [0, 1]), c.shape(0)),
  },
  OneHot: {
    since: [9, 11],
    inputs: 'indices depth values',
    outputs: 'output',
    attributes: axis(-1),
    infer: (c) => {
      const at = axisIn(c.int('axis'), c.rank(0) + 1);
      return typed(c.dtypeOf(2), c.shape(0).toSpliced(at, 0, c.content(1)?.[0] ?? c.unknownDim()));
    },
  },
  NonZero: { since: [9, 13], inputs: 'X', infer: (c) => typed('int64', [c.rank(0), c.unknownDim()]) },
  Compress: {
    since: [9, 11],
    inputs: 'input condition',
    outputs: 'output',
    attributes: { axis: { kind: 'int', optional: true } },
    infer: (c) => {
      requireDtype(c, 1, 'bool');
      const kept = c.numbers(1)?.filter((x) => x !== 0).length ?? c.unknownDim();
      return typed(
        c.dtypeOf(0),
        c.attribute('axis') ? replaceDim(c.shape(0), axisIn(c.int('axis'), c.rank(0)), kept) : [kept],
      );
    },
  },
  Unique: {
    since: [11],
    inputs: 'X',
    outputs: 'Y indices? inverse_indices? counts?',
    attributes: { axis: { kind: 'int', optional: true }, sorted: { kind: 'int', default: 1 } },
    infer: (c) => {
      const count = c.unknownDim();
      const at = c.attribute('axis') ? axisIn(c.int('axis'), c.rank(0)) : null;
      const [distinct, all] =
        at === null ? [[count], productDims(c.shape(0))] : [replaceDim(c.shape(0), at, count), c.shape(0)[at]!];
      return [typed(c.dtypeOf(0), distinct), typed('int64', [count]), typed('int64', [all]), typed('int64', [count])];
    },
  },
  TopK: {
    since: [1, 10, 11, 24],
    inputs: 'X K',
    outputs: 'Values Indices',
    attributes: {
      ...axis(-1),
      largest: { kind: 'int', since: 11, default: 1 },
      sorted: { kind: 'int', since: 11, default: 1 },
      k: { kind: 'int', optional: true, until: 10 },
    },
    infer: (c) => {
      const at = axisIn(c.int('axis'), c.rank(0));
      if (c.has(1)) requireRank(c, 1, 1);
      const k = c.has(1) ? (c.content(1)?.[0] ?? c.unknownDim()) : c.int('k');
      const [whole, shape] = [c.shape(0)[at]!, replaceDim(c.shape(0), at, k)];
      if (isStatic(k) && isStatic(whole) && k > whole) throw new Error(`TopK: ${k} of ${whole}`);
      return [typed(c.dtypeOf(0), shape), typed('int64', shape)];
    },
  },
} as const satisfies Record<string, OpRow>;

const requireIndices = (c: OpCall, index: number): void => requireDtype(c, index, 'int32', 'int64');

function gather(c: OpCall): Inferred {
  requireIndices(c, 1);
  const data = c.shape(0);
  if (data.length === 0) throw new Error('Gather: a scalar has nothing to pick from');
  const at = axisIn(c.int('axis'), data.length);
  const whole = data[at]!;
  const picks = c.numbers(1);
  if (picks && isStatic(whole) && picks.some((i) => i >= whole || i < -whole))
    throw new Error(`Gather: index [${picks}] is outside ${whole}`);
  const content = data.length === 1 ? c.content(0) : null;
  const picked = content && picks?.every((i) => content.at(i) !== undefined) ? picks.map((i) => content.at(i)!) : null;
  return typed(c.dtypeOf(0), [...data.slice(0, at), ...c.shape(1), ...data.slice(at + 1)], picked);
}
