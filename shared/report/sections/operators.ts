/** Which operators the models are made of. */
import { barChart } from '../chart.ts';
import { name, number, table, text, twin, type Section } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { OperatorCount, Report } from '../report.ts';

interface Model {
  readonly label: string;
  readonly operators: readonly OperatorCount[];
}

const total = (operators: readonly OperatorCount[]): number => operators.reduce((sum, o) => sum + o.count, 0);
const mostFirst = (a: OperatorCount, b: OperatorCount): number =>
  b.count - a.count || (a.operator < b.operator ? -1 : a.operator > b.operator ? 1 : 0);

/** Columns of models in the table; the chart shows the first model alone, since quantized copies repeat it. */
const MODELS_SHOWN = 6;

export function operators(report: Report, limits: Limits): Section | null {
  const models: readonly Model[] = [
    ...(report.conversion ? [{ label: 'Converted', operators: report.conversion.operators }] : []),
    ...report.variants
      .filter((v) => v.quantization || !report.conversion)
      .map((v) => ({ label: v.name, operators: v.operators })),
  ]
    .filter((m) => m.operators.length > 0)
    .slice(0, MODELS_SHOWN);
  const first = models[0];
  if (!first) return null;
  const counts = models.map((m) => new Map(m.operators.map((o) => [o.operator, o.count])));
  const all = [...new Set(models.flatMap((m) => m.operators.toSorted(mostFirst).map((o) => o.operator)))];
  const shown = first.operators.toSorted(mostFirst).slice(0, limits.bars);
  const title =
    `Nodes by operator: the ${shown.length} most frequent of ${first.operators.length} operators, ` +
    `${formatCount(total(first.operators))} nodes`;
  const chart = barChart({
    id: 'chart-operators',
    title,
    axis: 'nodes',
    tick: formatCount,
    layout: 'beside',
    bars: shown.map(({ operator, count }) => ({
      label: operator,
      from: 0,
      to: count,
      shown: formatCount(count),
      detail: `${shorten(operator, limits.name)}: ${count}`,
      mark: 'plain',
    })),
  });
  const rows = table(
    {
      label: 'Nodes by operator',
      columns: [text('Operator'), ...models.map((m) => number(shorten(m.label, limits.name)))],
      items: all,
      cells: (operator) => [name(operator, limits), ...counts.map((c) => formatCount(c.get(operator) ?? 0))],
    },
    limits,
  );
  return {
    id: 'operators',
    title: 'Operators',
    body: html`<figure><figcaption>${title}</figcaption>${chart}${twin('The same as a table', rows)}</figure>`,
  };
}
