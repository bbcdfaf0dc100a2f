import { describe, expect, test } from 'vitest';
import { readJson, renderJson, writeJson } from '../../shared/report/json.ts';
import type { Report } from '../../shared/report/report.ts';
import { comparison, EMPTY, FAILED, FP32, output, SAMPLE, validation } from './samples.ts';

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, reversed(v)]),
  );
};

const withError = (maxAbsDiff: number, name = 'logits'): Report => ({
  ...SAMPLE,
  variants: [
    {
      ...FP32,
      validation: validation({ comparisons: [comparison({ outputs: [output({ output: name, maxAbsDiff })] })] }),
    },
  ],
});

describe('renderJson', () => {
  test.each([
    ['sample', SAMPLE],
    ['failed', FAILED],
    ['empty', EMPTY],
  ])('%s: reads back as it was, ends with a new line', (_, report) => {
    const text = renderJson(report);
    expect(text.endsWith('}\n')).toBe(true);
    expect(readJson(text)).toEqual(report);
  });

  test('the order of keys is that of the text, not of the object', () => {
    expect(renderJson(reversed(SAMPLE) as Report)).toBe(renderJson(SAMPLE));
    expect(Object.keys(JSON.parse(renderJson(SAMPLE)) as object).slice(0, 4)).toEqual([
      'reportVersion',
      'torchferry',
      'verdict',
      'chosen',
    ]);
    expect(Object.keys((JSON.parse(renderJson(SAMPLE)) as Report).variants[0]!)).toEqual([
      'bytes',
      'dtype',
      'failure',
      'files',
      'name',
      'operators',
      'quantization',
      'sizeRatio',
      'validation',
    ]);
  });

  test.each([
    [NaN, '"NaN"'],
    [Infinity, '"Infinity"'],
    [-Infinity, '"-Infinity"'],
    [-0, '0'],
  ])('%d is written as %s, never null', (value, text) => {
    expect(renderJson(withError(value))).toContain(`"maxAbsDiff": ${text},`);
    expect(
      (readJson(renderJson(withError(value))) as Report).variants[0]!.validation!.comparisons[0]!.outputs[0]!
        .maxAbsDiff,
    ).toBe(Object.is(value, -0) ? 0 : value);
  });

  test('a tensor called "NaN" or "constructor" keeps its name', () => {
    for (const name of ['NaN', 'Infinity', 'constructor']) {
      expect(
        (readJson(renderJson(withError(1, name))) as Report).variants[0]!.validation!.comparisons[0]!.outputs[0]!
          .output,
      ).toBe(name);
    }
    expect(readJson('{"sqnr":"constructor"}')).toEqual({ sqnr: 'constructor' });
  });
});

test('writeJson keeps what JSON.stringify would lose or refuse', () => {
  expect(writeJson({ b: 1n, a: [NaN, undefined], c: undefined })).toBe(
    '{\n  "a": [\n    "NaN",\n    null\n  ],\n  "b": "1"\n}\n',
  );
});
