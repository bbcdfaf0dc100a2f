/** Results as JUnit XML, which CI servers read: a suite for each model, a case for everything that was asked of it. */
import { isQuantized, type Criterion } from '../choices.ts';
import { judge } from './criterion.ts';
import { referenceOf } from './measures.ts';
import { problemOf, toleranceText } from './problem.ts';
import type { Comparison, Report, Validation, Variant } from './report.ts';

export interface JUnitCase {
  /** What it is of: the variant, or the job. */
  readonly of: string;
  readonly name: string;
  readonly outcome: Outcome;
}

/** `skipped`: it did not come out, and nobody asked for it. */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' | 'skipped'; readonly message: string; readonly code: string };

export interface JUnitSuite {
  readonly name: string;
  readonly seconds: number;
  /** ISO. */
  readonly created: string;
  readonly cases: readonly JUnitCase[];
}

export interface Asked {
  /** Limits that a quantized model has to meet. */
  readonly criterion: Criterion;
  /** Names of variants whose failure is one of the job. */
  readonly failed: readonly string[];
}

export const PASSED: Outcome = { kind: 'passed' };
const failedWith = (message: string, code = 'ValidationFailed'): Outcome => ({ kind: 'failed', message, code });

export function suiteOf(report: Report, asked: Asked): JUnitSuite {
  const { failure, variants, job, stages } = report;
  const pipeline = failure ? failedWith(failure.message, failure.code) : PASSED;
  return {
    name: report.model.key,
    created: job.created,
    seconds: Math.max(0, ...stages.map(({ endMs }) => endMs)) / 1000,
    cases: [
      { of: 'job', name: 'pipeline', outcome: pipeline },
      ...variants.flatMap((variant) => variantCases(variant, report, asked)),
    ],
  };
}

function variantCases(variant: Variant, { variants }: Report, { criterion, failed }: Asked): JUnitCase[] {
  const { name: of, failure, validation } = variant;
  if (failure) {
    const kind = failed.includes(of) ? 'failed' : 'skipped';
    return [{ of, name: 'is made', outcome: { kind, message: failure.message, code: failure.code } }];
  }
  if (!validation) return [{ of, name: 'is validated', outcome: failedWith(problemOf(variant) ?? 'it was not') }];
  return [
    ...validationCases(of, validation, { isJudged: !isQuantized(variant) }),
    ...criterionCases(variant, { reference: referenceOf(variants), criterion }),
  ];
}

/** Its checks, and where it `isJudged` by a tolerance, how far each output is off from PyTorch. */
export function validationCases(
  of: string,
  { checks, comparisons }: Validation,
  { isJudged }: { readonly isJudged: boolean },
): JUnitCase[] {
  const pytorch = comparisons.filter(({ against }) => against === 'pytorch');
  const checked = checks.map(({ name, passed, detail }) => ({
    of,
    name,
    outcome: passed ? PASSED : failedWith(detail || 'it failed'),
  }));
  return [...checked, ...(isJudged ? pytorch.flatMap((each) => comparisonCases(of, each)) : [])];
}

const comparisonCases = (of: string, comparison: Comparison): JUnitCase[] =>
  comparison.outputs
    .filter(({ withinTolerance }) => withinTolerance !== null)
    .map(({ output, withinTolerance, maxAbsDiff }) => ({
      of,
      name: `output "${output}" against ${comparison.against}`,
      outcome: withinTolerance
        ? PASSED
        : failedWith(`it differs by up to ${maxAbsDiff}, more than ${toleranceText(comparison)} allows`),
    }));

/** A limit that was asked for fails; one of the defaults only keeps the model from being chosen. */
function criterionCases(
  variant: Pick<Variant, 'name' | 'dtype' | 'validation' | 'sizeRatio'>,
  { reference, criterion }: { readonly reference: Variant | null; readonly criterion: Criterion },
): JUnitCase[] {
  if (!isQuantized(variant)) return [];
  return judge(variant, reference, criterion).findings.map(({ measure, met, text }) => ({
    of: variant.name,
    name: `criterion ${measure}`,
    outcome: met
      ? PASSED
      : { kind: criterion[measure] === undefined ? 'skipped' : 'failed', message: text, code: 'CriterionMissed' },
  }));
}

/** Of a model that has no report. */
export const failedSuite = (name: string, message: string, { code }: { readonly code: string }): JUnitSuite => ({
  name,
  created: '',
  seconds: 0,
  cases: [{ of: 'job', name: 'pipeline', outcome: failedWith(message, code) }],
});

const counted = (cases: readonly JUnitCase[], kind: Outcome['kind']): number =>
  cases.filter(({ outcome }) => outcome.kind === kind).length;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
// XML 1.0 has no way to write other controls, nor half a surrogate pair.
const escape = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!)
    .replaceAll(/[\n\t\r]/g, (character) => `&#${character.charCodeAt(0)};`);

function caseXml(suite: string, { of, name, outcome }: JUnitCase): string {
  const head = `    <testcase classname="${escape(`${suite}.${of}`)}" name="${escape(name)}"`;
  if (outcome.kind === 'passed') return `${head}/>\n`;
  const message = escape(outcome.message);
  const body =
    outcome.kind === 'skipped'
      ? `<skipped message="${message}"/>`
      : `<failure type="${escape(outcome.code)}" message="${message}"/>`;
  return `${head}>${body}</testcase>\n`;
}

/** The file. */
export function junitXml(suites: readonly JUnitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  const counts = (cases: readonly JUnitCase[]): string =>
    `tests="${cases.length}" failures="${counted(cases, 'failed')}" skipped="${counted(cases, 'skipped')}" errors="0"`;
  const body = suites.map(
    ({ name, created, seconds, cases }) =>
      `  <testsuite name="${escape(name)}" ${counts(cases)} time="${seconds}"` +
      `${created ? ` timestamp="${escape(created)}"` : ''}>\n` +
      `${cases.map((each) => caseXml(name, each)).join('')}  </testsuite>\n`,
  );
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="torchferry" ${counts(all)}>\n`;
  return `${head}${body.join('')}</testsuites>\n`;
}
