/** Layouts of .npz files, as samples and as references. */
import { describe, expect, test } from 'vitest';
import { readReference } from '../../shared/runtime/reference.ts';
import { readSamples, type Samples } from '../../shared/runtime/samples.ts';
import type { Declared } from '../../shared/runtime/session.ts';
import { symbol } from '../../shared/tensor/dim.ts';
import { decodeNumbers } from '../../shared/tensor/numbers.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { type Numbers, npz } from './models.ts';

const input = (name: string, dtype: Dtype, shape: readonly (number | string)[]): Declared => ({
  name,
  type: { dtype, shape: shape.map((dim) => (typeof dim === 'number' ? dim : symbol(dim))) },
});
const ROWS: Numbers = ['float32', [3, 2], [1, 2, 3, 4, 5, 6]];
const OPTIONS = { code: 'BadCalibrationData' } as const;

const read = async (
  arrays: Readonly<Record<string, Numbers>>,
  inputs: readonly Declared[],
  options = {},
): Promise<Samples> => readSamples(await npz(arrays), inputs, { ...OPTIONS, ...options });

async function batchesOf(samples: Samples, size: number): Promise<unknown[]> {
  const batches: unknown[] = [];
  for await (const { feeds, samples: count } of samples.batches(size)) {
    batches.push([
      count,
      ...[...feeds].map(
        ([name, t]) => `${name} ${t.dtype}[${t.shape.join(',')}] ${[...decodeNumbers(t.dtype, t.memory)].join(' ')}`,
      ),
    ]);
  }
  return batches;
}

describe('names', () => {
  const inputs = [input('ids', 'float32', ['N', 2])];
  test.each(['ids', 'input_0', 'arr_0', 'x'])('%s', async (name) => {
    expect((await read({ [name]: ROWS }, inputs)).count).toBe(3);
  });
  test('two inputs by position', async () => {
    const two = [input('a', 'float32', ['N', 2]), input('b', 'float32', ['N'])];
    const samples = await read({ input_1: ['float32', [3], [7, 8, 9]], input_0: ROWS }, two);
    expect(await batchesOf(samples, 2)).toEqual([
      [2, 'a float32[2,2] 1 2 3 4', 'b float32[2] 7 8'],
      [1, 'a float32[1,2] 5 6', 'b float32[1] 9'],
    ]);
  });
});

describe('batches', () => {
  test('a fixed batch is filled with the last sample', async () => {
    const samples = await read({ x: ROWS }, [input('in', 'float32', [2, 2])]);
    expect(await batchesOf(samples, 100)).toEqual([
      [2, 'in float32[2,2] 1 2 3 4'],
      [1, 'in float32[2,2] 5 6 5 6'],
    ]);
  });
  test('a model without batch axis gets one sample at a time', async () => {
    const samples = await read({ x: ROWS }, [input('in', 'float32', [2])]);
    expect(await batchesOf(samples, 100)).toEqual([
      [1, 'in float32[2] 1 2'],
      [1, 'in float32[2] 3 4'],
      [1, 'in float32[2] 5 6'],
    ]);
  });
  test('at most as many as wanted', async () => {
    expect(await batchesOf(await read({ x: ROWS }, [input('in', 'float32', ['N', 2])], { limit: 1 }), 4)).toEqual([
      [1, 'in float32[1,2] 1 2'],
    ]);
  });
  test('numbers of the same kind are cast', async () => {
    expect(
      await batchesOf(await read({ x: ['float64', [1, 1], [1.5]] }, [input('in', 'float32', ['N', 1])]), 1),
    ).toEqual([[1, 'in float32[1,1] 1.5']]);
    expect(await batchesOf(await read({ x: ['int32', [1, 1], [-3]] }, [input('in', 'int64', ['N', 1])]), 1)).toEqual([
      [1, 'in int64[1,1] -3'],
    ]);
  });
});

test('labels', async () => {
  const samples = await read({ x: ROWS, y: ['int64', [3], [0, 2, 1]] }, [input('in', 'float32', ['N', 2])], {
    labels: 'y',
    limit: 2,
  });
  expect([...samples.labels!]).toEqual([0, 2]);
});

describe('refusals', () => {
  const one = [input('in', 'float32', ['N', 2])];
  test.each<[string, Readonly<Record<string, Numbers>>, readonly Declared[], object, RegExp]>([
    ['no array for an input', { z: ROWS }, one, {}, /arrays "z"; expected "in", or "input_0"/],
    [
      'another kind of number',
      { x: ['uint8', [1, 2], [1, 2]] },
      one,
      {},
      /"in" is uint8\[1,2\]; expected float32\[N,2\]/,
    ],
    ['another shape', { x: ['float32', [1, 3], [1, 2, 3]] }, one, {}, /float32\[1,3\]/],
    ['another rank', { x: ['float32', [2], [1, 2]] }, one, {}, /float32\[2\]/],
    ['no samples', { x: ['float32', [0, 2], []] }, one, {}, /no samples/],
    [
      'different numbers of samples',
      { a: ROWS, b: ['float32', [2], [1, 2]] },
      [input('a', 'float32', ['N', 2]), input('b', 'float32', ['N'])],
      {},
      /3 and 2 samples/,
    ],
    [
      'an integer that does not fit',
      { x: ['int64', [1, 1], [300]] },
      [input('in', 'uint8', ['N', 1])],
      {},
      /holds 300; expected numbers that fit uint8/,
    ],
    ['no labels', { x: ROWS }, one, { labels: 'y' }, /no array "y"/],
    [
      'labels that are no classes',
      { x: ROWS, y: ['float32', [3], [1, 2, 3]] },
      one,
      { labels: 'y' },
      /"y" is float32\[3\]/,
    ],
  ])('%s', async (_, arrays, inputs, options, message) => {
    const work = async (): Promise<unknown> => batchesOf(await read(arrays, inputs, options), 1);
    await expect(work()).rejects.toMatchObject({
      code: 'BadCalibrationData',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('references', () => {
  const inputs = [input('in', 'float32', ['N', 2])];
  const outputs = [input('out', 'float32', ['N'])];
  test('by name, and by position', async () => {
    for (const names of [
      ['in', 'out'],
      ['input_0', 'output_0'],
    ] as const) {
      const reference = await readReference(
        await npz({ [names[0]]: ROWS, [names[1]]: ['float32', [3], [1, 2, 3]] }),
        inputs,
        outputs,
      );
      expect([
        [...reference.inputs.keys()],
        [...decodeNumbers('float32', reference.outputs.get('out')!.memory)],
      ]).toEqual([['in'], [1, 2, 3]]);
    }
  });
  test('without outputs they are refused', async () => {
    await expect(readReference(await npz({ in: ROWS }), inputs, outputs)).rejects.toMatchObject({
      code: 'BadReferenceData',
    });
  });
});
