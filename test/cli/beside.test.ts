/** `quantize`, `convert` and `validate` find data beside the model as a job does, and say so; an option wins. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printed } from './in-process.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../examples/digits');
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-beside-'));
  copyFileSync(join(EXAMPLE, 'digits_cnn.pt2'), at('net.pt2'));
  for (const kind of ['calibration', 'test', 'reference'])
    copyFileSync(join(EXAMPLE, `digits_cnn.${kind}.npz`), at(`net.${kind}.npz`));
  await printed('convert', at('net.pt2'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const factsOf = (out: string): Record<string, unknown> =>
  (JSON.parse(out) as { results: Record<string, unknown>[] }).results[0]!;

test.each([
  ['quantize', 'net.onnx'],
  ['convert', 'net.pt2', '--dtype', 'int8'],
])('%s %s calibrates with what lies beside the model', async (command, model, ...more) => {
  const { code, err } = await printed(command, at(model), ...more, '-o', at('made.onnx'));
  expect([code, err]).toEqual([0, expect.stringContaining('calibration is "net.calibration.npz"')]);
  const { out } = await printed(command, at(model), ...more, '-o', at('made.onnx'), '--json');
  expect(factsOf(out)['approach']).toBe('static');
});

test('an option wins', async () => {
  const dynamic = await printed('quantize', at('net.onnx'), '-o', at('d.onnx'), '--approach', 'dynamic');
  expect([dynamic.code, dynamic.err]).toEqual([0, expect.not.stringContaining('calibration is')]);
  const data = ['--calibration', at('net.test.npz')];
  const named = await printed('quantize', at('net.onnx'), '-o', at('s.onnx'), ...data);
  expect([named.code, named.err]).toEqual([0, expect.not.stringContaining('calibration is')]);
  const validated = await printed('validate', at('net.onnx'), '--data', at('net.calibration.npz'));
  expect(validated.err).not.toContain('test_data is');
});

test('validate counts accuracy and compares with PyTorch; an INT8 model takes the test data of its FP32 model', async () => {
  const { code, out, err } = await printed('validate', at('net.onnx'));
  expect(code).toBe(0);
  expect(err).toContain('test_data is "net.test.npz", found beside the model');
  expect(err).toContain('reference is "net.reference.npz", found beside the model');
  expect(out).toMatch(/against pytorch: max abs diff/);
  expect(out).toMatch(/top-1 \d+\.\d+ % \(\d+ of \d+\)/);
  await printed('quantize', at('net.onnx'));
  const int8 = await printed('validate', at('net.int8.onnx'));
  expect([int8.code, int8.err]).toEqual([0, expect.stringContaining('test_data is "net.test.npz"')]);
  expect(int8.err).not.toContain('reference is');
});
