/** The figures of a job that its event carries: what a rule may ask for without opening the report. */
import {
  agreementOf,
  closestComparison,
  largestDifference,
  referenceOf,
  smallestSqnr,
  top1Drop,
} from '../../report/measures.ts';
import type { Against } from '../../choices.ts';
import type { Report } from '../../report/report.ts';

/** Of the chosen variant; null: there is none, or it was not measured. */
export interface Figures {
  readonly accuracy: MeasuredAccuracy | null;
  /** Its size divided by that of FP32; null for FP32 itself. */
  readonly sizeRatio: number | null;
  /** Its latency divided by that of FP32; null for FP32 itself. */
  readonly latencyRatio: number | null;
}

// A type, not an interface, so that it is JSON to the compiler too.
type MeasuredAccuracy = {
  /** What the distances are from; null: it was compared with nothing. */
  readonly against: Against | null;
  /** Decibels; null where both are equal (`maxAbsDiff` is 0 then) or have no finite distance. */
  readonly sqnr: number | null;
  readonly maxAbsDiff: number | null;
  /** Share of rows with the same largest score, 0 to 1. */
  readonly top1Agreement: number | null;
  /** Share of labelled samples that are recognized, 0 to 1. */
  readonly top1: number | null;
  /** Points of top-1 that are lost against FP32. */
  readonly top1Drop: number | null;
};

export function figuresOf({ variants, chosen: name }: Pick<Report, 'variants' | 'chosen'>): Figures {
  const chosen = variants.find((variant) => variant.name === name);
  if (!chosen?.validation) return { accuracy: null, sizeRatio: finite(chosen?.sizeRatio), latencyRatio: null };
  const comparison = closestComparison(chosen);
  const reference = referenceOf(variants);
  return {
    accuracy: {
      against: comparison?.against ?? null,
      sqnr: finite(smallestSqnr(comparison)),
      maxAbsDiff: finite(largestDifference(comparison)),
      top1Agreement: finite(agreementOf(comparison)),
      top1: finite(chosen.validation.accuracy?.top1),
      top1Drop: chosen === reference ? null : top1Drop(reference, chosen),
    },
    sizeRatio: finite(chosen.sizeRatio),
    latencyRatio: finite(chosen.validation.latency?.ratioToFp32),
  };
}

/** Events are JSON, which has no NaN and no infinities. */
const finite = (value: number | null | undefined): number | null => (Number.isFinite(value) ? value! : null);
