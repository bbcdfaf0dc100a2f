/** The report of a batch: one line per model, counts by outcome, as page and as JSON. */
import { badge, facts, name, number, outcome, sectionElement, table, text } from './elements.ts';
import { formatBytes, formatCount, formatSizeChange, formatTime } from './format.ts';
import { page } from './html.ts';
import { writeJson } from './json.ts';
import { withinSize, type Limits } from './limits.ts';
import { html, shorten, type Hole, type Html } from './markup.ts';
import { nextStep } from './next-step.ts';
import type { Verdict } from './report.ts';

export const BATCH_REPORT_VERSION = 1;

export interface BatchItem {
  /** The source key or path. */
  readonly key: string;
  readonly status: Verdict;
  /** The failure code; null unless it failed with one. */
  readonly code: string | null;
  readonly sentence: string;
  /** The item's report.html, relative to the batch report, or an https address; null when none was written. */
  readonly report: string | null;
  /** The source file. */
  readonly bytes: number;
  /** The chosen model; null when there is none. */
  readonly chosenBytes: number | null;
}

export interface BatchReport {
  readonly batchReportVersion: typeof BATCH_REPORT_VERSION;
  readonly torchferry: string;
  readonly id: string;
  readonly created: string;
  readonly items: readonly BatchItem[];
}

const STATUSES = ['fail', 'warn', 'pass'] as const satisfies readonly Verdict[];
const WORDS = { fail: 'failed', warn: 'with a warning', pass: 'passed' } as const satisfies Record<Verdict, string>;

export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

export interface BatchCounts {
  readonly status: Readonly<Record<Verdict, number>>;
  /** Most frequent first. */
  readonly codes: readonly CodeCount[];
}

export function countItems(items: readonly BatchItem[]): BatchCounts {
  const of = (status: Verdict): number => items.filter((item) => item.status === status).length;
  const groups = Map.groupBy(
    items.filter((item) => item.code !== null),
    (item) => item.code!,
  );
  const codes = [...groups]
    .map(([code, found]) => ({ code, count: found.length }))
    .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  return { status: { pass: of('pass'), warn: of('warn'), fail: of('fail') }, codes };
}

/** The items with their counts, so that a reader of the JSON need not count. */
export const renderBatchJson = (batch: BatchReport): string => writeJson({ ...batch, counts: countItems(batch.items) });

/** A link cannot run anything: https, or a path below the batch report with every segment encoded. */
export function safeLink(target: string): string {
  if (target.startsWith('https://')) return target;
  return `./${target
    .split('/')
    .filter((part) => part !== '')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/')}`;
}

function overview(items: readonly BatchItem[]): Html {
  const { status } = countItems(items);
  const tile = (kind: Verdict): Html =>
    html`<div class="tile"><p class="label">${outcome(kind, WORDS[kind])}</p><p class="value">${formatCount(status[kind])}</p></div>`;
  const delivered = items.filter((item) => item.chosenBytes !== null);
  const before = delivered.reduce((sum, item) => sum + item.bytes, 0);
  const after = delivered.reduce((sum, item) => sum + item.chosenBytes!, 0);
  const size = html`<div class="tile"><p class="label">Size of delivered models</p><p class="value">${formatBytes(after)}</p>\
<p class="note">${delivered.length ? `sources ${formatBytes(before)}, ${formatSizeChange(before, after)}` : 'none was delivered'}</p></div>`;
  return html`<div class="tiles">${STATUSES.toReversed().map(tile)}${size}</div>`;
}

function failures(items: readonly BatchItem[], limits: Limits): Html | null {
  const { codes } = countItems(items);
  if (!codes.length) return null;
  const rows = table(
    {
      label: 'Failures by code',
      columns: [text('Code'), number('Models'), text('What to do')],
      items: codes,
      cells: ({ code, count }) => [
        name(code, limits),
        formatCount(count),
        html`<span class="prose">${nextStep(code)}</span>`,
      ],
    },
    limits,
  );
  return sectionElement({ id: 'failures', title: 'Failures by code', body: rows });
}

// S3 keys end at 1,024 bytes; what is longer is no link to one.
const LINK_LENGTH = 1200;

const COLUMNS = [text('Model'), text('Outcome'), text('Verdict'), number('Source'), number('Chosen')];

// What needs a reader stands first; within an outcome the order is the batch's.
function models(items: readonly BatchItem[], limits: Limits): Html {
  const cells = (item: BatchItem): readonly Hole[] => [
    item.report === null || item.report.length > LINK_LENGTH
      ? name(item.key, limits)
      : html`<a href="${safeLink(item.report)}">${name(item.key, limits)}</a>`,
    [
      outcome(item.status, WORDS[item.status]),
      item.code === null ? null : html`<br>${badge(shorten(item.code, limits.name))}`,
    ],
    html`<span class="prose">${shorten(item.sentence, limits.text)}</span>`,
    formatBytes(item.bytes),
    formatBytes(item.chosenBytes),
  ];
  const sorted = STATUSES.flatMap((status) => items.filter((item) => item.status === status));
  const rows = table({ label: 'Models', columns: COLUMNS, items: sorted, cells }, { ...limits, rows: limits.rows * 5 });
  return sectionElement({ id: 'models', title: 'Models', body: rows });
}

function pageOf({ id, created, torchferry, items }: BatchReport, limits: Limits): string {
  const about = facts([
    ['Batch', id ? name(id, limits) : null],
    ['Created', shorten(formatTime(created), limits.name)],
    ['torchferry', shorten(torchferry, limits.name)],
  ]);
  return page(
    `Batch ${shorten(id, 80)}: torchferry report`,
    html`<main><header><p class="eyebrow">torchferry batch report</p>
<h1>${formatCount(items.length)} model${items.length === 1 ? '' : 's'}</h1>${about}${overview(items)}</header>
${failures(items, limits)}${items.length ? models(items, limits) : null}</main>
<footer><p>All items in full: <a href="batch-report.json">batch-report.json</a></p></footer>`,
  );
}

/** The batch as one page, under the same rules as a single report. */
export const renderBatchHtml = (batch: BatchReport): string =>
  withinSize('batch-report.json', (limits) => pageOf(batch, limits));
