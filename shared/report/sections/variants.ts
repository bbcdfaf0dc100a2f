/** All variants side by side: the table, and what each costs against how far it is off. */
import { badge, exact, name, number, outcome, table, text, type Section } from '../elements.ts';
import { formatBytes, formatCount, formatDecibels, formatMilliseconds, formatNumber, formatShare } from '../format.ts';
import type { Limits } from '../limits.ts';
import { machinesOf } from '../machine.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import { closestComparison, comparisonWith, referenceOf, largestDifference, smallestSqnr } from '../measures.ts';
import { result } from '../result.ts';
import type { Latency, Report, Variant } from '../report.ts';
import { scatterChart, type Point } from '../scatter.ts';

export function variants(report: Report, limits: Limits): Section | null {
  if (!report.variants.length) return null;
  return { id: 'variants', title: 'Variants', body: html`${overview(report, limits)}${tradeOffs(report, limits)}` };
}

// How each came out stands where a narrow screen shows it.
const COLUMNS = [
  text('Variant'),
  text('Result'),
  number('Size'),
  number('of FP32'),
  number('Max diff. from PyTorch'),
  number('SQNR from FP32'),
  number('Top-1'),
  number('Median latency'),
];

function overview(report: Report, limits: Limits): Html {
  const reference = referenceOf(report.variants);
  const cells = (v: Variant): readonly Hole[] => {
    const { accuracy, latency } = v.validation ?? { accuracy: null, latency: null };
    const most = largestDifference(comparisonWith(v, 'pytorch'));
    const sqnr = smallestSqnr(comparisonWith(v, 'fp32'));
    return [
      html`<a href="#variant-${report.variants.indexOf(v)}">${name(v.name, limits)}</a>${v.name === report.chosen ? badge('chosen') : null}`,
      outcome(result(v, report).mark, result(v, report).words),
      exact(formatBytes(v.bytes), `${formatCount(v.bytes)} bytes`),
      reference && reference.bytes > 0 ? formatShare(v.bytes / reference.bytes) : '–',
      exact(formatNumber(most), most === null ? 'not measured' : String(most)),
      exact(sqnr === Infinity ? 'equal' : formatDecibels(sqnr), sqnr === null ? 'not measured' : String(sqnr)),
      accuracy ? exact(formatShare(accuracy.top1), `${accuracy.correct} of ${accuracy.samples}`) : '–',
      latency ? exact(formatMilliseconds(latency.medianMs), latencyTitle(latency)) : '–',
    ];
  };
  const machines = machinesOf(report.variants);
  const caption = machines.length ? `Latency on ${shorten(machines.join(' / '), limits.text)}` : null;
  return table({ label: 'Variants side by side', caption, columns: COLUMNS, items: report.variants, cells }, limits);
}

/** Other minutes, other times: what FP32 took beside this model is said with it. */
const latencyTitle = ({ medianMs, fp32MedianMs }: Latency): string =>
  `${medianMs} ms${fp32MedianMs === null ? '' : `; FP32 in the same runs: ${fp32MedianMs} ms`}`;

interface Quantity {
  readonly name: string;
  /** Axis title, with the unit. */
  readonly title: string;
  readonly of: (variant: Variant) => number | null;
  readonly tick: (value: number) => string;
  readonly show: (value: number) => string;
}

const COSTS: Readonly<Record<'size' | 'latency', Quantity>> = {
  size: {
    name: 'Size',
    title: 'Size, MB',
    of: (v) => v.bytes / 1e6,
    tick: (n) => `${n}`,
    show: (n) => formatBytes(n * 1e6),
  },
  latency: {
    name: 'Latency',
    title: 'Median latency, ms',
    of: (v) => v.validation?.latency?.medianMs ?? null,
    tick: (n) => `${n}`,
    show: formatMilliseconds,
  },
};

const ERRORS: readonly (Quantity & { readonly kind: 'linear' | 'log' })[] = [
  {
    kind: 'linear',
    name: 'top-1 error',
    title: 'Top-1 error, %',
    of: (v) => (v.validation?.accuracy ? (1 - v.validation.accuracy.top1) * 100 : null),
    tick: (n) => `${n}`,
    show: (n) => `${formatNumber(n)} % wrong`,
  },
  {
    kind: 'log',
    name: 'distance from PyTorch',
    title: 'Max difference from PyTorch',
    of: (v) => largestDifference(comparisonWith(v, 'pytorch')),
    tick: decade,
    show: formatNumber,
  },
  {
    kind: 'log',
    name: 'distance from the reference',
    title: 'Max difference, INT8 from FP32',
    of: (v) => largestDifference(closestComparison(v)),
    tick: decade,
    show: formatNumber,
  },
];

function decade(value: number): string {
  return value >= 0.001 && value < 10_000
    ? String(Number(value.toPrecision(1)))
    : value.toExponential(0).replace('e+', 'e');
}

const measuredBy = (shown: readonly Variant[], quantity: Quantity): boolean =>
  shown.filter((v) => quantity.of(v) !== null).length >= 2;

// Labels say most about an error; where two variants have none, distance from the reference stands in.
function tradeOffs(report: Report, limits: Limits): Html | null {
  const shown = report.variants.slice(0, limits.rows);
  const error = ERRORS.find((e) => measuredBy(shown, e));
  if (!error) return null;
  const charts = (['size', 'latency'] as const)
    .filter((id) => measuredBy(shown, COSTS[id]))
    .map((id) => {
      const cost = COSTS[id];
      const points = shown.flatMap((v): Point[] => {
        const [x, y] = [cost.of(v), error.of(v)];
        return x === null || y === null
          ? []
          : [
              {
                label: v.name,
                x,
                y,
                chosen: v.name === report.chosen,
                detail: `${shorten(v.name, limits.name)}: ${cost.show(x)}, ${error.show(y)}`,
              },
            ];
      });
      const title = `${cost.name} and ${error.name}: lower left is better`;
      return html`<figure><figcaption>${title}</figcaption>${scatterChart({ id: `chart-${id}`, title, x: cost, y: error, points })}</figure>`;
    });
  return html`<div class="pair">${charts}</div>`;
}
