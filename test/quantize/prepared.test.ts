/** Graphs that are written otherwise before they are quantized: weights from constants, pads of some axes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { integerKernels } from '../../shared/steps/integer-kernels.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/quantize-reported');

test.each([
  ['pad_axes', 'QDQ', 2],
  ['pad_axes', 'QLinear', 2],
  ['conv_const_sub', 'QDQ', 2],
  ['conv_const_sub', 'QLinear', 2],
  ['conv_transposed_w', 'QDQ', 1],
  ['conv_transposed_w', 'QLinear', 1],
] as const)('%s as %s runs at default options, its %i convolutions as integers', async (name, format, convolutions) => {
  const workFolder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  const source = fileSource(join(FIXTURES, `${name}.npz`));
  onTestFinished(() => {
    source.close();
    rmSync(workFolder, { recursive: true });
  });
  const [fp32, path] = [join(FIXTURES, `${name}.onnx`), join(workFolder, 'int8.onnx')];
  const how = { approach: 'static', format, weights: 'embed', workFolder, calibration: { source, name } } as const;
  await quantizeFile({ model: fp32, path, ...how });
  const { checks, comparisons } = await validateFile({
    model: path,
    fp32,
    data: { source },
    now: () => performance.now(),
  });
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  // What eight bits give; pads on a wrong axis or another weight leave nothing of it.
  expect(comparisons[0]!.outputs[0]!.sqnr).toBeGreaterThan(30);
  const kernels = await integerKernels(path, workFolder);
  expect(kernels).toHaveLength(convolutions);
  expect(kernels.filter(({ kernel }) => kernel === null)).toEqual([]);
});

test('what a job names stays in float, whether it is written anew or folded', async () => {
  const workFolder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  const source = fileSource(join(FIXTURES, 'pad_axes.npz'));
  onTestFinished(() => {
    source.close();
    rmSync(workFolder, { recursive: true });
  });
  const how = { approach: 'static', format: 'QDQ', weights: 'embed', workFolder } as const;
  const path = join(workFolder, 'int8.onnx');
  const quantized = async (name: string, keepFloat: readonly string[]) => {
    const model = join(FIXTURES, `${name}.onnx`);
    return (await quantizeFile({ model, path, ...how, keepFloat, calibration: { source, name } })).facts;
  };
  expect((await quantized('pad_axes', ['Pad'])).quantized).toBe(2);
  expect((await quantized('conv_transposed_w', ['Transpose'])).quantized).toBe(1);
});
