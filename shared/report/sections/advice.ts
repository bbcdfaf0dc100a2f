/** What to do next, most useful first. */
import { adviceFor } from '../advice.ts';
import type { Section } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { Report } from '../report.ts';

export function advice(report: Report, limits: Limits): Section | null {
  const all = adviceFor(report);
  if (!all.length) return null;
  const body = html`<ol class="advice">${all.map(
    ({ what, how }) => html`<li>${shorten(what, limits.text)}: <code>${shorten(how, limits.text)}</code></li>`,
  )}</ol>`;
  return { id: 'advice', title: 'What to do next', body };
}
