/** What a variant measured, gathered from its comparisons: one place where "the error" gets its meaning. */
import { isQuantized, roleOf } from '../choices.ts';
import type { Comparison, OutputComparison, Variant } from './report.ts';

/** What is measured of a model: how its validation went. */
export type Judged = Pick<Variant, 'dtype' | 'validation'> & Partial<Pick<Variant, 'sizeRatio'>>;

export const comparisonWith = (variant: Judged, against: Comparison['against']): Comparison | null =>
  variant.validation?.comparisons.find((c) => c.against === against) ?? null;

/** The comparison that tells how far a variant is off: quantized from the FP32 it was made of, FP32 from PyTorch. */
export const closestComparison = (variant: Judged): Comparison | null =>
  (isQuantized(variant) ? comparisonWith(variant, 'fp32') : null) ??
  comparisonWith(variant, 'pytorch') ??
  variant.validation?.comparisons[0] ??
  null;

/** The output that is furthest off; a NaN is further than anything. */
export function worstOutput(outputs: readonly OutputComparison[]): OutputComparison | null {
  const further = (a: OutputComparison, b: OutputComparison): OutputComparison =>
    Number.isNaN(a.maxAbsDiff) || a.maxAbsDiff >= b.maxAbsDiff ? a : b;
  return outputs.length ? outputs.reduce(further) : null;
}

export const largestDifference = (comparison: Comparison | null): number | null =>
  worstOutput(comparison?.outputs ?? [])?.maxAbsDiff ?? null;

/**
 * Smallest SQNR of the floating-point outputs in decibels, Infinity when all are equal; null without such an output.
 */
export function smallestSqnr(comparison: Comparison | null): number | null {
  const floats = comparison?.outputs.filter((o) => o.elements > 0 && o.dtype.includes('float')) ?? [];
  return floats.length ? Math.min(...floats.map((o) => o.sqnr ?? (o.maxAbsDiff === 0 ? Infinity : NaN))) : null;
}

/**
 * Share of rows with the same largest entry, of the first output that may be scores of classes (as labels are counted);
 * what follows is features, boxes, states. Null where no output looks like scores.
 */
export const agreementOf = (comparison: Comparison | null): number | null =>
  comparison?.outputs.find(mayBeScores)?.top1Agreement ?? null;

export const mayBeScores = ({ top1Agreement, looksLikeScores = true }: OutputComparison): boolean =>
  top1Agreement !== null && looksLikeScores;

/** The same where somebody knows that the rows are scores, whatever they look like. */
export const anyAgreementOf = (comparison: Comparison | null): number | null =>
  agreementOf(comparison) ?? comparison?.outputs.find((o) => o.top1Agreement !== null)?.top1Agreement ?? null;

/**
 * Points of top-1 that `variant` loses against `reference`; from the counts, so that exactly one point stays one. Null
 * unless on the same number of samples.
 */
export function top1Drop(reference: Judged | null, variant: Judged): number | null {
  const before = reference?.validation?.accuracy;
  const after = variant.validation?.accuracy;
  if (!before || !after || before.samples !== after.samples || after.samples === 0) return null;
  return ((before.correct - after.correct) * 100) / after.samples;
}

/** What the quantized variants were made of. */
export const referenceOf = (variants: readonly Variant[]): Variant | null =>
  variants.find((v) => roleOf(v.dtype) === 'reference') ?? null;
