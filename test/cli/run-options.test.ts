/** Data and choices given on the command line of `run`, and what a converted file says of where it is from. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  convertFile,
  declaredOf,
  fileSource,
  openModel,
  quantizeModel,
  readNpz,
  readSamples,
  VERSION,
  writeModel,
} from '../../library.ts';
import type { Report } from '../../shared/report/report.ts';
import { printed } from './in-process.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../examples/digits');
const [CALIBRATION, TEST] = ['calibration', 'test'].map((name) => join(EXAMPLE, `digits_cnn.${name}.npz`)) as [
  string,
  string,
];

let folder: string;
let model: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-run-options-'));
  mkdirSync(at('models'));
  model = at('models/net.pt2');
  copyFileSync(join(EXAMPLE, 'digits_cnn.pt2'), model);
});
afterAll(() => rmSync(folder, { recursive: true }));
const report = (name: string): Report => JSON.parse(readFileSync(join(at(name), 'report.json'), 'utf8')) as Report;

test('data may lie anywhere', async () => {
  // Another file of that name beside the model is not meant.
  writeFileSync(at('models/digits_cnn.test.npz'), 'another');
  const line = ['run', model, '-o', at('out'), '--calibration', CALIBRATION, '--test-data', TEST, '--opset', '20'];
  expect(await printed(...line)).toMatchObject({ code: 0 });
  const { variants, conversion, job } = report('out');
  expect(conversion!.opset).toBe(20);
  expect(variants.map(({ name, quantization }) => [name, quantization?.approach])).toEqual([
    ['fp32', undefined],
    ['int8', 'static'],
  ]);
  const recorded = JSON.parse(readFileSync(join(EXAMPLE, 'recorded.json'), 'utf8')) as Record<string, number>;
  expect(variants[0]!.validation!.accuracy!.samples).toBe(recorded['samples']);
  expect(Math.abs(variants[0]!.validation!.accuracy!.top1 - recorded['torch_fp32_top1']!)).toBeLessThanOrEqual(0.005);
  const options = Object.fromEntries(job.options.map(({ name, value }) => [name, value]));
  expect([options['calibration'], options['test_data']]).toEqual([
    'digits_cnn.calibration.npz',
    'given/digits_cnn.test.npz',
  ]);
});

test('one type of model', async () => {
  expect(await printed('run', model, '-o', at('fp32'), '--dtype', 'fp32')).toMatchObject({ code: 0 });
  expect(report('fp32').variants.map(({ name }) => name)).toEqual(['fp32']);
});

test.each([
  [['--dtype', 'fp23'], /at "dtype\[0\]".*did you mean "fp32"/, 'BadJob'],
  [['--opset', '99'], /99 is not a whole number from \d+ to 26/, 'BadJob'],
  [['--calibration', 'none.npz'], /there is no file "none.npz"/, 'FileNotFound'],
])('%j is refused before the work', async (options, message, code) => {
  const { err } = await printed('run', model, '-o', at('refused'), ...options);
  expect(err).toMatch(new RegExp(`^torchferry: ${code}: `));
  expect(err).toMatch(message);
});

test('a converted file names its source, the same every time', async () => {
  const source = fileSource(model);
  for (const name of ['a.onnx', 'b.onnx']) await convertFile({ source, path: at(name), options: {}, weights: 'embed' });
  source.close();
  expect(readFileSync(at('a.onnx')).equals(readFileSync(at('b.onnx')))).toBe(true);
  const opened = await openModel(at('a.onnx'));
  opened.close();
  expect([opened.model.producerName, opened.model.producerVersion]).toEqual(['torchferry', VERSION]);
  expect(Object.fromEntries(opened.model.metadata)).toMatchObject({
    'torchferry.source': 'net.pt2',
    'torchferry.source_sha256': createHash('sha256').update(readFileSync(model)).digest('hex'),
  });
});

test('the library calibrates alone', async () => {
  const source = fileSource(model);
  await convertFile({ source, path: at('lib.onnx'), options: {}, weights: 'embed' });
  source.close();
  const data = fileSource(CALIBRATION);
  const opened = await openModel(at('lib.onnx'));
  const samples = await readSamples(data, declaredOf(opened.model, 'inputs'), { code: 'BadCalibrationData' });
  const { model: int8, facts } = await quantizeModel(opened.model, {
    approach: 'static',
    format: 'QDQ',
    calibration: samples.batches(4),
    workFolder: folder,
  });
  await writeModel(int8, at('lib.int8.onnx'), { weights: 'embed' });
  expect(facts.calibration!.samples).toBe((await readNpz(data)).values().next().value!.shape[0]);
  opened.close();
  data.close();
  const checked = await openModel(at('lib.int8.onnx'));
  checked.close();
  expect([...checked.model.graph.nodes].some(({ op }) => op === 'QuantizeLinear')).toBe(true);
});
