/** How far each output is from its references. */
import { AGAINST, isQuantized } from '../../choices.ts';
import { exact, name, number, outcome, table, text } from '../elements.ts';
import { formatCount, formatDecibels, formatNumber, formatShare } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, type Hole, type Html } from '../markup.ts';
import { mayBeScores } from '../measures.ts';
import { toleranceText } from '../problem.ts';
import type { Comparison, OutputComparison, Products, Validation, Variant } from '../report.ts';
import { otherThan, PRODUCTS } from '../sums.ts';

const COLUMNS = [
  text('Output'),
  text('Against'),
  number('Samples'),
  number('Max diff.'),
  number('Mean diff.'),
  number('Cosine'),
  number('SQNR'),
  number('Same top-1'),
  text('Tolerance'),
];

interface Row {
  readonly of: Comparison;
  /** null for a quantized model: the criterion judges it, not the tolerance that FP32 has to stay within. */
  readonly within: boolean | null;
  /** null: the processor gives the same with all options. */
  readonly products: Products | null;
  readonly output: OutputComparison;
}

// A list may be cut short: what is outside its tolerance stands first.
const outsideFirst = (a: Row, b: Row): number => Number(b.within === false) - Number(a.within === false);

const measured = (value: number | null, shown: (value: number | null) => string): Html =>
  exact(shown(value), value === null ? 'not measured' : String(value));

// Cosines sit near one: three digits would print 1.00 for everything of interest.
const cosine = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? formatNumber(value) : value === 1 ? '1' : nearOne(value);
const nearOne = (value: number): string =>
  value > 0.9999995 && value < 1 ? '> 0.999999' : value.toFixed(6).replace('-', '−');

const sqnr = (o: OutputComparison): Html =>
  o.sqnr === null && o.maxAbsDiff === 0 ? exact('equal', 'no difference') : measured(o.sqnr, formatDecibels);

const TOLERANCE = {
  true: outcome('pass', 'within'),
  false: outcome('fail', 'outside'),
  null: exact('–', 'not judged by a tolerance'),
} as const;

const cells =
  (limits: Limits) =>
  ({ of, output: o, within, products }: Row): readonly Hole[] => [
    html`${name(o.output, limits)} <small title="${formatCount(o.elements)} elements">${name(o.dtype, limits)}</small>`,
    products === null ? AGAINST[of.against] : `${AGAINST[of.against]}, ${PRODUCTS[products]}`,
    formatCount(of.samples),
    measured(o.maxAbsDiff, formatNumber),
    measured(o.meanAbsDiff, formatNumber),
    measured(o.cosine, cosine),
    sqnr(o),
    mayBeScores(o) ? measured(o.top1Agreement, formatShare) : exact('–', 'no scores of classes'),
    TOLERANCE[`${within}`],
  ];

/** Every comparison with the options it was made with; those of the judged options first. */
function measuredWith({ comparisons, sums }: Validation): [Products | null, Comparison][] {
  if (!sums?.other) return comparisons.map((each) => [null, each]);
  const { judged, other } = sums;
  return [
    ...comparisons.map((each): [Products, Comparison] => [judged, each]),
    ...other.comparisons.map((each): [Products, Comparison] => [otherThan(judged), each]),
  ];
}

export function comparisonTable(variant: Variant, limits: Limits): Html | null {
  const isJudged = !isQuantized(variant);
  const items = (variant.validation ? measuredWith(variant.validation) : [])
    .flatMap(([products, of]) =>
      of.outputs.map((output): Row => ({ of, output, products, within: isJudged ? output.withinTolerance : null })),
    )
    .sort(outsideFirst);
  if (!items.length) return null;
  const tolerances = [...new Set(items.filter((row) => row.within !== null).map((row) => toleranceText(row.of)))];
  const caption = html`How far the outputs are off${tolerances.map((tolerance) => html`; tolerance ${tolerance}`)}`;
  return table(
    { label: 'How far the outputs are off', caption, columns: COLUMNS, items, cells: cells(limits) },
    limits,
  );
}
