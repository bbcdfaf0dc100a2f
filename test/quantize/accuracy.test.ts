/**
 * Quantized fixture models on test samples: valid, close to FP32, and the two static formats the same. The file is
 * judged, whatever the processor.
 */
import { describe, expect, test } from 'vitest';
import { validateModel } from '../../shared/runtime/validate.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { type FixtureModel, fixturePath, MODELS, quantizeFixture, samplesOf, testSetOf } from './fixture.ts';

let clock = 0;
const now = (): number => (clock += 1000);

const APPROACHES = [
  { approach: 'static', format: 'QDQ' },
  { approach: 'static', format: 'QLinear' },
  { approach: 'dynamic', format: 'QDQ' },
] as const;

describe.each(MODELS)('%s', (name) => {
  test.each(APPROACHES)('$approach $format loses at most one point of top-1', async (options) => {
    const { path } = await quantizeFixture(name, options);
    const samples = await testSetOf(name);
    const fp32 = fixturePath(name, 'fp32.onnx');
    const before = await validateModel({ model: fp32, samples, now });
    const after = await validateModel({ model: path, fp32, samples, products: 'precise', now });
    expect(after.checks.filter((c) => !c.passed)).toEqual([]);
    expect(before.accuracy!.correct - after.accuracy!.correct).toBeLessThanOrEqual(samples.count / 100);
    const [output] = after.comparisons[0]!.outputs;
    expect(output!.top1Agreement).toBeGreaterThan(0.97);
    expect(output!.sqnr).toBeGreaterThan(28);
    expect(output!.cosine).toBeGreaterThan(0.999);
  });

  test.each([
    { recipe: 'QDQ_OP_FP32_BIAS' },
    { recipe: 'QDQ_OP_INT32_BIAS' },
    { recipe: 'QDQ_OP_FP32_BIAS_QDQ' },
    { full: true },
  ] as const)('%j: QDQ and QLinear give the same numbers', async (choice) => {
    const qdq = await quantizeFixture(name, { format: 'QDQ', ...choice });
    const qlinear = await quantizeFixture(name, { format: 'QLinear', ...choice });
    const outputs = [await outputsOf(name, qdq.path), await outputsOf(name, qlinear.path)] as const;
    const step = Math.max(...outputs[0].map(Math.abs)) / 64;
    const far = outputs[0].filter((value, i) => Math.abs(value - outputs[1][i]!) > 1e-4);
    // Sums in another order can land on the other side of a rounding tie: rare, and at most a step or two.
    expect(far.length / outputs[0].length).toBeLessThan(0.02);
    outputs[0].forEach((value, i) => expect(Math.abs(value - outputs[1][i]!)).toBeLessThan(step));
    expect(qlinear.facts.quantized).toBe(qdq.facts.quantized);
  });
});

async function outputsOf(name: FixtureModel, path: string): Promise<Float32Array> {
  const samples = await samplesOf(name, 'x');
  return withSession(path, { products: 'precise' }, async (session) => {
    for await (const { feeds } of samples.batches(samples.count))
      return asFloat32((await session.run(feeds)).get(session.outputs[0]!.name)!.memory);
    throw new Error('no samples');
  });
}
