/** Calibration data of many shapes, in the files of a folder: the same ranges, one batch in memory, errors with the file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { OBSERVER_NAMES, type ObserverName } from '../../shared/quantize/observers/index.ts';
import { readSampleFiles } from '../../shared/runtime/sample-files.ts';
import type { Batch, Samples } from '../../shared/runtime/samples.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';
import { asFloat32, bytesOf } from '../../shared/tensor/arithmetic.ts';
import { memoryData, type TensorData } from '../../shared/tensor/data.ts';
import { symbol } from '../../shared/tensor/dim.ts';
import { npyBytes } from '../../shared/tensor/npy.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { typedModel } from '../onnx/typed.ts';

const MODEL = `
<ir_version: 10, opset_import: ["": 21]>
g (float[N,L,4] x) => (float[N,L,3] y)
<float[4,3] w = {1, -1, 0.5, 2, 0.25, 1, -0.5, 3, 1, 1, 1, -2}>
{
  h = MatMul(x, w)
  r = Relu(h)
  v = Transpose<perm = [0, 2, 1]>(r)
  y = Transpose<perm = [0, 2, 1]>(v)
}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'calib'));
});

const tensorOf = (shape: readonly number[], values: Float32Array): TensorData =>
  memoryData('float32', shape, bytesOf(values));

/** Numbers that look random and are the same each time. */
const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 10 - 4);

/** The same rows of four, in samples of these lengths; some files lack the axis of samples. */
async function writeRagged(lengths: readonly number[], all: Float32Array): Promise<string[]> {
  const paths: string[] = [];
  let start = 0;
  for (const [i, length] of lengths.entries()) {
    const values = all.slice(start, (start += length * 4));
    const path = join(folder, 'calib', `${String(i).padStart(3, '0')}.${i % 3 ? 'npy' : 'npz'}`);
    const shape = i % 2 ? [length, 4] : [1, length, 4];
    const array = tensorOf(shape, values);
    writeFileSync(path, i % 3 ? await npyBytes(array) : await writeNpz([['x', array]]));
    paths.push(path);
  }
  return paths;
}

async function scaleAfter(files: readonly string[], observer: ObserverName): Promise<readonly number[]> {
  const [fp32, path] = [join(folder, 'fp32.onnx'), join(folder, 'int8.onnx')];
  await writeModel(typedModel(MODEL), fp32, { weights: 'embed' });
  await quantizeFile({
    model: fp32,
    path,
    approach: 'static',
    format: 'QDQ',
    observer,
    weights: 'embed',
    workFolder: folder,
    calibration: { name: 'calib', files },
  });
  const { model, close } = await openModel(path);
  onTestFinished(close);
  const scales = [...model.graph.initializers].filter(({ name }) => name === 'x_scale');
  return [...asFloat32(await scales[0]!.data!.read())];
}

describe.each(OBSERVER_NAMES.filter((name) => name !== 'MovingAverage'))('%s', (observer) => {
  test('ranges of samples of many lengths are those of the same rows in one sample', async () => {
    const all = numbers(4 * 60);
    const ragged = await scaleAfter(await writeRagged([1, 7, 2, 20, 13, 17], all), observer);
    const even = join(folder, 'all.npz');
    writeFileSync(even, await writeNpz([['x', tensorOf([1, 60, 4], all)]]));
    expect(ragged).toEqual(await scaleAfter([even], observer));
    expect(ragged[0]).toBeGreaterThan(0);
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MEGABYTE = 1 << 20;

/** The most that array buffers held while batches went by, in MB; `keep` may hold on to them. */
async function mostInMemory(samples: Samples, keep: (batch: Batch) => void): Promise<number> {
  collect();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for await (const batch of samples.batches(1)) {
    keep(batch);
    collect();
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  return most / MEGABYTE;
}

test('what is in memory is one batch, not the folder', async () => {
  // 24 files of 2 to 4 MB, 66 together.
  const lengths = Array.from({ length: 24 }, (_, i) => (2 * MEGABYTE) / 16 + (i % 5) * 24_000);
  const files: string[] = [];
  for (const [i, length] of lengths.entries()) {
    const path = join(folder, 'calib', `${i}.npy`);
    writeFileSync(path, await npyBytes(tensorOf([length, 4], new Float32Array(length * 4))));
    files.push(path);
  }
  const inputs = [{ name: 'x', type: { dtype: 'float32', shape: [symbol('N'), symbol('L'), 4] } }] as const;
  const samples = await readSampleFiles({ folder: 'calib', files }, inputs, 'BadCalibrationData');
  expect(samples.count).toBe(24);
  // A batch, the bytes it was read from, and what is on its way.
  expect(await mostInMemory(samples, () => undefined)).toBeLessThan(16);
  const held: Batch[] = [];
  expect(await mostInMemory(samples, (batch) => held.push(batch))).toBeGreaterThan(60);
});

test.each([
  ['another width', [3, 5], /001.npy": the array for "x" is float32\[1,3,5\]; expected float32\[N,L,4\]/],
  ['too many axes', [1, 1, 3, 4, 1], /001.npy": the array for "x" is float32\[1,1,3,4,1\]; expected/],
])('%s: refused, with the file', async (_, shape, message) => {
  const files = await writeRagged([2, 3], numbers(20));
  const values = numbers(shape.reduce((n, d) => n * d, 1));
  writeFileSync(join(folder, 'calib', '001.npy'), await npyBytes(tensorOf(shape, values)));
  await expect(scaleAfter(files, 'MinMax')).rejects.toMatchObject({
    code: 'BadCalibrationData',
    message: expect.stringMatching(message) as string,
  });
});
