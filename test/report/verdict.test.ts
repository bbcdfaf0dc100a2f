import { describe, expect, test } from 'vitest';
import { judge } from '../../shared/report/criterion.ts';
import type { Criterion } from '../../shared/choices.ts';
import type { Failure, Report, Validation, Variant } from '../../shared/report/report.ts';
import { chooseVariant, decideVerdict } from '../../shared/report/verdict.ts';
import { comparison, DYNAMIC, FAILED, FP32, INT8, output, validation } from './samples.ts';

const measured = (variant: Variant, part: Partial<Validation>): Variant => ({
  ...variant,
  validation: validation(part),
});
const labelled = (correct: number, samples = 1000): Partial<Validation> => ({
  accuracy: { top1: correct / samples, correct, samples },
});
const apart = (part: Parameters<typeof output>[0]): Partial<Validation> => ({
  comparisons: [comparison({ against: 'fp32', outputs: [output({ withinTolerance: null, ...part })] })],
});

const OFF = measured(FP32, {
  comparisons: [
    comparison({
      outputs: [output({ maxAbsDiff: 1e-6 }), output({ output: 'boxes', maxAbsDiff: 0.31, withinTolerance: false })],
    }),
  ],
});
const NAN = measured(FP32, {
  comparisons: [
    comparison({
      outputs: [output({ maxAbsDiff: NaN, withinTolerance: false }), output({ maxAbsDiff: 9, withinTolerance: false })],
    }),
  ],
});
const UNCOMPARED = measured(FP32, { comparisons: [], data: 'random' });
const RELATIVE = measured(FP32, { comparisons: [comparison({ outputs: [output({ maxAbsDiff: 0.02 })] })] });
const EXACT = measured(FP32, {
  comparisons: [comparison({ samples: 1, outputs: [output({ maxAbsDiff: 0, sqnr: null })] })],
});
const UNREADABLE = measured(FP32, { checks: [{ name: 'loads in onnxruntime', passed: false, detail: 'bad magic' }] });
const BROKEN: Variant = {
  ...INT8,
  validation: null,
  failure: {
    code: 'NothingToQuantize',
    message: 'no operator of "m" can be quantized:\n  Foo',
    stage: 'quantize',
    details: {},
  },
};
const UNLABELLED = measured(INT8, apart({ sqnr: 31.2, top1Agreement: 0.9893 }));
const SCORELESS = measured(INT8, { ...apart({ sqnr: 31.2, top1Agreement: null }), data: 'random' });
const ALONE = measured(INT8, { comparisons: [comparison({ outputs: [output({ sqnr: 40, top1Agreement: null })] })] });

/** INT8 as it is, with other costs. */
const costing = (bytes: number, medianMs: number, fp32MedianMs: number): Variant => ({
  ...INT8,
  bytes,
  validation: {
    ...INT8.validation!,
    latency: { medianMs, fp32MedianMs, ratioToFp32: medianMs / fp32MedianMs, runs: 31, batch: 1 },
  },
});
const bytes = FP32.bytes;

const FP32_EQUALS = 'FP32 equals PyTorch within 1e-4 (max 3.1e-6 over 360 samples)';
type Case = readonly [
  name: string,
  variants: readonly Variant[],
  criterion: Criterion,
  failure: Failure | null,
  status: Report['verdict']['status'],
  sentence: string,
];

