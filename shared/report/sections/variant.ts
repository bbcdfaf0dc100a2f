/** One variant in full: files, checks, comparisons, worst layers, what stayed in float. */
import { CODE_TYPES, DYNAMIC_ACTIVATIONS, isQuantized } from '../../choices.ts';
import { blocksText } from '../blocks.ts';
import { judge } from '../criterion.ts';
import { equalText } from '../equal-samples.ts';
import { badge, exact, facts, folded, listed, name, outcome, type Section } from '../elements.ts';
import { formatBytes, formatCount, formatMilliseconds, formatShare, formatSpeedChange } from '../format.ts';
import type { Limits } from '../limits.ts';
import { baseName, linkBeside } from '../link.ts';
import { machineText } from '../machine.ts';
import { html, shorten, type Hole, type Html } from '../markup.ts';
import { referenceOf } from '../measures.ts';
import { kernelSummary } from '../kernels.ts';
import type { Check, QuantizedOperator, Report, ReportedFile, Validation, Variant } from '../report.ts';
import type { Quantization, Transfer } from '../quantization.ts';
import { result } from '../result.ts';
import { sumsText } from '../sums.ts';
import { adjustmentTable } from './adjustments.ts';
import { comparisonTable } from './comparison.ts';
import { failureElement } from './failure.ts';
import { keptInFloat, withoutKernel } from './kept-in-float.ts';
import { tuningElement, tuningFacts } from './tuning.ts';
import { transferTable } from './transfer.ts';
import { worstLayers } from './worst-layers.ts';
import { worstSamples } from './worst-samples.ts';

export const variantSections = (report: Report, limits: Limits): readonly Section[] =>
  report.variants.slice(0, limits.rows).map((variant, i) => ({
    id: `variant-${i}`,
    title: `Variant ${shorten(variant.name, limits.name)}`,
    body: card(variant, { at: i, report, limits }),
  }));

function card(
  variant: Variant,
  { at, report, limits }: { readonly at: number; readonly report: Report; readonly limits: Limits },
): Html {
  const { quantization, validation } = variant;
  const { mark, words } = result(variant, report);
  return html`<article class="card"><p class="badges">${badge(variant.dtype)}${variant.name === report.chosen ? badge('chosen') : null}${outcome(mark, words)}</p>
${variant.failure ? failureElement(variant.failure, limits) : null}
${facts([...quantizationFacts(quantization, limits), ...int8Facts(validation), ...validationFacts(validation, limits), ['Files', files(variant.files, limits)]])}
${criterion(variant, report)}
${comparisonTable(variant, limits)}
${worstSamples(variant, limits)}
${checks(validation, limits)}
${withoutKernel(validation?.kernels ?? [], limits)}
${quantization?.tuning ? tuningElement(quantization.tuning, at, limits) : null}
${quantization ? damage(quantization, at, limits) : null}</article>`;
}

function damage({ layers, skipped, transfer, adjustments = [] }: Quantization, at: number, limits: Limits): Html {
  const worst = worstLayers(layers, at, limits);
  return html`${transfer ? transferTable(transfer, limits) : null}<div class="pair">${worst?.chart ?? null}${keptInFloat(skipped, limits)}</div>${worst?.rows ?? null}${adjustmentTable(adjustments, limits)}`;
}

const files = (list: readonly ReportedFile[], limits: Limits): Hole =>
  list.length === 0
    ? null
    : html`<ul class="files">${listed(
        list,
        limits,
        (file) =>
          html`<li><a href="${linkBeside(file.path)}">${name(baseName(file.path), limits)}</a> ${exact(formatBytes(file.bytes), `${formatCount(file.bytes)} bytes`)}</li>`,
      )}</ul>`;

function quantizationFacts(q: Quantization | null, limits: Limits): readonly (readonly [string, Hole])[] {
  if (!q) return [];
  const calibration = q.calibration && [
    shorten(q.calibration.method, limits.name),
    ', ',
    formatCount(q.calibration.samples),
    ' samples of ',
    name(q.calibration.file, limits),
  ];
  return [
    ['Quantization', `${q.approach}, ${q.format}`],
    ['Weights', q.blocks ? blocksText(q.blocks) : null],
    ['Calibration', calibration],
    ['Carried over from', q.transfer ? name(q.transfer.file, limits) : null],
    ...(q.transfer ? codesFacts(q.transfer) : []),
    ['Nodes', `${formatCount(q.quantized)} quantized, ${formatCount(q.skipped.length)} kept in float`],
    ...tuningFacts(q.tuning, limits),
  ];
}

