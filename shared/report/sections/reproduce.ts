/** How to make the same files again, and where they were made. */
import { facts, type Section } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { Report } from '../report.ts';

export function reproduce({ environment: e, reproduce: commands, torchferry }: Report, limits: Limits): Section {
  const cut = (value: string | null): string | null => value && shorten(value, limits.name);
  const shown = commands.slice(0, limits.rows).map((command) => shorten(command, limits.name * 4));
  const rest = commands.length > shown.length ? [`# and ${commands.length - shown.length} more, see report.json`] : [];
  const made = facts([['torchferry', cut(torchferry)], ['Node.js', cut(e.node)], ['Platform', cut(e.platform)], ['onnxruntime', cut(e.onnxruntime)]]);
  return { id: 'reproduce', title: 'Make it again', body: html`${commands.length ? html`<pre>${[...shown, ...rest].join('\n')}</pre>` : null}${made}` };
}
