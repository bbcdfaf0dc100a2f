/** Whether an INT8 model keeps enough to be chosen. */
import type { Criterion } from '../choices.ts';
import { formatDecibels, formatNumber, formatShare, formatShort } from './format.ts';
import { agreementOf, anyAgreementOf, closestComparison, type Judged, smallestSqnr, top1Drop } from './measures.ts';

/**
 * Used when the job sets no limit, best evidence first: labels decide if there are any, else agreement with FP32 of
 * outputs that look like scores of classes, else SQNR.
 * One point of top-1 is the loss quantization papers call small; 0.98 is the same on unlabelled data, with room for
 * rows that were
 * near ties; below 15 dB more than 3 % of an output's energy is noise.
 */
const DEFAULT_CRITERION = {
  maxTop1Drop: 1,
  minTop1Agreement: 0.98,
  minSqnr: 15,
} as const satisfies Criterion;
/** What says how good the outputs are, best evidence first. */
const QUALITY = Object.keys(DEFAULT_CRITERION) as readonly (keyof typeof DEFAULT_CRITERION)[];

/**
 * From here on rows that change their largest entry were near ties: noise of 40 dB moves it in 2 % of rows of a
 * thousand random numbers.
 */
const NEAR_EQUAL_DECIBELS = 40;

export const isQuality = (name: keyof Criterion): boolean => Object.hasOwn(DEFAULT_CRITERION, name);

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

interface Circumstances {
  readonly reference: Judged | null;
  /** Somebody set the limit, so what it is about is there. */
  readonly asked: boolean;
}

interface Measure {
  /** null: not measured. */
  measured(variant: Judged, circumstances: Circumstances): number | null;
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
    measured: (variant, { reference }) => top1Drop(reference, variant),
    meets: (value, limit) => value <= limit,
    text: (value, limit) => `${drop(value)} (limit: ${formatShort(limit)})`,
    missing: 'top-1 against FP32 was not measured',
  },
  minTop1Agreement: {
    measured: (variant, { asked }) => (asked ? anyAgreementOf : agreementOf)(closestComparison(variant)),
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
  maxLatencyRatio: {
    measured: ({ validation }) => validation?.latency?.ratioToFp32 ?? null,
    meets: (value, limit) => value <= limit,
    text: (value, limit) => `takes ${formatNumber(value)} times as long as FP32 (limit: ${formatShort(limit)})`,
    missing: 'latency against FP32 was not measured',
  },
  maxSizeRatio: {
    measured: ({ sizeRatio }) => sizeRatio ?? null,
    meets: (value, limit) => value <= limit,
    text: (value, limit) => `has ${formatNumber(value)} times the size of FP32 (limit: ${formatShort(limit)})`,
    missing: 'there is no FP32 to compare its size with',
  },
};
const KEYS = Object.keys(MEASURES) as readonly (keyof Criterion)[];

interface Case extends Circumstances {
  readonly variant: Judged;
}

function find(measure: keyof Criterion, limit: number, { variant, ...more }: Case): Finding {
  const { measured, meets, text, missing } = MEASURES[measure];
  const value = measured(variant, more);
  if (value === null) return { measure, value, limit, met: false, text: missing };
  return { measure, value, limit, met: meets(value, limit), text: text(value, limit) };
}

/**
 * Every limit that is set must be measured and met; where none of them is about the outputs, the first measurable
 * default decides besides. `reference` is the FP32 variant.
 */
export function judge(variant: Judged, reference: Judged | null, criterion: Criterion): Judgement {
  const set = KEYS.flatMap((key) =>
    criterion[key] === undefined ? [] : [find(key, criterion[key], { variant, reference, asked: true })],
  );
  if (QUALITY.some((key) => criterion[key] !== undefined))
    return { met: set.every((f) => f.met), unjudged: false, findings: set };
  const speaks = byDefault({ variant, reference, asked: false });
  const findings = [...(speaks ? [speaks] : []), ...set];
  return { met: speaks !== null && findings.every((f) => f.met), unjudged: !speaks, findings };
}

function byDefault(the: Case): Finding | null {
  const first = QUALITY.map((key) => find(key, DEFAULT_CRITERION[key], the)).find((f) => f.value !== null);
  const isDoubtful = first?.measure === 'minTop1Agreement' && !first.met;
  const nearEqual = isDoubtful ? find('minSqnr', NEAR_EQUAL_DECIBELS, the) : null;
  return (nearEqual?.met ? nearEqual : first) ?? null;
}