const codesFacts = ({ types, activations }: Transfer): readonly (readonly [string, Hole])[] => [
  ['Codes', `${types}: ${CODE_TYPES[types].activations} activations, ${CODE_TYPES[types].weights} weights`],
  ['Dynamic modules', activations && `round what they read ${DYNAMIC_ACTIVATIONS[activations].about}`],
];

/** Beside what was carried over, because it says whether that came out. */
const int8Facts = (v: Validation | null): readonly (readonly [string, Hole])[] =>
  v?.int8 ? [["PyTorch's INT8", exact(equalText(v.int8), `${v.int8.equal} of ${v.int8.samples}`)]] : [];

const DATA = {
  archive: 'inputs from the model archive',
  file: 'inputs from the data file',
  random: 'random inputs',
} as const satisfies Record<Validation['data'], string>;

function validationFacts(v: Validation | null, limits: Limits): readonly (readonly [string, Hole])[] {
  if (!v) return [['Validation', 'not run']];
  const before = v.latency?.fp32MedianMs ?? null;
  return [
    ['Validated on', `${formatCount(v.samples)} samples, ${DATA[v.data]}`],
    [
      'Top-1',
      v.accuracy && exact(formatShare(v.accuracy.top1), `${v.accuracy.correct} of ${v.accuracy.samples} correct`),
    ],
    [
      'Latency',
      v.latency && [
        exact(formatMilliseconds(v.latency.medianMs), `${v.latency.medianMs} ms`),
        `, median of ${formatCount(v.latency.runs)} runs, batch ${formatCount(v.latency.batch)}` +
          (before === null
            ? ''
            : `; FP32 between them ${formatMilliseconds(before)}: ${formatSpeedChange(before, v.latency.medianMs)}`) +
          (v.latency.machine ? `; ${shorten(machineText(v.latency.machine), limits.text)}` : ''),
      ],
    ],
    ['8-bit sums', v.sums ? shorten(sumsText(v.sums), limits.text) : null],
    ['Integer kernels', v.kernels?.length ? integerKernels(v.kernels, limits) : null],
    ['Runtime', shorten(`${v.runtime.name} ${v.runtime.version}`, limits.name)],
  ];
}

function integerKernels(operators: readonly QuantizedOperator[], limits: Limits): Hole {
  const { integer, kernels } = kernelSummary(operators);
  const named = kernels.map(({ operator, count }) => `${shorten(operator, limits.name)} ${formatCount(count)}`);
  return `${formatCount(integer)} of ${formatCount(operators.length)}${named.length ? `: ${named.join(', ')}` : ''}`;
}

function criterion(variant: Variant, { variants, criterion: asked }: Report): Html | null {
  if (!isQuantized(variant) || !variant.validation) return null;
  const { findings } = judge(variant, referenceOf(variants), asked ?? {});
  if (!findings.length) return html`<p>${outcome('warn', 'Criterion: nothing it could be judged by was measured')}</p>`;
  return html`<ul class="checks">${findings.map((f) => html`<li>${outcome(f.met ? 'pass' : 'warn', html`<span><b>Criterion</b> ${f.text}</span>`)}</li>`)}</ul>`;
}

const checkItem = ({ name: check, passed, detail }: Check, limits: Limits): Html =>
  html`<li>${outcome(
    passed ? 'pass' : 'fail',
    html`<span><b>${shorten(check, limits.name)}</b> ${passed ? 'passed' : 'failed'}${
      detail ? html`<span class="detail">: ${shorten(detail, limits.text)}</span>` : null
    }</span>`,
  )}</li>`;

const checkList = (all: readonly Check[], limits: Limits): Html =>
  html`<ul class="checks">${listed(all, limits, (each) => checkItem(each, limits))}</ul>`;

/** What failed is read, what passed is counted. */
function checks(v: Validation | null, limits: Limits): Html | null {
  if (!v?.checks.length) return null;
  const [failed, passed] = [v.checks.filter((each) => !each.passed), v.checks.filter((each) => each.passed)];
  const count = `${formatCount(passed.length)} of ${formatCount(v.checks.length)} checks passed`;
  return html`${failed.length ? checkList(failed, limits) : null}${
    passed.length ? folded(outcome('pass', count), checkList(passed, limits)) : null
  }`;
}
