/** Arrays written by NumPy, and ours read back. `expected.json` holds NumPy's own little-endian, row-major bytes. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { readNpz, writeNpz } from '../../shared/tensor/npz.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/npz/${name}`, import.meta.url));
const EXPECTED = JSON.parse(fixture('expected.json').toString()) as Record<
  string,
  { dtype: string; shape: number[]; hex: string }
>;

async function described(bytes: Uint8Array): Promise<unknown> {
  const arrays = await readNpz(memorySource('arrays.npz', bytes));
  const entries = [...arrays].map(
    async ([name, { dtype, shape, data }]) =>
      [name, { dtype, shape: [...shape], hex: Buffer.from(await data.read()).toString('hex') }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

describe('readNpz', () => {
  test.each(['stored.npz', 'compressed.npz'])(
    '%s: types, byte orders, Fortran order, empty and scalar',
    async (name) => {
      expect(await described(fixture(name))).toEqual(EXPECTED);
    },
  );

  test('header versions 1, 2 and 3', async () => {
    const same = { dtype: 'int32', shape: [3], hex: '000000000100000002000000' };
    expect(await described(fixture('versions.npz'))).toEqual({ v1: same, v2: same, v3: same });
  });

  test('numbers that lie as they are stay in the file', async () => {
    const arrays = await readNpz(memorySource('x', fixture('stored.npz')));
    expect(arrays.get('a')!.data.stored).not.toBeNull();
    expect(arrays.get('fortran')!.data.stored).toBeNull();
    expect((await readNpz(memorySource('x', fixture('compressed.npz')))).get('a')!.data.stored).toBeNull();
  });

  test('arrays of objects are refused without being unpickled', async () => {
    await expect(readNpz(memorySource('x', fixture('object.npz')))).rejects.toMatchObject({
      name: 'CorruptArchive',
      message: expect.stringMatching(/Python objects/),
    });
  });

  test('structured arrays are refused', async () => {
    await expect(readNpz(memorySource('x', fixture('structured.npz')))).rejects.toMatchObject({
      name: 'CorruptArchive',
      message: expect.stringMatching(/structured/),
    });
  });
});

describe('writeNpz', () => {
  test('writes what NumPy wrote', async () => {
    const arrays = await readNpz(memorySource('x', fixture('stored.npz')));
    const written = await writeNpz([...arrays].map(([name, { data }]) => [name, data] as const));
    expect(await described(written)).toEqual(EXPECTED);
  });

  test('a type NumPy does not have is refused', async () => {
    const bfloat16 = memoryData('bfloat16', [1], new Uint8Array(2));
    await expect(writeNpz([['x', bfloat16]])).rejects.toMatchObject({ name: 'UnsupportedType' });
  });
});
