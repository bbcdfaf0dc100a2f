/** How to make the same files again, and where they were made. */
import { facts, name, table, text, type Section } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { baseName } from '../link.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { Report } from '../report.ts';

/** What tells this model, this job and these files apart from any others. */
function identity({ model, job, variants }: Report, limits: Limits): Html {
  const cut = (text: string | null): Hole => (text ? name(text, limits) : null);
  const files = variants.flatMap((variant) => variant.files).filter(({ sha256 }) => sha256 !== null);
  const hashes = table(
    {
      label: 'Hashes of the models',
      columns: [text('Model'), text('SHA-256')],
      items: files,
      cells: ({ path, sha256 }) => [name(baseName(path), limits), name(sha256!, limits)],
    },
    limits,
  );
  return html`${facts([
    ['Job', cut(job.id)],
    ['Format', model.format === null ? null : shorten(model.format, limits.name)],
    ['SHA-256', cut(model.sha256)],
    ['Object version', cut(model.version)],
  ])}${files.length ? hashes : null}`;
}

// Words stay whole where they can: browsers would break "--out" after its hyphens.
const line = (command: string): Html =>
  html`<span>${command.split(' ').map((word, i) => html`${i ? ' ' : null}<span>${word}</span>`)}</span>\n`;

export function reproduce(report: Report, limits: Limits): Section {
  const { environment: e, reproduce: commands, torchferry } = report;
  const cut = (value: string | null): string | null => value && shorten(value, limits.name);
  const shown = commands.slice(0, limits.rows).map((command) => shorten(command, limits.name * 4));
  const rest =
    commands.length > shown.length ? [`# and ${commands.length - shown.length} more, see ${limits.full}`] : [];
  const made = facts([
    ['torchferry', cut(torchferry)],
    ['Node.js', cut(e.node)],
    ['Platform', cut(e.platform)],
    ['onnxruntime', cut(e.onnxruntime)],
  ]);
  return {
    id: 'reproduce',
    title: 'Reproduce, environment',
    body: html`${commands.length ? html`<pre class="commands">${[...shown, ...rest].map(line)}</pre>` : null}${made}${identity(report, limits)}`,
  };
}
