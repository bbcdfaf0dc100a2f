/** Poolings. */
import { addDims, type Dim, mulDims, subDims } from '../../tensor/dim.ts';
import type { AttributeRow, OpCall, OpRow } from './row.ts';
import { size, typed, unknownShape } from './shape-rules.ts';
import { slidingShape, windowOf } from './window-size.ts';

const INTS = { kind: 'ints', optional: true } as const satisfies AttributeRow;
const POOLING = {
  auto_pad: { kind: 'string', default: 'NOTSET' },
  kernel_shape: { kind: 'ints' },
  pads: INTS,
  strides: INTS,
} as const satisfies Record<string, AttributeRow>;

/** Shape of a pooling of input `x`. */
export function poolingShape(c: OpCall, x = 0): Dim[] {
  const [n, channels, ...spatial] = c.shape(x);
  if (c.rank(x) < 3) throw new Error(`${c.op}: input of rank ${c.rank(x)}`);
  return [n!, channels!, ...slidingShape(c, spatial, windowOf(c, spatial.length, c.ints('kernel_shape')!))];
}

export const globalPoolingShape = (c: OpCall, x = 0): Dim[] => c.shape(x).map((d, i) => (i < 2 ? d : 1));

const globally = (since: readonly number[], attributes: Readonly<Record<string, AttributeRow>> = {}): OpRow => ({
  since,
  inputs: 'X',
  attributes,
  infer: (c) => typed(c.dtypeOf(0), globalPoolingShape(c)),
});

export const POOLINGS = {
  MaxPool: {
    since: [1, 8, 10, 11, 12, 22],
    inputs: 'X',
    outputs: 'Y Indices?',
    attributes: {
      ...POOLING,
      ceil_mode: { kind: 'int', since: 10, default: 0 },
      dilations: { ...INTS, since: 10 },
      storage_order: { kind: 'int', since: 8, default: 0 },
    },
    infer: (c) => {
      const shape = poolingShape(c);
      return [typed(c.dtypeOf(0), shape), typed('int64', shape)];
    },
  },
  AveragePool: {
    since: [1, 7, 10, 11, 19, 22],
    inputs: 'X',
    attributes: {
      ...POOLING,
      ceil_mode: { kind: 'int', since: 10, default: 0 },
      count_include_pad: { kind: 'int', since: 7, default: 0 },
      dilations: { ...INTS, since: 19 },
    },
    infer: (c) => typed(c.dtypeOf(0), poolingShape(c)),
  },
  LpPool: {
    since: [1, 2, 11, 18, 22],
    inputs: 'X',
    attributes: {
      ...POOLING,
      ceil_mode: { kind: 'int', since: 18, default: 0 },
      dilations: { ...INTS, since: 18 },
      p: { kind: 'int', default: 2 },
    },
    infer: (c) => typed(c.dtypeOf(0), poolingShape(c)),
  },
  GlobalAveragePool: globally([1, 22]),
  GlobalMaxPool: globally([1, 22]),
  GlobalLpPool: globally([1, 2, 22], { p: { kind: 'int', default: 2 } }),
  MaxUnpool: {
    since: [9, 11, 22],
    inputs: 'X I output_shape?',
    outputs: 'output',
    attributes: { kernel_shape: { kind: 'ints' }, pads: INTS, strides: INTS },
    infer: (c) => {
      if (c.has(2)) {
        const shape = c.content(2) ?? unknownShape(c, 2);
        return shape ? typed(c.dtypeOf(0), shape) : { type: null };
      }
      const [n, channels, ...spatial] = c.shape(0);
      const { kernel, strides, pads } = windowOf(c, spatial.length, c.ints('kernel_shape')!);
      const grown = spatial.map((d, i) =>
        size(c, addDims(mulDims(subDims(d, 1), strides[i]!), kernel[i]!, -pads[i]! - pads[spatial.length + i]!)),
      );
      return typed(c.dtypeOf(0), [n!, channels!, ...grown]);
    },
  },
} as const satisfies Record<string, OpRow>;
