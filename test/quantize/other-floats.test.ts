/** Models in float16, bfloat16 and float64: what is said instead of that nothing can be quantized. */
import { describe, expect, test } from 'vitest';
import { inMemory } from '../../shared/runtime/session.ts';
import type { Batch } from '../../shared/runtime/samples.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { quantizeAndWrite } from './fixture.ts';
import { typedModel } from '../onnx/typed.ts';

/** Two products, in the same type or the second in float32. */
const modelIn = (type: string, second: 'same' | 'float'): string => `
<ir_version: 10, opset_import: ["": 21]>
g (${type}[N,2] x) => (${second === 'same' ? type : 'float'}[N,2] y)
<${type}[2,2] w = {1, -1, 0.5, 2}, ${second === 'same' ? type : 'float'}[2,2] v = {1, 2, 3, 4}>
{
  h = MatMul(x, w)
  ${second === 'same' ? 'r = Relu(h)' : 'r = Cast<to = 1>(h)'}
  y = MatMul(r, v)
}`;

async function* data(dtype: Dtype, bytes: Uint8Array): AsyncGenerator<Batch> {
  yield { feeds: new Map([['x', inMemory(dtype, [1, 2], bytes)]]), samples: 1 };
}

describe.each([
  ['float16', 'float16', bytesOf(Uint16Array.of(0x3c00, 0xc000))],
  ['double', 'float64', bytesOf(Float64Array.of(1, -2))],
] as const)('%s', (type, dtype, bytes) => {
  const advice = `in ${dtype}, and codes are made of float32: save the model in float32 (model.float() in PyTorch`;

  test.each(['static', 'dynamic', 'weight-only'] as const)('%s: refused, with what to do', async (approach) => {
    const made = quantizeAndWrite(typedModel(modelIn(type, 'same')), { approach, calibration: data(dtype, bytes) });
    await expect(made).rejects.toMatchObject({
      code: 'NothingToQuantize',
      message: expect.stringContaining(`can be quantized: 2 operators with weights compute ${advice}`) as string,
    });
  });

  test('beside float32 the rest is quantized, and it is said', async () => {
    const made = await quantizeAndWrite(typedModel(modelIn(type, 'float')), { calibration: data(dtype, bytes) });
    expect(made.facts.quantized).toBe(1);
    expect(made.warnings).toEqual([expect.stringContaining(`one operator with weights computes ${advice}`)]);
  });
});
