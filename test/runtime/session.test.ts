/** Sessions: declared types, every element type there and back, refusals. */
import { describe, expect, test } from 'vitest';
import { RUNTIME } from '../../shared/runtime/onnxruntime.ts';
import { openSession, withSession } from '../../shared/runtime/session.ts';
import { typeText } from '../../shared/tensor/type.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { inMemory } from '../../shared/runtime/session.ts';
import { modelFile, tensor } from './models.ts';

const DTYPES: readonly (readonly [onnx: string, dtype: Dtype, values: readonly (number | bigint)[]])[] = [
  ['float', 'float32', [1.5, -2]],
  ['float16', 'float16', [1.5, -2]],
  ['double', 'float64', [1.5, -2]],
  ['int8', 'int8', [-128, 127]],
  ['uint8', 'uint8', [0, 255]],
  ['int16', 'int16', [-300, 300]],
  ['uint16', 'uint16', [0, 65535]],
  ['int32', 'int32', [-70000, 70000]],
  ['uint32', 'uint32', [0, 4294967295]],
  ['int64', 'int64', [-(2n ** 60n), 2n ** 60n]],
  ['uint64', 'uint64', [0n, 2n ** 63n]],
  ['bool', 'bool', [0, 1]],
];

test('the version is that of the installed runtime', () => expect(RUNTIME.version).toMatch(/^\d+\.\d+\.\d+$/));

describe.each(DTYPES)('%s', (onnx, dtype, values) => {
  test('goes in and comes out, wherever its bytes begin', async () => {
    const path = await modelFile(`g (${onnx}[N] x) => (${onnx}[N] y) { y = Identity(x) }`);
    await withSession(path, {}, async (session) => {
      expect(session.inputs.map((d) => `${d.name} ${typeText(d.type)}`)).toEqual([`x ${dtype}[N]`]);
      const x = tensor(dtype, [2], values);
      const shifted = inMemory(dtype, [2], Buffer.concat([Buffer.of(0), x.memory]).subarray(1));
      const y = (await session.run(new Map([['x', shifted]]))).get('y')!;
      expect([y.dtype, y.shape, [...y.memory]]).toEqual([dtype, [2], [...x.memory]]);
    });
  });
});

test('outputs can be chosen', async () => {
  const path = await modelFile('g (float[N] x) => (float[N] y, float[N] z) { y = Neg(x) z = Abs(x) }');
  await withSession(path, { optimize: 'none', threads: 1 }, async (session) => {
    const results = await session.run(new Map([['x', tensor('float32', [1], [-2])]]), ['z']);
    expect([...results.keys()]).toEqual(['z']);
  });
});

test('a file that is no model does not load', async () => {
  await expect(openSession('/nowhere/model.onnx')).rejects.toMatchObject({
    code: 'ModelDoesNotLoad',
    details: { file: '/nowhere/model.onnx' },
  });
  await expect(openSession(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'ModelDoesNotLoad' });
});

test('wrong inputs are refused with what onnxruntime says', async () => {
  const path = await modelFile('g (float[N] x) => (float[N] y) { y = Neg(x) }');
  await withSession(path, {}, async (session) => {
    await expect(session.run(new Map([['x', tensor('int64', [1], [1])]]))).rejects.toMatchObject({
      code: 'ModelDoesNotRun',
    });
    await expect(session.run(new Map())).rejects.toMatchObject({
      code: 'ModelDoesNotRun',
      details: { file: path, reason: expect.stringContaining("'x'") as string },
    });
    await expect(session.run(new Map([['x', inMemory('bfloat16', [1], new Uint8Array(2))]]))).rejects.toMatchObject({
      code: 'UnsupportedType',
    });
  });
});
