/** Between real numbers and quantized codes. */
import { agreeDim, axisIn, requireFloat, typed } from './shape-rules.ts';
import type { AttributeRow, OpCall, OpRow } from './row.ts';

const SINCE = [10, 13, 19, 21, 23, 24, 25] as const;
const GRANULARITY = {
  axis: { kind: 'int', since: 13, default: 1 },
  block_size: { kind: 'int', since: 21, default: 0 },
} as const satisfies Record<string, AttributeRow>;

export const QUANTIZATION = {
  QuantizeLinear: {
    since: SINCE,
    inputs: 'x y_scale y_zero_point?',
    outputs: 'y',
    attributes: {
      ...GRANULARITY,
      output_dtype: { kind: 'int', since: 21, dtype: true, default: 0 },
      precision: { kind: 'int', since: 23, dtype: true, default: 0 },
      saturate: { kind: 'int', since: 19, default: 1 },
    },
    infer: (c) => {
      requireScales(c);
      const dtype = c.has(2) ? c.dtypeOf(2) : c.int('output_dtype') !== 0 ? c.dtype('output_dtype') : 'uint8';
      return typed(dtype, c.shape(0));
    },
  },
  DequantizeLinear: {
    since: SINCE,
    inputs: 'x x_scale x_zero_point?',
    outputs: 'y',
    attributes: { ...GRANULARITY, output_dtype: { kind: 'int', since: 23, dtype: true, default: 0 } },
    readsCodes: true,
    infer: (c) => {
      requireScales(c);
      if (c.has(2) && c.dtypeOf(2) !== c.dtypeOf(0))
        throw new Error(`DequantizeLinear: codes are ${c.dtypeOf(0)}, their zero point ${c.dtypeOf(2)}`);
      return typed(c.int('output_dtype') !== 0 ? c.dtype('output_dtype') : c.dtypeOf(1), c.shape(0));
    },
  },
  DynamicQuantizeLinear: {
    since: [11],
    inputs: 'x',
    outputs: 'y y_scale y_zero_point',
    readsCodes: true,
    infer: (c) => [typed('uint8', c.shape(0)), typed('float32', []), typed('uint8', [])],
  },
} as const satisfies Record<string, OpRow>;

/** A scale per tensor, per index of an axis, or per block; the zero points have its shape. */
function requireScales(c: OpCall): void {
  requireFloat(c, 1);
  if (c.has(2) && c.rank(2) !== c.rank(1)) throw new Error(`${c.op}: scale and zero point differ in rank`);
  if (c.int('block_size') !== 0 || c.rank(1) !== 1 || c.shape(1)[0] === 1) return;
  agreeDim(c.shape(1)[0]!, c.shape(0)[axisIn(c.int('axis'), c.rank(0))]!, `${c.op}, scales`);
}
