/** Warnings, each with a next step. */
import { listed, mark, type Section } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { html, shorten } from '../markup.ts';
import type { Report } from '../report.ts';

export function warnings(report: Report, limits: Limits): Section | null {
  if (!report.warnings.length) return null;
  const body = html`<ul class="warnings">${listed(
    report.warnings,
    limits,
    ({ message, nextStep }) =>
      html`<li>${mark('warn')}<div>${shorten(message, limits.text)} <span class="next">Next: ${shorten(nextStep, limits.text)}</span></div></li>`,
  )}</ul>`;
  return { id: 'warnings', title: 'Warnings', body };
}
