/** Runs beside each other: one row for every model that they made. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { number, table, text } from '../shared/report/elements.ts';
import { formatBytes, formatDecibels, formatMilliseconds, formatNumber, formatShare } from '../shared/report/format.ts';
import { page } from '../shared/report/page.ts';
import { withinSize } from '../shared/report/limits.ts';
import { html, type Hole, shorten } from '../shared/report/markup.ts';
import { machineText } from '../shared/report/machine.ts';
import { comparisonWith, largestDifference, smallestSqnr } from '../shared/report/measures.ts';
import { readJson } from '../shared/report/json.ts';
import type { Report, Variant } from '../shared/report/report.ts';
import { resultFolder } from './kept-run.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';

interface Row {
  readonly run: Run;
  readonly report: Report;
  readonly variant: Variant;
}

const COLUMNS = [
  text('Run'),
  text('Model'),
  number('Size'),
  number('Max diff. from PyTorch'),
  number('SQNR from FP32'),
  number('Top-1'),
  number('Median latency'),
  text('Measured on'),
];

/** The page; without ids it says how to choose. Refuses an unknown run with FileNotFound. */
export async function compare(runs: Runs, ids: readonly string[]): Promise<string> {
  const rows = (await Promise.all([...new Set(ids)].map((id) => rowsOf(runs, id)))).flat();
  return withinSize('their report.json', (limits) => {
    const body =
      rows.length === 0
        ? html`<p>Choose runs that made a model with "compare", then compare them.</p>`
        : table({ label: 'Runs side by side', columns: COLUMNS, items: rows, cells }, limits);
    return page(
      'Runs side by side: torchferry',
      html`<main><header><h1>Runs side by side</h1><nav><a href="/">All runs</a></nav></header>${body}</main>`,
    );
  });
}

async function rowsOf(runs: Runs, id: string): Promise<readonly Row[]> {
  const run = runs.get(id);
  if (!run.files.includes('report.json')) return [];
  const report = readJson(await readFile(join(resultFolder(runs.folder(id)), 'report.json'), 'utf8')) as Report;
  return report.variants.map((variant) => ({ run, report, variant }));
}

function cells({ run, report, variant }: Row): readonly Hole[] {
  const { accuracy = null, latency = null } = variant.validation ?? {};
  const sqnr = smallestSqnr(comparisonWith(variant, 'fp32'));
  return [
    html`<a href="/runs/${run.id}/results/report.html">${shorten(run.model, 60)}</a> <small>${run.created.slice(0, 16).replace('T', ' ')}</small>`,
    `${variant.name}${variant.name === report.chosen ? ' (chosen)' : ''}`,
    formatBytes(variant.bytes),
    formatNumber(largestDifference(comparisonWith(variant, 'pytorch'))),
    sqnr === Infinity ? 'equal' : formatDecibels(sqnr),
    accuracy ? formatShare(accuracy.top1) : '–',
    latency ? formatMilliseconds(latency.medianMs) : '–',
    latency?.machine ? shorten(machineText(latency.machine), 120) : '–',
  ];
}
