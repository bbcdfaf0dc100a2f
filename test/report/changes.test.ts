/** What changed since the last run, and what the page says of it. */
import { describe, expect, test } from 'vitest';
import { changesSince } from '../../shared/report/changes.ts';
import { renderHtml } from '../../shared/report/html.ts';
import { readReport, renderJson } from '../../shared/report/json.ts';
import type { Report, Variant } from '../../shared/report/report.ts';
import { all, byId, byTag, cellsOf, parseHtml } from './parse-html.ts';
import { comparison, DYNAMIC, FAILED, FP32, INT8, output, SAMPLE, validation } from './samples.ts';

const BEFORE: Report = { ...SAMPLE, variants: [FP32, INT8] };
const rowsOf = (report: Report): readonly (readonly string[])[] => {
  const changes = changesSince(BEFORE, report)!;
  const page = parseHtml(renderHtml({ ...report, changes }));
  const box = all(page).find((e) => e.attributes.get('aria-label') === 'What changed');
  return box
    ? byTag(box, 'tr')
        .slice(1)
        .map((row) => cellsOf(row).map((cell) => cell.trim()))
    : [['', byTag(byId(page, 'changes')!, 'p')[0]!.text]];
};
const timed = (medianMs: number, fp32MedianMs: number): Variant => ({
  ...INT8,
  validation: {
    ...INT8.validation!,
    latency: { medianMs, fp32MedianMs, ratioToFp32: medianMs / fp32MedianMs, runs: 31, batch: 1 },
  },
});

describe('the same model again', () => {
  test('has nothing to tell', () => {
    expect(rowsOf(BEFORE)[0]![1]).toMatch(/^Sizes, accuracy, distances and operators are the same/);
    expect(changesSince(BEFORE, BEFORE)).toMatchObject({
      since: { job: SAMPLE.job.id, created: SAMPLE.job.created },
      otherModel: false,
      otherMachine: null,
      versions: [],
      options: [],
      added: [],
      removed: [],
    });
  });

  test('nor where times differ as two measurements do', () => {
    expect(rowsOf({ ...BEFORE, variants: [FP32, timed(8.6, 22.6)] })[0]![1]).toMatch(/^Sizes/);
  });
});

describe('what is another', () => {
  test('size, latency, accuracy, distances and operators, each with its direction', () => {
    const operators = [
      { operator: 'Conv', count: 50 },
      ...INT8.operators.filter(({ operator }) => operator !== 'Conv'),
      { operator: 'Sigmoid', count: 3 },
    ];
    const int8: Variant = {
      ...timed(4, 21.4),
      bytes: 20_000_000,
      operators,
      validation: {
        ...timed(4, 21.4).validation!,
        accuracy: { top1: 0.95, correct: 342, samples: 360 },
        comparisons: [
          comparison({ against: 'fp32', outputs: [output({ sqnr: 35, top1Agreement: 0.989 })] }),
          comparison({ outputs: [output({ maxAbsDiff: 0.2 })] }),
        ],
      },
    };
    expect(rowsOf({ ...BEFORE, variants: [FP32, int8] })).toEqual([
      ['int8', 'Size', '25.6 MB', '20.0 MB', '1.3x smaller'],
      ['int8', 'Median latency', '8.15 ms', '4.00 ms', '2.04x faster'],
      ['int8', 'Latency as a share of FP32', '38.0 %', '18.7 %', '2.03x faster'],
      ['int8', 'Top-1', '94.7 %', '95.0 %', 'better'],
      ['int8', 'SQNR from FP32', '29.4 dB', '35.0 dB', 'nearer'],
      ['int8', 'Max diff. from PyTorch', '0.412', '0.200', 'nearer'],
      ['int8', 'Conv nodes', '53', '50', 'fewer'],
      ['int8', 'Sigmoid nodes', '0', '3', 'more'],
    ]);
  });

  test('files, machines, versions, options, variants, verdict', () => {
    const machine = { processor: 'arm64', cores: 2, threads: 2 };
    const on = (variant: Variant, processor: string): Variant => ({
      ...variant,
      validation: {
        ...variant.validation!,
        latency: { ...variant.validation!.latency!, machine: { ...machine, processor } },
      },
    });
    const before = { ...BEFORE, variants: [on(FP32, 'x64'), INT8] };
    const after: Report = {
      ...BEFORE,
      torchferry: '0.2.0',
      model: { ...SAMPLE.model, sha256: 'other' },
      verdict: { status: 'warn', sentence: 'Passed in part.' },
      chosen: 'fp32',
      job: { ...SAMPLE.job, options: [...SAMPLE.job.options, { name: 'seed', value: 3, from: 'job' }] },
      variants: [on(FP32, 'arm64'), DYNAMIC],
    };
    expect(changesSince(before, after)).toMatchObject({
      verdict: { before: 'pass', after: 'warn' },
      chosen: { before: 'int8', after: 'fp32' },
      otherModel: true,
      otherMachine: true,
      versions: [{ of: 'torchferry', before: '0.1.0', after: '0.2.0' }],
      options: ['seed'],
      added: ['int8-dynamic'],
      removed: ['int8'],
    });
  });
});

test('a run that failed changed nothing', () => {
  expect(changesSince(FAILED, BEFORE)).toBeNull();
  expect(changesSince(BEFORE, FAILED)).toBeNull();
});

test('numbers that JSON cannot write come back', () => {
  const far = validation({ comparisons: [comparison({ outputs: [output({ maxAbsDiff: NaN })] })] });
  const after: Report = { ...BEFORE, variants: [{ ...FP32, validation: far }] };
  const report = { ...after, changes: changesSince(BEFORE, after)! };
  expect(readReport(renderJson(report))!.changes).toEqual(report.changes);
});

test.each(['', '{', '[]', 'null', '{"reportVersion": 7, "variants": [], "job": {}}'])('%j is no report', (text) => {
  expect(readReport(text)).toBeNull();
});
