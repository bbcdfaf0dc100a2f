/** Files torch.save wrote, with the bytes torch itself sees in every tensor (`expected.json`). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { OpaqueObject, type PickleValue, Tuple } from '../../shared/torch/pickle-values.ts';
import { SavedTensor, TorchDtype } from '../../shared/torch/saved-tensor.ts';
import { readTorchSave } from '../../shared/torch/state-dict.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/torch-save/${name}`, import.meta.url));
const read = (name: string): Promise<PickleValue> => readTorchSave(memorySource(name, fixture(name)));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Expected {
  readonly tensors: Record<string, { dtype: string; shape: number[]; sha256: string }>;
  readonly quantizers: Record<string, Record<string, unknown>>;
}
const EXPECTED = JSON.parse(fixture('expected.json').toString()) as Expected;

async function values(): Promise<Map<PickleValue, PickleValue>> {
  return (await read('values.pt')) as Map<PickleValue, PickleValue>;
}
const dictionaries: readonly (readonly [string, () => Promise<Map<PickleValue, PickleValue>>])[] = [
  ['protocol 2', async () => (await values()).get('state_dict') as Map<PickleValue, PickleValue>],
  ['protocol 4', async () => (await read('protocol4.pt')) as Map<PickleValue, PickleValue>],
];

describe.each(dictionaries)('tensors, %s', (_, open) => {
  test.each(Object.entries(EXPECTED.tensors))('%s', async (name, { dtype, shape, sha256: expected }) => {
    const tensor = (await open()).get(name) as SavedTensor;
    const data = tensor.codes(name);
    expect({ dtype: data.dtype, shape: data.shape, sha256: sha256(await data.read()) }).toEqual({
      dtype,
      shape,
      sha256: expected,
    });
  });

  test('in order, and none else', async () =>
    expect([...(await open()).keys()]).toEqual(Object.keys(EXPECTED.tensors)));

  test('scale and zero_point', async () => {
    const dict = await open();
    expect((dict.get('per_tensor') as SavedTensor).quantizer).toEqual({
      scheme: 'per_tensor_affine',
      ...EXPECTED.quantizers['per_tensor'],
    });
    const quantizer = (dict.get('per_channel') as SavedTensor).quantizer;
    if (quantizer?.scheme !== 'per_channel_affine') return expect.unreachable();
    const numbers = async (tensor: SavedTensor | readonly number[]): Promise<number[]> =>
      tensor instanceof SavedTensor
        ? [...new Float64Array(new Uint8Array(await tensor.plain('scales').read()).buffer)]
        : [...tensor];
    expect(await numbers(quantizer.scales)).toEqual(EXPECTED.quantizers['per_channel']!['scales']);
    expect(quantizer.axis).toBe(0);
    expect(() => (dict.get('per_tensor') as SavedTensor).plain('x')).toThrow(
      expect.objectContaining({ name: 'UnsupportedType' }),
    );
  });

  test('tied tensors are one', async () => {
    const dict = await open();
    const data = (name: string): ReturnType<SavedTensor['plain']> => (dict.get(name) as SavedTensor).plain(name);
    expect(data('tied').identity).toBe(data('large').identity);
    expect(data('tail').identity).not.toBe(data('large').identity);
    expect(data('large').stored).not.toBeNull();
    expect(data('transposed').stored).toBeNull();
  });
});

test('plain data', async () => {
  const dict = await values();
  expect(dict.get('epoch')).toBe(7);
  expect(dict.get('lr')).toBe(0.125);
  expect(dict.get('name')).toBe('digits \u00e9');
  expect(dict.get('flags')).toEqual(new Tuple([true, false, null]));
  expect(dict.get('sizes')).toEqual(new Tuple([2, 3]));
  expect(dict.get('big')).toBe(2n ** 60n + 1n);
  expect(dict.get('list')).toEqual([1, [2, new Tuple([3])]]);
  expect((dict.get('dtype') as TorchDtype).dtype).toBe('float16');
  expect(dict.get('set')).toEqual(new Set([1, 2]));
  expect(dict.get('bytes')).toEqual(new Uint8Array([0, 255]));
  expect(dict.get('np')).toBe(0.5);
  expect(dict.get('np_int')).toBe(-3);
});

test('a pickled module is a closed box with its parameters inside', async () => {
  const module = (await read('module.pt')) as OpaqueObject;
  expect(module.className).toBe('my_package.net.Net');
  const state = module.state as Map<PickleValue, PickleValue>;
  const fc = (state.get('_modules') as Map<PickleValue, PickleValue>).get('fc') as OpaqueObject;
  expect(fc.className).toBe('torch.nn.modules.linear.Linear');
  const weight = ((fc.state as Map<PickleValue, PickleValue>).get('_parameters') as Map<PickleValue, PickleValue>).get(
    'weight',
  ) as SavedTensor;
  expect(weight.shape).toEqual([2, 2]);
});

test('os.system is refused, nothing is run', async () => {
  await expect(read('os-system.pt')).rejects.toMatchObject({
    name: 'UnsafePickle',
    details: { global: 'posix.system' },
  });
});
