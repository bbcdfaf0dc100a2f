/** Codes of other types: as close to FP32, of the types that were asked for, and without pairs that overflow. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { recipeOf } from '../../shared/quantize/recipe.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { overflowIn } from '../../shared/quantize/overflow.ts';
import { validateModel } from '../../shared/runtime/validate.ts';
import { fixturePath, MODELS, type Options, quantizeFixture, testSetOf } from './fixture.ts';

const U8U8 = { weightType: 'QUInt8' } as const;
const S8S8 = { activationType: 'QInt8' } as const;

describe.each(MODELS)('%s', (name) => {
  test.each([
    { ...U8U8, format: 'QDQ', codes: ['uint8', 'uint8'] },
    { ...U8U8, format: 'QLinear', codes: ['uint8', 'uint8'] },
    { ...U8U8, format: 'QDQ', full: true, codes: ['uint8', 'uint8'] },
    { ...S8S8, format: 'QDQ', codes: ['int8', 'int8'] },
    { ...S8S8, format: 'QDQ', full: true, codes: ['int8', 'int8'] },
    { ...S8S8, format: 'QLinear', codes: ['int8', 'int8'] },
    { ...U8U8, approach: 'dynamic', codes: ['uint8', 'uint8'] },
  ] as const)('%j', async ({ codes, ...how }) => {
    const { path } = await quantizeFixture(name, how as Options);
    const { model, close } = await openModel(path);
    onTestFinished(close);
    const weights = [...model.graph.initializers].filter(({ data }) => data && data.shape.length >= 2);
    expect(new Set(weights.map(({ data }) => data!.dtype).filter((dtype) => dtype.includes('int8')))).toEqual(
      new Set([codes[1]]),
    );
    expect(await overflowIn(model)).toEqual([]);
    const samples = await testSetOf(name);
    const fp32 = fixturePath(name, 'fp32.onnx');
    const { checks, comparisons } = await validateModel({ model: path, fp32, samples, now: () => performance.now() });
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(comparisons[0]!.outputs[0]!.sqnr).toBeGreaterThan('full' in how ? 20 : 28);
  });
});

test('int8 activations by uint8 weights are refused', () => {
  expect(() => recipeOf({ ...U8U8, ...S8S8 })).toThrow(/option weight_type: "QUInt8" is not valid/);
});
test('seven bits go with uint8 weights', () => {
  expect(recipeOf({ ...U8U8, reduceRange: true }).weights).toMatchObject({ dtype: 'uint8', low: 64, high: 192 });
});
