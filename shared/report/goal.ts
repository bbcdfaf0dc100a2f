/** What a tuned model had to keep, and how much of it a trial keeps, in words. */
import { ACCURACY_METRICS, type AccuracyMetric } from '../choices.ts';
import { formatDecibels, formatNumber, formatShare, formatShort } from './format.ts';
import type { Trial, TrialLayers, Tuning } from './quantization.ts';

type Goal = Pick<Tuning, 'metric' | 'maxDrop' | 'min'>;

const UNITS = {
  share: formatShare,
  decibels: formatDecibels,
  number: formatNumber,
} as const satisfies Record<string, (value: number) => string>;

/** In the unit of the metric. */
export const measuredText = (metric: AccuracyMetric, value: number | null): string =>
  value === null ? 'not finite' : UNITS[ACCURACY_METRICS[metric].unit](value);

/** "top-1 within 0.005 of FP32", "SQNR from FP32 of at least 30 dB". */
export function goalText({ metric, maxDrop, min }: Goal): string {
  const limits = [
    ...(maxDrop === null ? [] : [`within ${formatShort(maxDrop)} of FP32`]),
    ...(min === null ? [] : [`of at least ${measuredText(metric, min)}`]),
  ];
  return `${ACCURACY_METRICS[metric].title} ${limits.join(' and ')}`;
}

export const findingText = (metric: AccuracyMetric, { measured, drop, problem }: Trial): string =>
  problem ?? `${measuredText(metric, measured)}${drop === null ? '' : `, ${formatNumber(drop)} lost`}`;

/** One line. The metric is said beside it. */
export const trialText = ({ name, layers, problem, measured, ratioToFp32 }: Trial): string =>
  `${name}, layers: ${layersText(layers)}: ` +
  (problem ??
    `${measured === null ? 'not finite' : formatNumber(measured)}` +
      (ratioToFp32 === null ? '' : `, ${formatNumber(ratioToFp32)} of the time of FP32`));

const NAMED = 4;

export function layersText(layers: TrialLayers): string {
  if (layers.kind === 'all') return 'all';
  if (layers.kind === 'only') return `only ${layers.layer}`;
  const named = layers.float.slice(0, NAMED).join(', ');
  return `without ${named}${layers.float.length > NAMED ? ` and ${layers.float.length - NAMED} more` : ''}`;
}
