/** Results as JUnit XML: what failed, what nobody asked for, and text that XML cannot hold. */
import { describe, expect, test } from 'vitest';
import { failedSuite, type JUnitCase, junitXml, suiteOf } from '../../shared/report/junit.ts';
import type { Variant } from '../../shared/report/report.ts';
import { comparison, FAILED, FP32, INT8, output, SAMPLE, validation } from './samples.ts';

const ASKED = { criterion: {}, failed: [] };
const outcomes = (cases: readonly JUnitCase[]): readonly string[] =>
  cases.map(({ of, name, outcome }) => `${of}, ${name}: ${outcome.kind}`);

describe('a suite', () => {
  test('has a case for each check, output and limit', () => {
    const { name, seconds, cases } = suiteOf({ ...SAMPLE, variants: [FP32, INT8] }, ASKED);
    expect([name, seconds > 0]).toEqual(['models/vision/resnet50.pt2', true]);
    expect(outcomes(cases)).toEqual([
      'job, pipeline: passed',
      ...FP32.validation!.checks.map((check) => `fp32, ${check.name}: passed`),
      'fp32, output "logits" against pytorch: passed',
      'fp32, output "features" against pytorch: passed',
      ...INT8.validation!.checks.map((check) => `int8, ${check.name}: passed`),
      'int8, criterion maxTop1Drop: passed',
    ]);
  });

  test('fails with the code of a job that failed', () => {
    const [first] = suiteOf(FAILED, ASKED).cases;
    expect(first!.outcome).toMatchObject({ kind: 'failed', code: 'UnsupportedOperator' });
  });

  test('FP32 outside of its tolerance fails', () => {
    const outputs = [output({ maxAbsDiff: 0.5, withinTolerance: false })];
    const off: Variant = { ...FP32, validation: validation({ comparisons: [comparison({ outputs })] }) };
    expect(suiteOf({ ...SAMPLE, variants: [off] }, ASKED).cases.at(-1)!.outcome).toEqual({
      kind: 'failed',
      code: 'ValidationFailed',
      message: 'it differs by up to 0.5, more than rtol 0.001, atol 1e-4 allows',
    });
  });

  test.each([
    [{}, 'skipped'],
    [{ minSqnr: 20 }, 'failed'],
  ] as const)('a limit of %j that is missed is %s', (criterion, kind) => {
    const far = [comparison({ against: 'fp32', outputs: [output({ sqnr: 9, top1Agreement: null })] })];
    const int8: Variant = { ...INT8, validation: validation({ comparisons: far }) };
    const { cases } = suiteOf({ ...SAMPLE, variants: [FP32, int8] }, { criterion, failed: [] });
    expect(cases.at(-1)).toMatchObject({ name: 'criterion minSqnr', outcome: { kind, code: 'CriterionMissed' } });
  });

  test.each([
    [['int8'], 'failed'],
    [[], 'skipped'],
  ] as const)('a variant that was not made, of the failures %j, is %s', (failed, kind) => {
    const failure = { code: 'NothingToQuantize', message: 'nothing', stage: 'quantize', details: {} };
    const variants = [FP32, { ...INT8, validation: null, failure }];
    expect(suiteOf({ ...SAMPLE, variants }, { criterion: {}, failed }).cases.at(-1)!.outcome.kind).toBe(kind);
  });
});

test('the file: counts, and text as XML may hold it', () => {
  const passed = suiteOf({ ...SAMPLE, variants: [] }, ASKED);
  const bad = failedSuite('a"<b>&.pt2', 'line\nnull \0 half \ud800', { code: 'CorruptArchive' });
  expect(junitXml([{ ...passed, seconds: 2.5 }, bad])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="torchferry" tests="2" failures="1" skipped="0" errors="0">
  <testsuite name="models/vision/resnet50.pt2" tests="1" failures="0" skipped="0" errors="0" time="2.5" timestamp="2026-01-15T09:30:00.000Z">
    <testcase classname="models/vision/resnet50.pt2.job" name="pipeline"/>
  </testsuite>
  <testsuite name="a&quot;&lt;b&gt;&amp;.pt2" tests="1" failures="1" skipped="0" errors="0" time="0">
    <testcase classname="a&quot;&lt;b&gt;&amp;.pt2.job" name="pipeline"><failure type="CorruptArchive" message="line&#10;null \ufffd half \ufffd"/></testcase>
  </testsuite>
</testsuites>
`);
});
