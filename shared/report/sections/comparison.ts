/** How far each output is from its reference. */
import { exact, name, number, outcome, table, text } from '../elements.ts';
import { formatCount, formatDecibels, formatNumber, formatShare } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, type Hole, type Html } from '../markup.ts';
import { toleranceText } from '../problem.ts';
import type { Comparison, OutputComparison } from '../report.ts';

const AGAINST = { pytorch: 'PyTorch', fp32: 'FP32' } as const satisfies Record<Comparison['against'], string>;

const COLUMNS = [text('Output'), text('Dtype'), number('Max diff.'), number('Mean diff.'), number('Cosine'), number('SQNR'), number('Same top-1'), text('Tolerance')];

const measured = (value: number | null, shown: (value: number | null) => string): Html => exact(shown(value), value === null ? 'not measured' : String(value));

// Cosines sit near one: three digits would print 1.00 for everything of interest.
const cosine = (value: number | null): string => (value === null || !Number.isFinite(value) ? formatNumber(value) : value === 1 ? '1' : trimmed(value));
const trimmed = (value: number): string => (value > 0.9999995 ? '> 0.999999' : value.toFixed(6));

const sqnr = (o: OutputComparison): Html => (o.sqnr === null && o.maxAbsDiff === 0 ? exact('equal', 'no difference') : measured(o.sqnr, formatDecibels));

const TOLERANCE = { true: outcome('pass', 'within'), false: outcome('fail', 'outside'), null: '–' } as const;

const cells = (limits: Limits) => (o: OutputComparison): readonly Hole[] => [
  name(o.output, limits),
  html`<span title="${formatCount(o.elements)} elements">${name(o.dtype, limits)}</span>`,
  measured(o.maxAbsDiff, formatNumber),
  measured(o.meanAbsDiff, formatNumber),
  measured(o.cosine, cosine),
  sqnr(o),
  measured(o.top1Agreement, formatShare),
  TOLERANCE[`${o.withinTolerance}`],
];

/** INT8 against FP32 has no tolerance to stay within: the criterion judges it. */
export function comparisonTable(comparison: Comparison, limits: Limits): Html {
  const against = AGAINST[comparison.against];
  const samples = `${formatCount(comparison.samples)} sample${comparison.samples === 1 ? '' : 's'}`;
  const tolerance = comparison.outputs.some((o) => o.withinTolerance !== null) ? `, tolerance ${toleranceText(comparison)}` : '';
  const caption = html`Outputs against ${against}, ${samples}${tolerance}`;
  return table({ label: `Outputs against ${against}`, caption, columns: COLUMNS, items: comparison.outputs, cells: cells(limits) }, limits);
}
