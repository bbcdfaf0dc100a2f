/** Convolutions. */
import { type Dim, isStatic, mulDims } from '../../tensor/dim.ts';
import type { AttributeRow, Inferred, OpCall, OpRow } from './row.ts';
import { agreeDim, commonDtype, typed } from './shape-rules.ts';
import { slidingShape, transposedShape, windowOf } from './window-size.ts';

const INTS = { kind: 'ints', optional: true } as const satisfies AttributeRow;
const WINDOW = {
  dilations: INTS,
  group: { kind: 'int', default: 1 },
  kernel_shape: INTS,
  pads: INTS,
  strides: INTS,
} as const satisfies Record<string, AttributeRow>;
const CONVOLUTION = { auto_pad: { kind: 'string', default: 'NOTSET' }, ...WINDOW } as const satisfies Record<
  string,
  AttributeRow
>;

/** Shape of a convolution of input `x` with weights `w`; `b` is checked when it is there. */
export function convolutionShape(
  c: OpCall,
  { x, w, b }: { readonly x: number; readonly w: number; readonly b: number },
): Dim[] {
  const [n, channels, ...spatial] = c.shape(x);
  const [filters, channelsPerGroup, ...kernel] = c.shape(w);
  if (c.rank(x) < 3 || c.rank(w) !== c.rank(x))
    throw new Error(`${c.op}: input of rank ${c.rank(x)}, weights of rank ${c.rank(w)}`);
  agreeDim(channels!, mulDims(channelsPerGroup!, c.int('group')), `${c.op}, channels`);
  if (isStatic(filters!) && filters % c.int('group') !== 0)
    throw new Error(`${c.op}: ${filters} filters in ${c.int('group')} groups`);
  if (c.has(b)) agreeDim(c.shape(b)[0] ?? 1, filters!, `${c.op}, bias`);
  return [n!, filters!, ...slidingShape(c, spatial, windowOf(c, spatial.length, kernel))];
}

export const CONVOLUTIONS = {
  Conv: {
    since: [1, 11, 22],
    inputs: 'X W B?',
    attributes: CONVOLUTION,
    infer: (c) => typed(commonDtype(c), convolutionShape(c, { x: 0, w: 1, b: 2 })),
  },
  ConvInteger: {
    since: [10],
    inputs: 'x w x_zero_point? w_zero_point?',
    outputs: 'y',
    attributes: CONVOLUTION,
    readsCodes: true,
    infer: (c) => typed('int32', convolutionShape(c, { x: 0, w: 1, b: -1 })),
  },
  QLinearConv: {
    since: [10],
    inputs: 'x x_scale x_zero_point w w_scale w_zero_point y_scale y_zero_point B?',
    outputs: 'y',
    attributes: CONVOLUTION,
    readsCodes: true,
    infer: (c) => typed(c.dtypeOf(7), convolutionShape(c, { x: 0, w: 3, b: 8 })),
  },
  ConvTranspose: {
    since: [1, 11, 22],
    inputs: 'X W B?',
    attributes: { ...CONVOLUTION, output_padding: INTS, output_shape: INTS },
    infer: convTranspose,
  },
  DeformConv: {
    since: [19, 22],
    inputs: 'X W offset B? mask?',
    attributes: { ...WINDOW, offset_group: { kind: 'int', default: 1 } },
    infer: (c) => typed(commonDtype(c), convolutionShape(c, { x: 0, w: 1, b: 3 })),
  },
} as const satisfies Record<string, OpRow>;

function convTranspose(c: OpCall): Inferred {
  const [n, channels, ...spatial] = c.shape(0);
  const [inputs, filtersPerGroup, ...kernel] = c.shape(1);
  if (c.rank(0) < 3 || c.rank(1) !== c.rank(0))
    throw new Error(`ConvTranspose: input of rank ${c.rank(0)}, weights of rank ${c.rank(1)}`);
  agreeDim(channels!, inputs!, 'ConvTranspose, channels');
  const filters = mulDims(filtersPerGroup!, c.int('group'));
  if (c.has(2)) agreeDim(c.shape(2)[0] ?? 1, filters, 'ConvTranspose, bias');
  return typed(commonDtype(c), [n!, filters, ...transposedShape(c, spatial, windowOf(c, spatial.length, kernel))]);
}
