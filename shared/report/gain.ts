/** What an INT8 model is for: to be smaller or faster than FP32. Accuracy is the criterion's. */
import { formatSizeChange, formatSpeedChange } from './format.ts';
import type { Variant } from './report.ts';

/** Nearer than this two times are the same: so far apart are the medians of one model that is measured twice. */
const LEAST_RATIO = 1.1;
/** Milliseconds that calling a model costs on a busy machine, whatever the model. */
const LEAST_MS = 1;

type Sized = Pick<Variant, 'bytes' | 'validation'>;

/** Two times in milliseconds that are as near as the medians of one model that is measured twice. */
export const areAlike = (a: number, b: number): boolean =>
  Math.abs(a - b) < LEAST_MS || Math.max(a, b) < LEAST_RATIO * Math.min(a, b);

/** Clearly faster (1), clearly slower (-1), neither or not measured (0); from runs that alternate with FP32. */
export function speedAgainstFp32({ validation }: Pick<Variant, 'validation'>): -1 | 0 | 1 {
  const { medianMs = null, fp32MedianMs = null } = validation?.latency ?? {};
  if (medianMs === null || fp32MedianMs === null || Math.abs(medianMs - fp32MedianMs) < LEAST_MS) return 0;
  if (medianMs * LEAST_RATIO <= fp32MedianMs) return 1;
  return fp32MedianMs * LEAST_RATIO <= medianMs ? -1 : 0;
}

/** Smaller or faster than the reference; where there is none, nothing else could be chosen. */
export const isWorthwhile = (variant: Sized, reference: Sized | null): boolean =>
  reference === null || variant.bytes < reference.bytes || speedAgainstFp32(variant) > 0;

/** `3.8x smaller`, `2.63x faster`: what is known of them. */
export function gainsOf(variant: Sized, reference: Sized | null): string[] {
  const { medianMs = null, fp32MedianMs = null } = variant.validation?.latency ?? {};
  return [
    ...(reference ? [formatSizeChange(reference.bytes, variant.bytes)] : []),
    ...(medianMs !== null && fp32MedianMs !== null ? [formatSpeedChange(fp32MedianMs, medianMs)] : []),
  ];
}
