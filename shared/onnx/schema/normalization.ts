/** Normalizations and dropout. */
import { type Dim, sameDim } from '../../tensor/dim.ts';
import type { AttributeRow, OpCall, OpRow } from './row.ts';
import { agreeDim, axesIn, axisIn, broadcastShapes, requireFloat, sameFloat, typed } from './shape-rules.ts';

const EPSILON = { epsilon: { kind: 'float', default: 9.999999747378752e-6 } } as const satisfies Record<
  string,
  AttributeRow
>;
const AXIS = { axis: { kind: 'int', default: -1 } } as const satisfies Record<string, AttributeRow>;

/** Inputs `indices` hold one number per channel. */
function requireChannels(c: OpCall, indices: readonly number[]): void {
  if (c.rank(0) < 2) throw new Error(`${c.op}: input of rank ${c.rank(0)}`);
  for (const i of indices) {
    if (c.rank(i) !== 1) throw new Error(`${c.op}: input ${i} has rank ${c.rank(i)}, not 1`);
    agreeDim(c.shape(i)[0]!, c.shape(0)[1]!, `${c.op}, channels`);
  }
}

/** Inputs `indices` broadcast to the normalized axes. */
function requireNormalized(c: OpCall, axis: number, indices: readonly number[]): void {
  for (const i of indices.filter((n) => c.has(n))) {
    if (c.rank(i) > c.rank(0)) throw new Error(`${c.op}: input ${i} has rank ${c.rank(i)}`);
    broadcastShapes([c.shape(0).slice(axis), c.shape(i)], () => c.unknownDim());
  }
}

export const NORMALIZATION = {
  BatchNormalization: {
    since: [1, 6, 7, 9, 14, 15],
    inputs: 'X scale B input_mean input_var',
    outputs: 'Y running_mean? running_var?',
    attributes: {
      ...EPSILON,
      momentum: { kind: 'float', default: 0.8999999761581421 },
      training_mode: { kind: 'int', since: 14, default: 0 },
    },
    infer: (c) => {
      requireFloat(c, 0);
      requireChannels(c, [1, 2, 3, 4]);
      return [{ type: c.type(0) }, { type: c.type(3) }, { type: c.type(4) }];
    },
  },
  InstanceNormalization: {
    since: [1, 6, 22],
    inputs: 'input scale B',
    outputs: 'output',
    attributes: EPSILON,
    infer: (c) => {
      requireChannels(c, [1, 2]);
      return sameFloat(c);
    },
  },
  GroupNormalization: {
    since: [18, 21],
    inputs: 'X scale bias',
    attributes: {
      ...EPSILON,
      num_groups: { kind: 'int' },
      stash_type: { kind: 'int', since: 21, dtype: true, default: 1 },
    },
    infer: (c) => {
      // Files of opset 18 to 20 have one scale for each group.
      if (c.opset >= 21 || !sameDim(c.shape(1)[0]!, c.int('num_groups'))) requireChannels(c, [1, 2]);
      return sameFloat(c);
    },
  },
  LayerNormalization: {
    since: [17],
    inputs: 'X Scale B?',
    outputs: 'Y Mean? InvStdDev?',
    attributes: { ...AXIS, ...EPSILON, stash_type: { kind: 'int', dtype: true, default: 1 } },
    infer: (c) => {
      requireFloat(c, 0);
      const axis = axisIn(c.int('axis'), c.rank(0));
      requireNormalized(c, axis, [1, 2]);
      const statistics = typed(
        c.dtype('stash_type'),
        c.shape(0).map((d, i): Dim => (i < axis ? d : 1)),
      );
      return [{ type: c.type(0) }, statistics, statistics];
    },
  },
  RMSNormalization: {
    since: [23],
    inputs: 'X scale',
    attributes: { ...AXIS, ...EPSILON, stash_type: { kind: 'int', dtype: true, default: 1 } },
    infer: (c) => {
      requireFloat(c, 0);
      requireNormalized(c, axisIn(c.int('axis'), c.rank(0)), [1]);
      return typed(c.dtypeOf(1), c.shape(0));
    },
  },
  LpNormalization: {
    since: [1, 22],
    inputs: 'input',
    outputs: 'output',
    attributes: { ...AXIS, p: { kind: 'int', default: 2 } },
    infer: (c) => {
      axisIn(c.int('axis'), c.rank(0));
      return sameFloat(c);
    },
  },
  LRN: {
    since: [1, 13],
    inputs: 'X',
    attributes: {
      alpha: { kind: 'float', default: 9.999999747378752e-5 },
      beta: { kind: 'float', default: 0.75 },
      bias: { kind: 'float', default: 1 },
      size: { kind: 'int' },
    },
    infer: sameFloat,
  },
  MeanVarianceNormalization: {
    since: [9, 13],
    inputs: 'X',
    attributes: { axes: { kind: 'ints', default: [0, 2, 3] } },
    infer: (c) => {
      axesIn(c.ints('axes')!, c.rank(0));
      return sameFloat(c);
    },
  },
  Dropout: {
    since: [1, 6, 7, 10, 12, 13, 22],
    inputs: 'data ratio? training_mode?',
    outputs: 'output mask?',
    attributes: {
      seed: { kind: 'int', since: 12, optional: true },
      ratio: { kind: 'float', optional: true, until: 12 },
    },
    infer: (c) => [sameFloat(c), typed('bool', c.shape(0))],
  },
} as const satisfies Record<string, OpRow>;
