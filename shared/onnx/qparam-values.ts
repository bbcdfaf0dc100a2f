/** Scale and zero point as values of a graph: what QuantizeLinear and DequantizeLinear read. */
import type { Granularity } from '../tensor/qparams.ts';
import type { AttributeInputs } from './builder.ts';
import type { Value } from './ir.ts';

export interface QParamValues {
  readonly scale: Value;
  /** null: 0. */
  readonly zeroPoint: Value | null;
  readonly granularity: Granularity;
}

/** The attributes that say which elements share a scale. */
export function granularityAttributes(granularity: Granularity): AttributeInputs {
  switch (granularity.kind) {
    case 'tensor':
      return {};
    case 'axis':
      return { axis: granularity.axis };
    case 'block':
      return { axis: granularity.axis, block_size: granularity.size };
  }
}
