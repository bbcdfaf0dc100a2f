/** What a report tells its reader to do next, most useful first. */
import { describe, expect, test } from 'vitest';
import { adviceFor } from '../../shared/report/advice.ts';
import type { Report, Variant } from '../../shared/report/report.ts';
import type { Quantization } from '../../shared/report/quantization.ts';
import { comparison, DYNAMIC, FAILED, FP32, INT8, output, quantization, SAMPLE, validation } from './samples.ts';

const said = (report: Partial<Report>): readonly string[] =>
  adviceFor({ ...SAMPLE, ...report }).map(({ what, how }) => `${what}: ${how}`);
const latency = { medianMs: 24, fp32MedianMs: 20, ratioToFp32: 1.2, runs: 31, batch: 1 };
const far = validation({
  comparisons: [comparison({ against: 'fp32', outputs: [output({ sqnr: 9, top1Agreement: 0.5 })] })],
  accuracy: { top1: 0.5, correct: 180, samples: 360 },
});

describe('advice', () => {
  test('there is none where everything was measured and is worth having', () => {
    expect(said({ variants: [FP32, INT8] })).toEqual([]);
  });

  test('nor for a job that failed: its failure says what to do', () => expect(adviceFor(FAILED)).toEqual([]));

  test('INT8 that is larger and slower is to be skipped', () => {
    const large: Variant = { ...INT8, bytes: FP32.bytes * 1.5, validation: { ...INT8.validation!, latency } };
    expect(said({ variants: [FP32, large] })).toEqual([
      'INT8 is 1.5x larger and 1.20x slower: skip it: "dtype": ["fp32"]',
    ]);
  });

  test('layers that are furthest off are named where INT8 misses the criterion', () => {
    expect(said({ variants: [FP32, { ...INT8, validation: far }] })).toEqual([
      'INT8 misses the criterion: leave the layers that are furthest off in float: "keep_float": ' +
        '["/layer4/layer4.2/conv3/Conv","/layer4/layer4.0/downsample/downsample.0/Conv","/conv1/Conv"]' +
        ', or "recipe": "auto" to find them',
      'Or let trials find the form and the layers with which INT8 is accurate enough: "recipe": "auto"',
    ]);
  });

  test('what was tried is not advised', () => {
    const tuning = { trials: [], chosen: 0 } as unknown as NonNullable<Quantization['tuning']>;
    const tried = (part: Partial<Variant>, more: Partial<Quantization>): Variant => ({
      ...INT8,
      ...part,
      quantization: { ...INT8.quantization!, ...more, tuning },
    });
    expect(said({ variants: [FP32, tried({ validation: far }, {})] })).toEqual([expect.stringMatching(/"keep_float"/)]);
    expect(said({ variants: [FP32, tried({}, { approach: 'dynamic' })] })).toEqual([]);
  });

  test('the other form, where INT8 is no faster because it runs in float', () => {
    const kernels = [
      { node: 'a', operator: 'Conv', kernel: 'QLinearConv', reason: null },
      { node: 'b', operator: 'Gemm', kernel: null, reason: 'its bias is float' },
    ];
    const slow: Variant = { ...INT8, validation: { ...INT8.validation!, latency, kernels } };
    expect(said({ variants: [FP32, slow] })).toEqual([
      'INT8 is no faster, and 1 of 2 operators on codes run in float: try the other form: "quant_format": ["QLinear"]',
    ]);
  });

  test('in order of gain: proof first, then what to skip, then data', () => {
    const unproven: Variant = { ...FP32, validation: validation({ comparisons: [], data: 'random' }) };
    const useless: Variant = {
      ...DYNAMIC,
      name: 'int8',
      bytes: FP32.bytes,
      quantization: quantization({ approach: 'dynamic', layers: [] }),
      validation: validation({ comparisons: [comparison({ against: 'fp32' })] }),
    };
    expect(said({ variants: [unproven, useless] }).map((line) => line.split(/[:,]/)[0])).toEqual([
      'Nothing was compared with PyTorch',
      'INT8 is the same size',
      'INT8 finds the ranges of activations at every run',
      'How many samples are still classified right is not known',
      'The inputs were random',
    ]);
    expect(said({ variants: [unproven, useless] })[0]).toContain('resnet50.reference.npz beside the model');
  });
});
