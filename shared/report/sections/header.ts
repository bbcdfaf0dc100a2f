/** The top of the page: which file, the verdict, four headline numbers. */
import { isQuantized, VARIANTS } from '../../choices.ts';
import {
  closestComparison,
  comparisonWith,
  referenceOf,
  largestDifference,
  agreementOf,
  smallestSqnr,
} from '../measures.ts';
import { costText, partsText } from '../cost.ts';
import { exact, facts, mark, name } from '../elements.ts';
import {
  formatBytes,
  formatCount,
  formatDecibels,
  formatMilliseconds,
  formatNumber,
  formatShare,
  formatSizeChange,
  formatSpeedChange,
  formatTime,
} from '../format.ts';
import type { Limits } from '../limits.ts';
import { baseName } from '../link.ts';
import { machineText } from '../machine.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import type { Report, Variant } from '../report.ts';

const VERDICTS = { pass: 'Verdict: pass', warn: 'Verdict: warning', fail: 'Verdict: fail' } as const satisfies Record<
  Report['verdict']['status'],
  string
>;

interface Tile {
  readonly label: string;
  readonly value: Hole;
  readonly note: Hole;
}

export const header = (report: Report, limits: Limits): Html => html`<header>
<p class="eyebrow">torchferry report</p>
<h1>${shorten(baseName(report.model.key) || 'unknown model', Math.ceil(limits.name / 2))}</h1>
<div class="verdict ${report.verdict.status}">${mark(report.verdict.status)}<p><b>${VERDICTS[report.verdict.status]}</b>\
<span>${shorten(report.verdict.sentence, limits.text)}</span></p></div>
${
  report.variants.length
    ? html`<div class="tiles">${tiles(report).map(tileElement)}</div>
`
    : null
}${source(report, limits)}</header>
`;

/** What it was, on one line: what nobody reads aloud stands at the end of the page. */
function source({ model, job, cost }: Report, limits: Limits): Html {
  return facts([
    ['Source', model.key ? name(model.key, limits) : null],
    ['Size', model.bytes === 0 ? null : exact(formatBytes(model.bytes), `${formatCount(model.bytes)} bytes`)],
    ['PyTorch', model.torchVersion === null ? null : shorten(model.torchVersion, limits.name)],
    ['Created', shorten(formatTime(job.created), limits.name)],
    ['Cost', cost ? exact(costText(cost), partsText(cost)) : null],
  ]);
}

const titleOf = ({ dtype }: Variant): string => VARIANTS[dtype].title;

const NOT_MEASURED = html`<span class="none">not measured</span>`;

function tiles(report: Report): readonly Tile[] {
  const reference = referenceOf(report.variants);
  const shown = report.variants.find((v) => v.name === report.chosen) ?? report.variants.find(isQuantized) ?? reference;
  const other = shown === reference ? null : reference;
  return [
    size(report, shown, other),
    error(report.variants, reference),
    latency(shown),
    accuracy(report.variants, shown, other),
  ];
}

function size({ model }: Report, shown: Variant | null, other: Variant | null): Tile {
  if (!shown) return { label: 'Size', value: NOT_MEASURED, note: null };
  const before = other?.bytes ?? model.bytes;
  const value = exact(formatBytes(shown.bytes), `${formatCount(shown.bytes)} bytes`);
  return {
    label: `Size, ${titleOf(shown)}`,
    value,
    note: `${other ? 'FP32' : 'source'} ${formatBytes(before)}, ${formatSizeChange(before, shown.bytes)}`,
  };
}

function error(variants: readonly Variant[], reference: Variant | null): Tile {
  const base = reference ?? variants[0] ?? null;
  const most = base ? largestDifference(comparisonWith(base, 'pytorch')) : null;
  const quantized = variants.find(isQuantized);
  const sqnr = quantized ? smallestSqnr(closestComparison(quantized)) : null;
  return {
    label: 'Largest difference from PyTorch',
    value: most === null ? NOT_MEASURED : exact(formatNumber(most), String(most)),
    note: [
      base ? titleOf(base) : null,
      base && sqnr !== null && quantized !== base
        ? `; ${titleOf(quantized!)} ${sqnr === Infinity ? 'equal to it' : `${formatDecibels(sqnr)} SQNR`}`
        : null,
    ],
  };
}

function latency(shown: Variant | null): Tile {
  const found = shown?.validation?.latency ?? null;
  if (!found) return { label: 'Latency', value: NOT_MEASURED, note: null };
  return {
    label: `Latency, ${titleOf(shown!)}, batch ${found.batch}`,
    value: exact(formatMilliseconds(found.medianMs), `median of ${formatCount(found.runs)} runs: ${found.medianMs} ms`),
    note:
      (found.fp32MedianMs !== null
        ? `FP32 ${formatMilliseconds(found.fp32MedianMs)}, ${formatSpeedChange(found.fp32MedianMs, found.medianMs)}`
        : `median of ${formatCount(found.runs)} runs`) + (found.machine ? `; ${machineText(found.machine)}` : ''),
  };
}

function accuracy(variants: readonly Variant[], shown: Variant | null, other: Variant | null): Tile {
  const found = shown?.validation?.accuracy ?? null;
  if (shown && found) {
    const before = other?.validation?.accuracy ?? null;
    const value = exact(formatShare(found.top1), `${found.correct} of ${found.samples} correct`);
    return {
      label: `Top-1, ${titleOf(shown)}`,
      value,
      note: `${before ? `FP32 ${formatShare(before.top1)}, ` : ''}${formatCount(found.samples)} samples`,
    };
  }
  const quantized = shown && isQuantized(shown) ? shown : variants.find(isQuantized);
  const agreement = quantized ? agreementOf(closestComparison(quantized)) : null;
  if (agreement === null) return { label: 'Top-1', value: NOT_MEASURED, note: 'no labels were given' };
  return {
    label: `Top-1 agreement, ${titleOf(quantized!)} with FP32`,
    value: exact(formatShare(agreement), String(agreement)),
    note: 'no labels were given',
  };
}

const tileElement = ({ label, value, note }: Tile): Html =>
  html`<div class="tile"><p class="label">${label}</p><p class="value">${value}</p><p class="note">${note}</p></div>`;
