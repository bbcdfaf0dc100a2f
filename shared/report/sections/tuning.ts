/** What was tried to find a fast and accurate model: the trade-off, and every trial. */
import { ACCURACY_METRICS, type AccuracyMetric } from '../../choices.ts';
import { badge, exact, name, number, outcome, table, text, twin } from '../elements.ts';
import { formatBytes, formatCount, formatDecibels, formatNumber, formatShort } from '../format.ts';
import { goalText, layersText, measuredText } from '../goal.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { Trial, Tuning } from '../quantization.ts';
import { type Axis, type Point, scatterChart } from '../scatter.ts';

export const tuningFacts = (t: Tuning | undefined, limits: Limits): readonly (readonly [string, Hole])[] =>
  t
    ? [
        ['Had to keep', goalText(t)],
        ['Tried on', [`${formatCount(t.data.samples)} samples of `, name(t.data.file, limits)]],
        ['Trials', `${formatCount(t.trials.length)}${t.endedBy ? `, then the ${t.endedBy} were used up` : ''}`],
        ['Taken', shorten(takenText(t), limits.text)],
      ]
    : [];

function takenText({ trials, chosen }: Tuning): string {
  const { name: setting, layers } = trials[chosen]!;
  return `${chosen + 1}, ${setting}${layers.kind === 'all' ? '' : `, ${layersText(layers)}`}`;
}

/** The charts, and the table they are of. `at` keeps ids apart when several variants were tuned. */
export const tuningElement = (tuning: Tuning, at: number, limits: Limits): Html =>
  html`<div class="pair">${COSTS.map((cost) => tradeOff(tuning, cost, { at, limits }))}</div>${twin(
    'All trials as a table',
    history(tuning, limits),
  )}`;

interface Height extends Axis {
  readonly kind: 'linear' | 'log';
  readonly of: (trial: Trial) => number | null;
  /** Of FP32; null: it is nowhere. */
  readonly fp32: number | null;
}

const points: Omit<Height, 'title'> = {
  kind: 'linear',
  of: ({ drop }) => (drop === null ? null : drop * 100),
  fp32: 0,
  tick: formatShort,
};
const HEIGHTS: Readonly<Record<AccuracyMetric, Height>> = {
  top1: { ...points, title: 'Points of top-1 lost: lower is better' },
  top1_agreement: { ...points, title: 'Points of agreement lost: lower is better' },
  sqnr: {
    kind: 'linear',
    title: 'SQNR, dB: higher is better',
    of: ({ measured }) => measured,
    fp32: null,
    tick: formatShort,
  },
  mse: {
    kind: 'log',
    title: 'Mean squared error: lower is better',
    of: ({ measured }) => measured,
    fp32: 0,
    tick: formatShort,
  },
};

interface Cost extends Axis {
  readonly id: string;
  readonly caption: string;
  readonly of: (trial: Trial) => number | null;
  readonly fp32: number | null;
}

const COSTS: readonly Cost[] = [
  {
    id: 'latency',
    caption: 'latency',
    title: 'Latency, of that of FP32',
    of: ({ ratioToFp32 }) => ratioToFp32,
    fp32: 1,
    tick: formatShort,
  },
  {
    id: 'size',
    caption: 'size',
    title: 'Size, MB',
    of: ({ bytes }) => bytes / 1e6,
    fp32: null,
    tick: formatShort,
  },
];

/** A model with a single layer quantized is a measurement, and nothing to take. */
const isModel = ({ layers, problem }: Trial): boolean => layers.kind !== 'only' && problem === null;

function tradeOff(
  { metric, trials, chosen }: Tuning,
  cost: Cost,
  { at, limits }: { readonly at: number; readonly limits: Limits },
): Html | null {
  const y = HEIGHTS[metric];
  const tried = trials.flatMap((trial, i): Point[] => {
    const [across, up] = [cost.of(trial), y.of(trial)];
    if (!isModel(trial) || across === null || up === null) return [];
    const found = measuredText(metric, trial.measured);
    const detail = `${i + 1}, ${trial.name}, layers: ${layersText(trial.layers)}: ${found}`;
    return [{ label: String(i + 1), x: across, y: up, chosen: i === chosen, detail: shorten(detail, limits.text) }];
  });
  if (tried.length < 2) return null;
  const { fp32 } = cost;
  const reference: Point[] =
    fp32 === null || y.fp32 === null ? [] : [{ label: 'FP32', x: fp32, y: y.fp32, chosen: false, detail: 'FP32' }];
  // The one that was taken is shown however many there are.
  const shown = [...tried.slice(0, limits.rows), ...tried.slice(limits.rows).filter((point) => point.chosen)];
  const title = `Trials by ${ACCURACY_METRICS[metric].title} and ${cost.caption}; numbers are those of the table`;
  return html`<figure><figcaption>${title}</figcaption>${scatterChart({
    id: `chart-trials-${cost.id}-${at}`,
    title,
    x: cost,
    y,
    points: [...reference, ...together(shown)],
  })}</figure>`;
}

/** Options that change nothing make one model: one point with all their numbers. */
const together = (all: readonly Point[]): Point[] =>
  [...Map.groupBy(all, ({ x, y }) => `${x},${y}`).values()].map((same) => ({
    ...same[0]!,
    label: same.map(({ label }) => label).join(', '),
    chosen: same.some(({ chosen }) => chosen),
    detail: same.map(({ detail }) => detail).join('; '),
  }));

const COLUMNS = [
  number('Trial'),
  text('Form, recipe, calibrator'),
  text('Layers on codes'),
  number('Measured'),
  number('Lost'),
  number('SQNR'),
  number('Time of FP32'),
  number('Size'),
  text('Result'),
];

function history({ metric, trials, chosen }: Tuning, limits: Limits): Html {
  const cells = ({ trial, at }: { readonly trial: Trial; readonly at: number }): readonly Hole[] => [
    String(at + 1),
    html`${shorten(trial.name, limits.name)}${at === chosen ? badge('chosen') : null}`,
    shorten(layersText(trial.layers), limits.text),
    trial.problem === null ? exact(measuredText(metric, trial.measured), String(trial.measured)) : '–',
    trial.drop === null ? '–' : exact(formatNumber(trial.drop), String(trial.drop)),
    trial.sqnr === null
      ? '–'
      : exact(trial.sqnr === Infinity ? 'equal' : formatDecibels(trial.sqnr), String(trial.sqnr)),
    trial.ratioToFp32 === null ? '–' : exact(formatNumber(trial.ratioToFp32), `${trial.medianMs} ms`),
    trial.problem === null ? exact(formatBytes(trial.bytes), `${formatCount(trial.bytes)} bytes`) : '–',
    result(trial, limits),
  ];
  const items = trials.map((trial, at) => ({ trial, at }));
  return table({ label: 'Trials, in the order in which they were made', columns: COLUMNS, items, cells }, limits);
}

const result = ({ problem, met, layers }: Trial, limits: Limits): Hole => {
  if (problem !== null) return outcome('fail', shorten(problem, limits.text));
  if (layers.kind === 'only') return 'shows what the layer does';
  return met ? outcome('pass', 'accurate enough') : outcome('warn', 'not accurate enough');
};
