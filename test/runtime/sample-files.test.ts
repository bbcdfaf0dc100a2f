/** Folders of samples: .npz and .npy, of shapes of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readSampleFiles } from '../../shared/runtime/sample-files.ts';
import type { Samples } from '../../shared/runtime/samples.ts';
import type { Declared } from '../../shared/runtime/session.ts';
import { symbol } from '../../shared/tensor/dim.ts';
import { npyBytes } from '../../shared/tensor/npy.ts';
import { decodeNumbers } from '../../shared/tensor/numbers.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { type Numbers, tensor } from './models.ts';

const input = (name: string, ...shape: (number | string)[]): Declared => ({
  name,
  type: { dtype: 'float32', shape: shape.map((dim) => (typeof dim === 'number' ? dim : symbol(dim))) },
});

/** An object of arrays is an .npz, an array an .npy. */
async function readFolder(
  files: Readonly<Record<string, Numbers | Readonly<Record<string, Numbers>>>>,
  inputs: readonly Declared[],
): Promise<Samples> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    const bytes = Array.isArray(content)
      ? await npyBytes(tensor(...(content as Numbers)))
      : await writeNpz(Object.entries(content as Record<string, Numbers>).map(([key, n]) => [key, tensor(...n)]));
    writeFileSync(join(folder, name), bytes);
  }
  const paths = Object.keys(files).map((name) => join(folder, name));
  return readSampleFiles({ folder: 'calib', files: paths }, inputs, 'BadCalibrationData');
}

async function batchesOf(samples: Samples): Promise<string[]> {
  const batches: string[] = [];
  for await (const { feeds, samples: count } of samples.batches(2))
    batches.push(
      `${count}: ${[...feeds].map(([name, t]) => `${name}[${t.shape}] ${[...decodeNumbers(t.dtype, t.memory)]}`).join(' ')}`,
    );
  return batches;
}

const f = (shape: readonly number[], ...values: number[]): Numbers => ['float32', shape, values];

test('.npz files one after the other, of different lengths, as often as they are asked for', async () => {
  const files = { 'a.npz': { x: f([3, 1], 1, 2, 3) }, 'b.npz': { x: f([1, 2], 4, 5) } };
  const samples = await readFolder(files, [input('x', 'N', 'L')]);
  expect(samples.count).toBe(4);
  const expected = ['2: x[2,1] 1,2', '1: x[1,1] 3', '1: x[1,2] 4,5'];
  expect(await batchesOf(samples)).toEqual(expected);
  expect(await batchesOf(samples)).toEqual(expected);
});

test('.npy files of a model with one input, with the axis of samples and without', async () => {
  const samples = await readFolder({ '0.npy': f([2, 2], 1, 2, 3, 4), '1.npy': f([2], 5, 6) }, [input('x', 'N', 2)]);
  expect(await batchesOf(samples)).toEqual(['2: x[2,2] 1,2,3,4', '1: x[1,2] 5,6']);
});

test('.npy files named as the inputs hold one input each', async () => {
  const inputs = [input('ids', 'N', 1), input('mask', 'N', 1)];
  const samples = await readFolder({ 'mask.npy': f([2, 1], 0, 1), 'ids.npy': f([2, 1], 7, 8) }, inputs);
  expect(await batchesOf(samples)).toEqual(['2: ids[2,1] 7,8 mask[2,1] 0,1']);
});

test.each([
  ['no files', {}, /"calib": it has no samples; expected .npz files/],
  ['one array of several', { 'a.npy': f([1, 1], 1) }, /a.npy": it is one array, and the model has 2 inputs/],
  ['a file with other names', { 'a.npz': { z: f([1, 1], 1) } }, /a.npz": it has the arrays "z"/],
])('%s: refused, with the file', async (_, files, message) => {
  const read = readFolder(files as Record<string, Numbers>, [input('ids', 'N', 1), input('mask', 'N', 1)]);
  await expect(read).rejects.toMatchObject({
    code: 'BadCalibrationData',
    message: expect.stringMatching(message) as string,
  });
});
