/** The few elements a page is built from: sections, tables that scroll, facts, marks with words. */
import type { Limits } from './limits.ts';
import { html, shorten, type Hole, type Html } from './markup.ts';
import { formatCount } from './format.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export const sectionElement = ({ id, title, body }: Section): Html =>
  html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading"><a href="#${id}">${title}</a></h2>${body}</section>\n`;

/**
 * A name out of a model, a file or a job: set apart from our words, wrapped anywhere, cut in the middle when endless.
 */
export const name = (text: string, limits: Limits): Html => html`<code>${shorten(text, limits.name)}</code>`;

/** A rounded number with the exact one in its tooltip. */
export const exact = (shown: string, title: string): Html => html`<span title="${title}">${shown}</span>`;

const leftOut = (count: number, { full }: Limits): string => `and ${formatCount(count)} more, see ${full}`;

/** The first items of a list, and a line that owns up to the rest. */
export const listed = <T>(
  items: readonly T[],
  limits: Limits,
  show: (item: T) => Hole,
): Html => html`${items.slice(0, limits.rows).map(show)}\
${items.length > limits.rows ? html`<li class="more">${leftOut(items.length - limits.rows, limits)}</li>` : null}`;

export interface Column {
  readonly label: string;
  readonly kind: 'text' | 'number';
}
export const text = (label: string): Column => ({ label, kind: 'text' });
export const number = (label: string): Column => ({ label, kind: 'number' });

export interface Table<T> {
  /** Read out by screen readers. */
  readonly label: string;
  /** Printed above the table. */
  readonly caption?: Hole;
  readonly columns: readonly Column[];
  readonly items: readonly T[];
  /** Of which the items are the first; default: they are all. */
  readonly total?: number;
  readonly cells: (item: T) => readonly Hole[];
  /** Where links may lead to. */
  readonly id?: (item: T) => string;
}

/** Tables up to this long are not torn apart on paper. */
const SHORT = 12;

/**
 * A table in its own scrolling box, so that a narrow screen scrolls the table and not the page. The box is no landmark:
 * the same table stands in every variant.
 */
export function table<T>(
  { label, caption, columns, items, total = items.length, cells, id }: Table<T>,
  limits: Limits,
): Html {
  const rows = items
    .slice(0, limits.rows)
    .map(
      (item) =>
        html`<tr${id ? html` id="${id(item)}"` : null}>${cells(item).map((hole, i) => cell(hole, columns[i]!, i))}</tr>\n`,
    );
  const rest = total - rows.length;
  const more =
    rest > 0 ? html`<tr><td class="more" colspan="${columns.length}">${leftOut(rest, limits)}</td></tr>` : null;
  const head = columns.map((column) => html`<th scope="col" class="${column.kind}">${column.label}</th>`);
  return html`<div class="table${rows.length <= SHORT ? ' short' : null}">${caption ? html`<p class="caption">${caption}</p>` : null}\
<div class="scroll" role="group" tabindex="0" aria-label="${label}"><table><thead><tr>${head}</tr></thead><tbody>${rows}${more}</tbody></table></div></div>`;
}

const cell = (hole: Hole, { kind }: Column, at: number): Html =>
  at === 0 ? html`<th scope="row" class="${kind}">${hole}</th>` : html`<td class="${kind}">${hole}</td>`;

/** A chart's numbers as a table, folded: print leaves it out, since the chart prints its numbers. */
export const twin = (summary: string, body: Html): Html =>
  html`<details class="twin"><summary>${summary}</summary>${body}</details>`;

export const folded = (summary: Hole, body: Html): Html =>
  html`<details><summary>${summary}</summary>${body}</details>`;

/** Term and value pairs. Pairs without a value are left out. */
export const facts = (pairs: readonly (readonly [string, Hole])[]): Html =>
  html`<dl>${pairs.filter(([, value]) => value !== null && value !== '').map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;

const MARKS: Readonly<Record<'pass' | 'warn' | 'fail', Html>> = {
  pass: html`<path d="M3.5 8.5l3 3 6-7"/>`,
  warn: html`<path d="M8 3.5v5.5M8 12v.5"/>`,
  fail: html`<path d="M4 4l8 8M12 4l-8 8"/>`,
};
export type Mark = keyof typeof MARKS;

/** A sign that differs in shape as well as in colour; the words stand next to it. */
export const mark = (kind: Mark): Html =>
  html`<svg class="mark ${kind}" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${MARKS[kind]}</svg>`;

export const outcome = (kind: Mark, words: Hole): Html =>
  html`<span class="outcome ${kind}">${mark(kind)} ${words}</span>`;

export const badge = (words: Hole): Html => html`<span class="badge">${words}</span>`;
