/** What was asked and what ran: every option, defaults marked. */
import { badge, name, table, text, type Section } from '../elements.ts';
import { formatValue } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { Report } from '../report.ts';

const FROM = { job: html`job`, found: html`found beside the model`, default: badge('default') } as const;

export function options({ job }: Report, limits: Limits): Section | null {
  if (!job.options.length && job.config === null) return null;
  const rows = table(
    {
      label: 'Options',
      columns: [text('Option'), text('Value'), text('From')],
      items: job.options,
      cells: (o) => [
        name(o.name, limits),
        html`<code>${shorten(formatValue(o.value), limits.name)}</code>`,
        FROM[o.from],
      ],
    },
    limits,
  );
  const config =
    job.config === null
      ? html`<p>No job file was given: everything ran with defaults.</p>`
      : html`<p>Job file: ${name(job.config, limits)}</p>`;
  return { id: 'options', title: 'What was asked, what ran', body: html`${config}${job.options.length ? rows : null}` };
}
