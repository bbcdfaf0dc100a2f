/** What went wrong: code, stage, message, what to do. */
import { facts, folded, name, type Section } from '../elements.ts';
import { formatValue } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Html } from '../markup.ts';
import { nextStep } from '../next-step.ts';
import type { Failure, Report } from '../report.ts';

const hasDetails = (details: unknown): boolean =>
  typeof details === 'object' && details !== null && Object.keys(details).length > 0;

export const failureElement = ({ code, message, stage, details }: Failure, limits: Limits): Html =>
  html`<div class="failure">${facts([
    ['Code', name(code || 'none', limits)],
    ['Stage', shorten(stage, limits.name)],
  ])}<pre>${shorten(message || 'No message was given.', limits.text)}</pre><p><strong>What to do:</strong> ${nextStep(code)}</p>${
    hasDetails(details) ? folded('Details', html`<pre>${shorten(formatValue(details), limits.text)}</pre>`) : null
  }</div>`;

export const failure = (report: Report, limits: Limits): Section | null =>
  report.failure && { id: 'failure', title: 'What went wrong', body: failureElement(report.failure, limits) };