const CASES: readonly Case[] = [
  [
    'all well',
    [FP32, INT8],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 3.8x smaller, 2.63x faster and keeps 94.7 % of 94.7 % top-1.`,
  ],
  ['FP32 alone', [FP32], {}, null, 'pass', `Passed: ${FP32_EQUALS}.`],
  ['FP32 bit for bit', [EXACT], {}, null, 'pass', 'Passed: FP32 equals PyTorch exactly over 1 sample.'],
  [
    'within the relative tolerance only',
    [RELATIVE],
    {},
    null,
    'pass',
    'Passed: FP32 equals PyTorch within rtol 0.001, atol 1e-4 (max 0.0200 over 360 samples).',
  ],
  [
    'a second INT8 that misses the criterion does not matter',
    [FP32, INT8, DYNAMIC],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 3.8x smaller, 2.63x faster and keeps 94.7 % of 94.7 % top-1.`,
  ],
  [
    'no labels',
    [FP32, UNLABELLED],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 3.8x smaller and agrees with FP32 on 98.9 % of top-1.`,
  ],
  [
    'no scores, random inputs',
    [FP32, SCORELESS],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 3.8x smaller and is 31.2 dB SQNR from FP32 on random inputs.`,
  ],
  ['INT8 alone against PyTorch', [ALONE], {}, null, 'pass', 'Passed: INT8 is 40.0 dB SQNR from PyTorch.'],
  [
    'INT8 alone, compared with nothing',
    [measured(INT8, { comparisons: [], accuracy: null })],
    {},
    null,
    'warn',
    'Not proven: INT8 runs in onnxruntime but was not compared.',
  ],
  [
    'INT8 alone, with labels only',
    [measured(INT8, { comparisons: [], ...labelled(947) })],
    {},
    null,
    'warn',
    'Not proven: INT8 has 94.7 % top-1 but was not compared.',
  ],
  [
    'INT8 alone, compared with nothing though a limit is set',
    [measured(INT8, { comparisons: [], accuracy: null })],
    { minSqnr: 20 },
    null,
    'fail',
    'Failed: INT8 SQNR was not measured.',
  ],
  [
    'INT8 misses the criterion',
    [FP32, DYNAMIC],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 loses 1.67 points top-1 (limit: 1), so FP32 was chosen.`,
  ],
  [
    'INT8 misses a limit that was set',
    [FP32, INT8],
    { minSqnr: 30 },
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 has 29.4 dB SQNR (asked: at least 30 dB), so FP32 was chosen.`,
  ],
  [
    'a limit that was set cannot be measured',
    [FP32, UNLABELLED],
    { maxTop1Drop: 2 },
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 top-1 against FP32 was not measured, so FP32 was chosen.`,
  ],
  [
    'INT8 is larger and slower',
    [FP32, costing(1.8 * bytes, 183.5, 156.8)],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 is 1.8x larger and 1.17x slower, so FP32 was chosen.`,
  ],
  [
    'INT8 is a little larger and as fast',
    [FP32, costing(Math.round(1.01 * bytes), 100, 101)],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 is 1.01x larger and as fast, so FP32 was chosen.`,
  ],
  [
    'INT8 is larger, and how fast was not measured',
    [FP32, { ...UNLABELLED, bytes: 2 * bytes }],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 is 2.0x larger, so FP32 was chosen.`,
  ],
  [
    'INT8 is larger and faster',
    [FP32, costing(2 * bytes, 74.9, 131)],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 2.0x larger, 1.75x faster and keeps 94.7 % of 94.7 % top-1.`,
  ],
  [
    'INT8 is smaller and slower',
    [FP32, costing(bytes / 2, 117, 100)],
    {},
    null,
    'warn',
    `Passed, but slower: ${FP32_EQUALS}; INT8 is 2.0x smaller, 1.17x slower and keeps 94.7 % of 94.7 % top-1.`,
  ],
  [
    'INT8 is smaller, and slower by microseconds',
    [FP32, costing(bytes / 2, 0.3, 0.2)],
    {},
    null,
    'pass',
    `Passed: ${FP32_EQUALS}; INT8 is 2.0x smaller, 1.50x slower and keeps 94.7 % of 94.7 % top-1.`,
  ],
  [
    'INT8 could not be made',
    [FP32, BROKEN],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 failed: no operator of "m" can be quantized (NothingToQuantize).`,
  ],
  [
    'one INT8 of two could not be made',
    [FP32, INT8, { ...BROKEN, name: 'int8-dynamic' }],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 is 3.8x smaller, 2.63x faster and keeps 94.7 % of 94.7 % top-1; int8-dynamic ` +
      'failed: no operator of "m" can be quantized (NothingToQuantize).',
  ],
  [
    'INT8 compared with nothing',
    [FP32, measured(INT8, { comparisons: [] })],
    {},
    null,
    'warn',
    `Passed in part: ${FP32_EQUALS}; INT8 was not compared with anything, so FP32 was chosen.`,
  ],
  [
    'not validated',
    [{ ...FP32, validation: null }],
    {},
    null,
    'warn',
    'Not proven: FP32 was written but not validated.',
  ],
  [
    'no PyTorch outputs',
    [UNCOMPARED, UNLABELLED],
    {},
    null,
    'warn',
    'Not proven: FP32 runs in onnxruntime but was not compared with PyTorch; INT8 is 3.8x smaller and ' +
      'agrees with FP32 on 98.9 % of top-1.',
  ],
  [
    'FP32 outside its tolerance',
    [OFF, INT8],
    {},
    null,
    'fail',
    'Failed: FP32 cannot be used: output "boxes" differs by up to 0.310, more than rtol 0.001, atol 1e-4 allows.',
  ],
  [
    'FP32 gives NaN',
    [NAN],
    {},
    null,
    'fail',
    'Failed: FP32 cannot be used: output "logits" differs by up to NaN, more than rtol 0.001, atol 1e-4 allows.',
  ],
  [
    'FP32 does not load',
    [UNREADABLE],
    {},
    null,
    'fail',
    'Failed: FP32 cannot be used: the check "loads in onnxruntime" failed: bad magic.',
  ],
  [
    'INT8 alone, and it could not be made',
    [BROKEN],
    {},
    null,
    'fail',
    'Failed: INT8 failed: no operator of "m" can be quantized (NothingToQuantize).',
  ],
  [
    'the job failed',
    [],
    {},
    FAILED.failure,
    'fail',
    'Failed in convert: no converter for 2 operators (UnsupportedOperator).',
  ],
  ['nothing was written', [], {}, null, 'fail', 'Failed: no model was written.'],
];

describe('decideVerdict', () => {
  test.each(CASES)('%s', (_, variants, criterion, failure, status, sentence) => {
    expect(decideVerdict({ variants, criterion, failure })).toEqual({ status, sentence });
  });
});

test('an ONNX file that was given has nothing to prove against PyTorch', () => {
  expect(decideVerdict({ variants: [UNCOMPARED, UNLABELLED], criterion: {}, failure: null, converted: false })).toEqual(
    {
      status: 'pass',
      sentence:
        'Passed: FP32 runs in onnxruntime as it was given; INT8 is 3.8x smaller and agrees with FP32 on ' +
        '98.9 % of top-1.',
    },
  );
});

const smaller = (variant: Variant, name: string, bytes: number): Variant => ({ ...variant, name, bytes });

describe('chooseVariant', () => {
  test.each<[string, readonly Variant[], Criterion, string | null]>([
    ['INT8 that passed', [FP32, INT8], {}, 'int8'],
    ['the smallest', [FP32, INT8, smaller(INT8, 'small', 10), smaller(INT8, 'middle', 20)], {}, 'small'],
    ['the first of equals', [FP32, smaller(INT8, 'a', 10), smaller(INT8, 'b', 10)], {}, 'a'],
    ['not the smallest if that misses the criterion', [FP32, smaller(DYNAMIC, 'small', 10), INT8], {}, 'int8'],
    [
      'not the smallest if that failed a check',
      [FP32, smaller(measured(INT8, UNREADABLE.validation!), 'small', 10), INT8],
      {},
      'int8',
    ],
    ['not the smallest if that is larger than FP32', [FP32, costing(2 * bytes, 20, 21)], {}, 'fp32'],
    ['INT8 that is larger, where no FP32 was asked for', [costing(2 * bytes, 20, 21)], {}, 'int8'],
    ['FP32 when no INT8 is good enough', [FP32, DYNAMIC], {}, 'fp32'],
    ['INT8 under a milder criterion', [FP32, DYNAMIC], { maxTop1Drop: 2 }, 'int8-dynamic'],
    ['nothing when FP32 failed: INT8 was made from it', [OFF, INT8], {}, null],
    ['nothing when FP32 was not validated', [{ ...FP32, validation: null }, INT8], {}, null],
    ['INT8 without FP32', [ALONE], {}, 'int8'],
    ['INT8 that nothing speaks against, without FP32', [measured(INT8, { comparisons: [] })], {}, 'int8'],
    ['nothing from nothing', [], {}, null],
  ])('%s', (_, variants, criterion, expected) => {
    expect(chooseVariant(variants, criterion)).toBe(expected);
  });
});

describe('judge', () => {
  const before = measured(FP32, labelled(947));
  test.each<[string, Partial<Validation>, Criterion, boolean, number | null]>([
    ['exactly one point lost', labelled(937), {}, true, 1],
    ['a hair more', labelled(936), {}, false, 1.1],
    ['a gain', labelled(950), {}, true, -0.3],
    ['other samples cannot be compared', { ...labelled(93, 100), comparisons: [] }, { maxTop1Drop: 9 }, false, null],
    ['agreement at the limit', apart({ top1Agreement: 0.98 }), {}, true, 0.98],
    ['agreement below', apart({ top1Agreement: 0.979, sqnr: 30 }), {}, false, 0.979],
    ['agreement below, but nothing else than near ties', apart({ top1Agreement: 0.9, sqnr: 47 }), {}, true, 47],
    ['agreement below, and more than near ties', apart({ top1Agreement: 0.9, sqnr: 39.9 }), {}, false, 0.9],
    ['agreement of what is no scores', apart({ top1Agreement: 0.4, looksLikeScores: false, sqnr: 16 }), {}, true, 16],
    ['nor do they excuse noise', apart({ top1Agreement: 1, looksLikeScores: false, sqnr: 14 }), {}, false, 14],
    [
      'unless somebody asks for it',
      apart({ top1Agreement: 0.97, looksLikeScores: false, sqnr: 47 }),
      { minTop1Agreement: 0.98 },
      false,
      0.97,
    ],
    ['SQNR when there are no scores', apart({ top1Agreement: null, sqnr: 15 }), {}, true, 15],
    ['SQNR below', apart({ top1Agreement: null, sqnr: 14.9 }), {}, false, 14.9],
    ['equal outputs have no noise', apart({ top1Agreement: null, sqnr: null, maxAbsDiff: 0 }), {}, true, Infinity],
    ['NaN meets nothing', apart({ top1Agreement: null, sqnr: null, maxAbsDiff: NaN }), {}, false, NaN],
    ['integers have no SQNR', apart({ top1Agreement: null, dtype: 'int64' }), {}, false, null],
    ['empty outputs have no SQNR', apart({ top1Agreement: null, elements: 0 }), {}, false, null],
  ])('%s', (_, part, criterion, met, value) => {
    const judgement = judge(measured(INT8, part), before, criterion);
    expect(judgement.met).toBe(met);
    expect(judgement.findings[0]?.value ?? null).toEqual(value);
  });

  test('agreement is that of the first output with scores', () => {
    const outputs = [
      output({ dtype: 'int64', top1Agreement: null }),
      output({ top1Agreement: 0.99 }),
      output({ output: 'boxes', top1Agreement: 0.4 }),
    ];
    expect(
      judge(measured(INT8, { comparisons: [comparison({ against: 'fp32', outputs })] }), before, {}).findings[0]?.value,
    ).toBe(0.99);
  });

  test.each<[string, Criterion, boolean, readonly string[]]>([
    ['a size and a time within', { maxSizeRatio: 0.27, maxLatencyRatio: 0.4 }, true, ['maxTop1Drop']],
    ['too large', { maxSizeRatio: 0.25 }, false, ['maxTop1Drop']],
    ['too slow', { maxLatencyRatio: 0.38 }, false, ['maxTop1Drop']],
    ['a limit for the outputs besides', { maxSizeRatio: 0.27, minSqnr: 20 }, true, []],
  ])('%s: the default still speaks for the outputs where no limit does', (_, criterion, met, byDefault) => {
    const { findings, ...judged } = judge(INT8, FP32, criterion);
    expect(judged.met).toBe(met);
    expect(findings.map(({ measure }) => measure).filter((measure) => !(measure in criterion))).toEqual(byDefault);
  });

  test('every limit that is set counts', () => {
    const one = measured(INT8, { ...labelled(947), ...apart({ sqnr: 20, top1Agreement: 0.99 }) });
    expect(judge(one, before, { maxTop1Drop: 0, minTop1Agreement: 0.99, minSqnr: 20 }).met).toBe(true);
    expect(judge(one, before, { maxTop1Drop: 0, minTop1Agreement: 0.991, minSqnr: 20 }).met).toBe(false);
  });
});
