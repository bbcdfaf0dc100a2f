/** Where the time went: one bar per stage from start to end. */
import { barChart, type Bar } from '../chart.ts';
import { exact, number, outcome, table, text, twin, type Mark, type Section } from '../elements.ts';
import { formatMilliseconds, formatShort } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { Report, ReportedStage } from '../report.ts';

const OUTCOMES = { done: 'pass', failed: 'fail', skipped: 'warn' } as const satisfies Record<
  ReportedStage['status'],
  Mark
>;

const label = ({ name, variant }: ReportedStage): string => (variant === null ? name : `${name} ${variant}`);

const bar =
  (limits: Limits) =>
  (stage: ReportedStage): Bar => ({
    label: label(stage),
    from: stage.startMs / 1000,
    to: stage.endMs / 1000,
    shown: stage.status === 'done' ? formatMilliseconds(stage.endMs - stage.startMs) : stage.status,
    detail: `${shorten(label(stage), limits.name)}: from ${stage.startMs} to ${stage.endMs} ms, ${stage.status}`,
    mark: stage.status === 'failed' ? 'bad' : 'plain',
  });

export function stages({ stages: ran }: Report, limits: Limits): Section | null {
  if (!ran.length) return null;
  const end = Math.max(...ran.map((s) => s.endMs));
  const title = `Stages over time, ${formatMilliseconds(end)} in all`;
  const shown = ran.slice(0, limits.rows);
  const chart = barChart({
    id: 'chart-stages',
    title,
    axis: 'seconds since the job began',
    tick: formatShort,
    layout: 'beside',
    bars: shown.map(bar(limits)),
  });
  const rows = table(
    {
      label: 'Stages',
      columns: [text('Stage'), number('Start'), number('Took'), text('Status')],
      items: ran,
      cells: (s) => [
        shorten(label(s), limits.name),
        exact(formatMilliseconds(s.startMs), `${s.startMs} ms`),
        exact(formatMilliseconds(s.endMs - s.startMs), `${s.endMs - s.startMs} ms`),
        outcome(OUTCOMES[s.status], s.status),
      ],
    },
    limits,
  );
  return {
    id: 'stages',
    title: 'Time',
    body: html`<figure><figcaption>${title}</figcaption>${chart}${twin('The same as a table', rows)}</figure>`,
  };
}
