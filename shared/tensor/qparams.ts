/** Scale and zero point: what the codes of a quantized tensor mean, whoever chose them. */
import type { TensorData } from './data.ts';
import type { Dtype } from './dtype.ts';

interface CodeRow {
  readonly low: number;
  readonly high: number;
}

/** Element types of codes, with the smallest and the largest code each holds. */
export const CODES = {
  uint4: { low: 0, high: 15 },
  int4: { low: -8, high: 7 },
  uint8: { low: 0, high: 255 },
  int8: { low: -128, high: 127 },
  uint16: { low: 0, high: 65535 },
  int16: { low: -32768, high: 32767 },
  int32: { low: -(2 ** 31), high: 2 ** 31 - 1 },
} as const satisfies Partial<Record<Dtype, CodeRow>>;

export type CodeDtype = keyof typeof CODES;

/** Which elements share a scale: all, those of one index of `axis`, or `size` neighbours along `axis`. */
export type Granularity =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'axis'; readonly axis: number }
  | { readonly kind: 'block'; readonly axis: number; readonly size: number };

export const PER_TENSOR: Granularity = { kind: 'tensor' };
/** One scale per index of the axis; null: one for all. */
export const perAxis = (axis: number | null): Granularity => (axis === null ? PER_TENSOR : { kind: 'axis', axis });
/** The axis along which scales differ; null: there is one for all. */
export const scaleAxis = (granularity: Granularity): number | null =>
  granularity.kind === 'tensor' ? null : granularity.axis;

/** `real = (code - zero point) * scale`. */
export interface QParams {
  /** Of the codes. */
  readonly dtype: CodeDtype;
  readonly granularity: Granularity;
  /**
   * A scalar; a vector with one number per index of the axis; or the tensor's shape with the axis divided by the
   * block's size.
   */
  readonly scale: TensorData;
  /**
   * Of the scale's shape; null: 0. Whole numbers have the type of the codes; PyTorch's embedding tables have zero
   * points in float32.
   */
  readonly zeroPoint: TensorData | null;
}
