/** Whether an INT8 model keeps enough to be chosen. */
import { formatDecibels, formatNumber, formatShare, formatShort } from './format.ts';
import { agreementOf, closestComparison, type Judged, smallestSqnr, top1Drop } from './measures.ts';
import type { Criterion } from './report.ts';

/**
 * Used when the job sets no limit, best evidence first: labels decide if there are any, else agreement with FP32, else
 * SQNR.
 * One point of top-1 is the loss quantization papers call small; 0.98 is the same on unlabelled data, with room for
 * rows that were
 * near ties; below 15 dB more than 3 % of an output's energy is noise.
 */
export const DEFAULT_CRITERION = {
  maxTop1Drop: 1,
  minTop1Agreement: 0.98,
  minSqnr: 15,
} as const satisfies Required<Criterion>;

export interface Finding {
  readonly measure: keyof Criterion;
  /** null: not measured, so not met. */
  readonly value: number | null;
  readonly limit: number;
  readonly met: boolean;
  readonly text: string;
}

export interface Judgement {
  readonly met: boolean;
  /** Nothing was asked and nothing was measured that could speak for or against it. */
  readonly unjudged: boolean;
  readonly findings: readonly Finding[];
}

interface Measure {
  measured(variant: Judged, reference: Judged | null): number | null;
  meets(value: number, limit: number): boolean;
  text(value: number, limit: number): string;
  readonly missing: string;
}

const points = (n: number): string => `${formatNumber(n)} ${n === 1 ? 'point' : 'points'}`;
const drop = (n: number): string =>
  n === 0 ? 'keeps its top-1' : n < 0 ? `gains ${points(-n)} top-1` : `loses ${points(n)} top-1`;

// In the order of evidence that DEFAULT_CRITERION describes.
const MEASURES: Readonly<Record<keyof Criterion, Measure>> = {
  maxTop1Drop: {
    measured: (variant, reference) => top1Drop(reference, variant),
    meets: (value, limit) => value <= limit,
    text: (value, limit) => `${drop(value)} (limit: ${formatShort(limit)})`,
    missing: 'top-1 against FP32 was not measured',
  },
  minTop1Agreement: {
    measured: (variant) => agreementOf(closestComparison(variant)),
    meets: (value, limit) => value >= limit,
    text: (value, limit) => `agrees on ${formatShare(value)} of top-1 (asked: at least ${formatShare(limit)})`,
    missing: 'top-1 agreement was not measured',
  },
  minSqnr: {
    measured: (variant) => smallestSqnr(closestComparison(variant)),
    meets: (value, limit) => value >= limit,
    text: (value, limit) => `has ${formatDecibels(value)} SQNR (asked: at least ${formatShort(limit)} dB)`,
    missing: 'SQNR was not measured',
  },
};
const KEYS = Object.keys(MEASURES) as readonly (keyof Criterion)[];

function find(
  measure: keyof Criterion,
  limit: number,
  { variant, reference }: { readonly variant: Judged; readonly reference: Judged | null },
): Finding {
  const { measured, meets, text, missing } = MEASURES[measure];
  const value = measured(variant, reference);
  if (value === null) return { measure, value, limit, met: false, text: missing };
  return { measure, value, limit, met: meets(value, limit), text: text(value, limit) };
}

/**
 * Every limit that is set must be measured and met; with none set, the first measurable default decides. `reference` is
 * the FP32 variant.
 */
export function judge(variant: Judged, reference: Judged | null, criterion: Criterion): Judgement {
  const set = KEYS.flatMap((key) =>
    criterion[key] === undefined ? [] : [find(key, criterion[key], { variant, reference })],
  );
  if (set.length) return { met: set.every((f) => f.met), unjudged: false, findings: set };
  const defaults = KEYS.map((key) => find(key, DEFAULT_CRITERION[key], { variant, reference }));
  const first = defaults.find((f) => f.value !== null);
  return { met: first?.met ?? false, unjudged: !first, findings: first ? [first] : [] };
}
