/** Small graphs with odd biases, outputs or nothing to calibrate: quantized right, or left in float with the reason. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';
import { readSamples } from '../../shared/runtime/samples.ts';
import type { SessionOptions } from '../../shared/runtime/session.ts';
import { validateModel } from '../../shared/runtime/validate.ts';
import { fixturePath, inputsOf, workFolder } from './fixture.ts';

const reported = (name: string): string => fixturePath('..', 'quantize-reported', name);

async function quantized(name: string, format: 'QDQ' | 'QLinear'): Promise<string> {
  const [folder, source] = [workFolder(), fileSource(reported(`${name}.npz`))];
  onTestFinished(() => source.close());
  const path = join(folder, 'int8.onnx');
  const calibration = { source, name: 'calibration.npz' };
  const model = reported(`${name}.onnx`);
  await quantizeFile({ model, path, approach: 'static', format, calibration, weights: 'embed', workFolder: folder });
  return path;
}

async function decibels(
  name: string,
  model: string,
  products: SessionOptions['products'] = 'precise',
): Promise<number> {
  const source = fileSource(reported(`${name}.npz`));
  onTestFinished(() => source.close());
  const fp32 = reported(`${name}.onnx`);
  const samples = await readSamples(source, await inputsOf(fp32), { code: 'BadCalibrationData' });
  const { comparisons } = await validateModel({
    model,
    fp32,
    samples,
    products,
    now: () => performance.now(),
  });
  return comparisons[0]!.outputs[0]!.sqnr ?? Infinity;
}

describe.each(['QDQ', 'QLinear'] as const)('%s', (format) => {
  test.each(['gemm_s0', 'gemm_s11', 'gemm_scalar_bias', 'q_gemm_c_11'])(
    '%s: one number for all columns',
    async (name) => {
      expect(await decibels(name, await quantized(name, format))).toBeGreaterThan(30);
    },
  );

  test.each(['gemm_col4', 'gemm_col_bias', 'gemm_n1', 'q_gemm_c_m1'])(
    '%s: one number for each row stays in float',
    async (name) => {
      await expect(quantized(name, format)).rejects.toMatchObject({
        code: 'NothingToQuantize',
        details: { skipped: [expect.stringContaining('is not one number for each of')] },
      });
    },
  );

  // q_emb_only has nothing to calibrate, the output of q_clip a type and no shape. onnxruntime does not load q_clip's
  // weight that two operators share with precise products; its codes are such that the default does not saturate.
  test.each(['q_emb_only', 'q_clip'])('%s', async (name) => {
    expect(await decibels(name, await quantized(name, format), 'default')).toBeGreaterThan(30);
  });
});

test.each(['gemm_col4', 'gemm_col_bias', 'gemm_n1', 'gemm_s0', 'gemm_s11', 'gemm_scalar_bias', 'q_gemm_c_m1'])(
  '%s, dynamic: the bias is added in float, whatever its shape',
  async (name) => {
    const folder = workFolder();
    const path = join(folder, 'int8.onnx');
    const how = { approach: 'dynamic', format: 'QDQ', weights: 'embed', workFolder: folder } as const;
    await quantizeFile({ model: reported(`${name}.onnx`), path, ...how });
    expect(await decibels(name, path)).toBeGreaterThan(30);
  },
);
