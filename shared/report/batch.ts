/** The report of a batch: one line per model, counts by outcome, as page and as JSON. */
import { badge, facts, name, number, outcome, sectionElement, table, text } from './elements.ts';
import type { BatchCost } from './cost.ts';
import { costText, partsText } from './cost.ts';
import { formatBytes, formatCount, formatDollars, formatNumber, formatSizeChange, formatTime } from './format.ts';
import { page } from './page.ts';
import { writeJson } from './json.ts';
import { withinSize, type Limits } from './limits.ts';
import { safeLink } from './link.ts';
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
  /** Its size divided by that of FP32; null where there is none to compare. */
  readonly sizeRatio: number | null;
  /** US dollars on AWS, an estimate; null: not known. */
  readonly cost: number | null;
}

export interface BatchFrame {
  readonly batchReportVersion: typeof BATCH_REPORT_VERSION;
  readonly torchferry: string;
  readonly id: string;
  readonly created: string;
  /** Of the whole batch; absent where nobody added it up. */
  readonly cost?: BatchCost | null;
}

/** What is kept of a batch while its items go by: a batch may have more of them than fit into memory. */
export interface BatchSummary {
  readonly models: number;
  readonly counts: BatchCounts;
  /** Models that have a chosen one, and the sizes of both. */
  readonly delivered: { readonly models: number; readonly before: number; readonly after: number };
  /** The first of each outcome, failures first: as many as a page could show. */
  readonly shown: readonly BatchItem[];
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

// More than any level of detail shows.
const MOST_SHOWN = 250;

/** Adds items up, one by one. */
export class BatchTally {
  readonly #status: Record<Verdict, number> = { pass: 0, warn: 0, fail: 0 };
  readonly #codes = new Map<string, number>();
  readonly #shown: Readonly<Record<Verdict, BatchItem[]>> = { pass: [], warn: [], fail: [] };
  readonly #delivered = { models: 0, before: 0, after: 0 };

  add(item: BatchItem): void {
    this.#status[item.status]++;
    if (item.code !== null) this.#codes.set(item.code, (this.#codes.get(item.code) ?? 0) + 1);
    if (this.#shown[item.status].length < MOST_SHOWN) this.#shown[item.status].push(item);
    if (item.chosenBytes === null) return;
    this.#delivered.models++;
    this.#delivered.before += item.bytes;
    this.#delivered.after += item.chosenBytes;
  }

  summary(): BatchSummary {
    const codes = [...this.#codes]
      .map(([code, count]) => ({ code, count }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
    return {
      models: STATUSES.reduce((sum, status) => sum + this.#status[status], 0),
      counts: { status: { ...this.#status }, codes },
      delivered: { ...this.#delivered },
      shown: STATUSES.flatMap((status) => this.#shown[status]).slice(0, MOST_SHOWN),
    };
  }
}

export function summarize(items: Iterable<BatchItem>): BatchSummary {
  const tally = new BatchTally();
  for (const item of items) tally.add(item);
  return tally.summary();
}

/** The JSON around the items, so that a reader need not count: the items follow the head, with commas between them. */
export function batchJson(
  frame: BatchFrame,
  { counts }: BatchSummary,
): { readonly head: string; readonly tail: string } {
  const text = writeJson({ ...frame, counts }).trimEnd();
  return { head: `${text.slice(0, -1).trimEnd()},\n  "items": [\n`, tail: '\n  ]\n}\n' };
}

export const batchItemJson = (item: BatchItem): string => `    ${JSON.stringify(item)}`;

function overview({ counts: { status }, delivered }: BatchSummary, cost: BatchCost | null): Html {
  const tile = (kind: Verdict): Html =>
    html`<div class="tile"><p class="label">${outcome(kind, WORDS[kind])}</p><p class="value">${formatCount(status[kind])}</p></div>`;
  const { models, before, after } = delivered;
  const size = html`<div class="tile"><p class="label">Size of delivered models</p><p class="value">${formatBytes(after)}</p>\
<p class="note">${models ? `sources ${formatBytes(before)}, ${formatSizeChange(before, after)}` : 'none was delivered'}</p></div>`;
  return html`<div class="tiles">${STATUSES.toReversed().map(tile)}${size}${cost && costTile(cost)}</div>`;
}

const costTile = (cost: BatchCost): Html =>
  html`<div class="tile" title="${partsText(cost)}"><p class="label">Cost, estimated</p><p class="value">${formatDollars(cost.usd)}</p>\
<p class="note">${costText(cost)}</p></div>`;

function failures({ counts: { codes } }: BatchSummary, limits: Limits): Html | null {
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

const COLUMNS = [
  text('Model'),
  text('Outcome'),
  text('Verdict'),
  number('Source'),
  number('Chosen'),
  number('of FP32'),
  number('Cost'),
];

// What needs a reader stands first; within an outcome the order is the batch's.
function models({ shown, models: total }: BatchSummary, limits: Limits): Html {
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
    formatNumber(item.sizeRatio),
    item.cost === null ? formatNumber(null) : formatDollars(item.cost),
  ];
  const rows = table(
    { label: 'Models', columns: COLUMNS, items: shown, total, cells },
    { ...limits, rows: limits.rows * 5 },
  );
  return sectionElement({ id: 'models', title: 'Models', body: rows });
}

function pageOf({ id, created, torchferry, cost = null }: BatchFrame, summary: BatchSummary, limits: Limits): string {
  const { models: total } = summary;
  const about = facts([
    ['Batch', id ? name(id, limits) : null],
    ['Created', shorten(formatTime(created), limits.name)],
    ['torchferry', shorten(torchferry, limits.name)],
  ]);
  return page(
    `${id ? `Batch ${shorten(id, 80)}` : 'All models'}: torchferry report`,
    html`<main><header><p class="eyebrow">torchferry batch report</p>
<h1>${formatCount(total)} model${total === 1 ? '' : 's'}</h1>${about}${overview(summary, cost)}</header>
${failures(summary, limits)}${total ? models(summary, limits) : null}</main>
<footer><p>All items in full: <a href="${limits.full}">${limits.full}</a></p></footer>`,
  );
}

/** The batch as one page, under the same rules as a single report. */
export const renderBatchHtml = (frame: BatchFrame, summary: BatchSummary, full = 'batch-report.json'): string =>
  withinSize(full, (limits) => pageOf(frame, summary, limits));
