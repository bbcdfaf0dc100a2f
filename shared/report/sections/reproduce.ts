/** How to make the same files again, and where they were made. */
import { facts, type Section } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Html } from '../markup.ts';
import type { Report } from '../report.ts';

// Words stay whole where they can: browsers would break "--out" after its hyphens.
const line = (command: string): Html =>
  html`<span>${command.split(' ').map((word, i) => html`${i ? ' ' : null}<span>${word}</span>`)}</span>\n`;

export function reproduce({ environment: e, reproduce: commands, torchferry }: Report, limits: Limits): Section {
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
    body: html`${commands.length ? html`<pre class="commands">${[...shown, ...rest].map(line)}</pre>` : null}${made}`,
  };
}
