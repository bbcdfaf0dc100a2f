/** `quantize --recipe auto`: what is printed, what lies there, and what another start goes on from. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tuning } from '../../shared/report/quantization.ts';
import { printed } from './in-process.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/tuning');
const folder = mkdtempSync(join(tmpdir(), 'torchferry-tuned-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  for (const name of readdirSync(FIXTURES)) copyFileSync(join(FIXTURES, name), at(name));
  expect(await printed('convert', at('two_layers.pt2'))).toMatchObject({ code: 0 });
});

const ASKED = ['--approach', 'static', '--quant-format', 'QDQ', '--calibrate-method', 'MinMax', '--recipe', 'auto'];
const quantize = (...more: string[]) => printed('quantize', at('two_layers.onnx'), ...ASKED, ...more, '--json');

test('the data beside the model judge, and an interrupted search goes on', async () => {
  const goal = ['--max-drop', '0.005'];
  const first = await quantize(...goal, '--trials', '3');
  expect([first.code, (JSON.parse(first.out) as { error: { code: string } }).error.code]).toEqual([
    1,
    'AccuracyNotMet',
  ]);
  expect(readdirSync(folder)).toContain('.torchferry-trials-two_layers.int8.onnx.json');

  const second = await quantize(...goal);
  expect(second.code).toBe(0);
  const { tuning } = (JSON.parse(second.out) as { results: { tuning: Tuning }[] }).results[0]!;
  expect(tuning).toMatchObject({ metric: 'top1', maxDrop: 0.005, data: { file: 'two_layers.test.npz', samples: 400 } });
  const { layers } = tuning.trials[tuning.chosen]!;
  expect(layers.kind === 'without' && layers.float.toSorted()).toEqual(['broad/Gemm', 'wide/Gemm']);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('the pipeline says which trial it is at', async () => {
  const line = ['--recipe', 'auto', '--max-drop', '0.005', '--trials', '2', '-o', at('out')];
  const { code, err } = await printed('run', at('two_layers.pt2'), ...line);
  expect(code).toBe(1);
  expect(err).toMatch(/trial 1: static QDQ, int32 bias, layers: all: 0\.\d+, [\d.]+ of the time of FP32\n/);
  expect(err).toMatch(/AccuracyNotMet: .* the trials of the tuning are used up/s);
});

test('what says nothing without it is refused', async () => {
  const { code, err } = await printed('quantize', at('two_layers.onnx'), '--max-drop', '0.1');
  expect([code, err]).toEqual([2, expect.stringMatching(/--max-drop is of --recipe auto/)]);
});

test('the goal is checked as in a job', async () => {
  const { code, err } = await printed('quantize', at('two_layers.onnx'), '--recipe', 'auto', '--max-drop=-1');
  expect([code, err]).toEqual([1, expect.stringMatching(/accuracy.max_drop/)]);
});
