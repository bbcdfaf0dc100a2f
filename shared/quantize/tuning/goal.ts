/** How accurate a quantized model has to be: each metric as a number, and what of it is lost against FP32. */
import { ACCURACY_METRIC_NAMES, ACCURACY_METRICS, type AccuracyGoal, type AccuracyMetric } from '../../choices.ts';
import { agreementOf, anyAgreementOf, smallestSqnr } from '../../report/measures.ts';
import type { Accuracy, Comparison } from '../../report/report.ts';
import type { Trial, Tuning } from '../../report/quantization.ts';

export type Goal = Pick<Tuning, 'metric' | 'maxDrop' | 'min'>;

/** What running a model on the data gave. */
export interface Measurement {
  /** Of labels; null: there are none. */
  readonly accuracy: Accuracy | null;
  /** With FP32; of FP32 itself, with itself. */
  readonly comparison: Comparison | null;
}

interface Measure {
  /** null: it cannot be measured. NaN and infinities are numbers here. */
  of(measurement: Measurement): number | null;
  /** Set where nothing is measured although outputs have numbers, unless the metric is asked for by name. */
  unnamed?(measurement: Measurement): number | null;
  /** null: the distance from FP32 is no loss in its unit. */
  lost(value: number, fp32: number): number | null;
}

// Differences of shares: 1 - 0.995 is 0.005000000000000004.
const exact = (difference: number): number => Number(difference.toPrecision(12));

const MEASURES: Readonly<Record<AccuracyMetric, Measure>> = {
  top1: { of: ({ accuracy }) => accuracy?.top1 ?? null, lost: (value, fp32) => exact(fp32 - value) },
  top1_agreement: {
    of: ({ comparison }) => anyAgreementOf(comparison),
    unnamed: ({ comparison }) => agreementOf(comparison),
    lost: (value) => exact(1 - value),
  },
  sqnr: { of: ({ comparison }) => smallestSqnr(comparison), lost: () => null },
  mse: { of: ({ comparison }) => largestSquared(comparison), lost: (value) => value },
};

function largestSquared(comparison: Comparison | null): number | null {
  const squares = comparison?.outputs.flatMap(({ elements, meanSquaredDiff }) =>
    elements > 0 && meanSquaredDiff !== undefined ? [meanSquaredDiff] : [],
  );
  return squares?.length ? Math.max(...squares) : null;
}

/**
 * The metric that is asked for, else the first that FP32 gives a number for; null: there is none, or what is asked of
 * it is missing.
 */
export function goalOf(asked: AccuracyGoal, fp32: Measurement): Goal | null {
  const metric = asked.metric ?? ACCURACY_METRIC_NAMES.find((name) => unnamed(name, fp32) !== null);
  if (metric === undefined || MEASURES[metric].of(fp32) === null || goalProblem({ ...asked, metric })) return null;
  const { maxDrop, min } = ACCURACY_METRICS[metric];
  const isSaid = asked.max_drop !== undefined || asked.min !== undefined;
  return { metric, maxDrop: asked.max_drop ?? (isSaid ? null : maxDrop), min: asked.min ?? (isSaid ? null : min) };
}

function unnamed(metric: AccuracyMetric, fp32: Measurement): number | null {
  const { of, unnamed: only = of } = MEASURES[metric];
  return only(fp32);
}

/** What is wrong with what is asked of a metric; null: nothing. */
export function goalProblem({ metric, max_drop, min }: AccuracyGoal): string | null {
  if (metric === 'sqnr' && max_drop !== undefined)
    return 'SQNR is measured from FP32, which has no end of it: say "min", in decibels';
  if (metric === 'mse' && min !== undefined) return 'a mean squared error is small where it is good: say "max_drop"';
  if (metric === 'mse' && max_drop === undefined)
    return 'how large a mean squared error may be is not said: "max_drop"';
  return null;
}

export type Judged = Pick<Trial, 'measured' | 'drop' | 'met' | 'sqnr'>;

export function judgeBy({ metric, maxDrop, min }: Goal, found: Measurement, fp32: Measurement): Judged {
  const { of, lost } = MEASURES[metric];
  const value = of(found);
  const sqnr = numberOf(smallestSqnr(found.comparison));
  if (value === null || Number.isNaN(value)) return { measured: null, drop: null, met: false, sqnr };
  const drop = numberOf(lost(value, of(fp32) ?? NaN));
  const met = (maxDrop === null || (drop !== null && drop <= maxDrop)) && (min === null || value >= min);
  return { measured: value, drop, met, sqnr };
}

const numberOf = (value: number | null): number | null => (value === null || Number.isNaN(value) ? null : value);
