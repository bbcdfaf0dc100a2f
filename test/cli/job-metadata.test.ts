/** What was asked for stands in the files themselves, by the names of a job. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { JOB } from '../../shared/steps/origin.ts';
import { printed } from './in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
for (const name of ['pt2', 'calibration.npz'])
  copyFileSync(resolve(import.meta.dirname, `../../examples/digits/digits_cnn.${name}`), at(`net.${name}`));

async function jobOf(path: string): Promise<object> {
  const { model, close } = await openModel(path);
  close();
  return JSON.parse(model.metadata.get(JOB)!) as object;
}

test('run: all options of the job, in every model', { timeout: 120_000 }, async () => {
  expect(await printed('run', at('net.pt2'), '-o', at('out'), '--opset', '20')).toMatchObject({ code: 0 });
  for (const name of ['model.onnx', 'model.int8.onnx'])
    expect(await jobOf(join(at('out'), name)), name).toMatchObject({
      dtype: ['fp32', 'int8'],
      opset_version: 20,
      calibration: 'net.calibration.npz',
      processor: 'any',
      guards: 'report',
    });
});

test('convert and quantize: theirs, one added to the other', async () => {
  await printed('convert', at('net.pt2'), '--nan', 'exact', '--input-names', 'image', '-o', at('net.onnx'));
  const converted = { nan: 'exact', input_names: ['image'], opset_version: 21, weights: 'embed' };
  expect(await jobOf(at('net.onnx'))).toEqual(converted);
  const options = ['--bits', '8', '--block-size', '32', '--quant-format', 'QLinear', '--reduce-range'];
  expect(await printed('quantize', at('net.onnx'), ...options, '-o', at('made.onnx'))).toMatchObject({ code: 0 });
  expect(await jobOf(at('made.onnx'))).toMatchObject({
    ...converted,
    approach: 'weight-only',
    quant_format: 'QLinear',
    reduce_range: true,
    weight_only: { bits: 8, block_size: 32, algorithm: 'RTN' },
  });
  await printed('quantize', at('net.onnx'), '--calibration', at('net.calibration.npz'), '-o', at('static.onnx'));
  expect(await jobOf(at('static.onnx'))).toMatchObject({ approach: 'static', calibration: 'net.calibration.npz' });
});
