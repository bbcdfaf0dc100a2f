/** The same numbers as onnxruntime's own quantization tool, for the same options, on the same data. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../shared/onnx/ir.ts';
import { fixturePath, MODELS, quantizeFixture } from './fixture.ts';

interface RecordedTensor {
  dtype: string;
  shape: number[];
  base64: string;
}
type Recorded = Readonly<Record<'static' | 'dynamic', Readonly<Record<string, RecordedTensor>>>>;

const recordedOf = (model: string): Recorded =>
  JSON.parse(readFileSync(fixturePath(model, 'onnxruntime.json'), 'utf8')) as Recorded;

async function bytesOf(model: Model, name: string): Promise<Buffer | null> {
  const value = [...model.graph.initializers].find((v) => v.name === name);
  return value ? Buffer.from(await value.data!.read()) : null;
}
const floats = (bytes: Buffer): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);

/** Our name of a tensor the tool wrote. */
const ourName = (name: string): string => name.replace('_quantized_scale', '_scale');

describe.each(MODELS)('%s, static', (name) => {
  test('weights, their scales, activation scales and zero points, int32 biases', async () => {
    const { model } = await quantizeFixture(name, {
      approach: 'static',
      recipe: 'QDQ_OP_INT32_BIAS',
      processor: 'vnni',
    });
    const seen = { weights: 0, scales: 0, zeroPoints: 0, biases: 0 };
    for (const [theirs, tensor] of Object.entries(recordedOf(name).static)) {
      const ours = await bytesOf(model, ourName(theirs));
      // Tensors that we do not round (a Linear's result before its bias is added, products in attention) have no
      // counterpart.
      if (!ours) continue;
      const expected = Buffer.from(tensor.base64, 'base64');
      if (tensor.dtype === 'int8') expect(ours.equals(expected), theirs).toBe(true);
      if (tensor.dtype === 'uint8') expect([...ours], theirs).toEqual([...expected]);
      // Activations ran in another build of onnxruntime: their ranges, and what follows from them, agree to the last
      // digits.
      if (tensor.dtype === 'float32')
        floats(ours).forEach((s, i) => expect(Math.abs(s / floats(expected)[i]! - 1), theirs).toBeLessThan(3e-6));
      if (tensor.dtype === 'int32' && theirs.endsWith('_quantized')) expectClose(ours, expected, theirs);
      seen.weights += Number(tensor.dtype === 'int8' && theirs.endsWith('_quantized'));
      seen.biases += Number(tensor.dtype === 'int32' && theirs.endsWith('_quantized'));
      seen.scales += Number(tensor.dtype === 'float32');
      seen.zeroPoints += Number(tensor.dtype === 'uint8');
    }
    expect(seen).toEqual(SEEN[name]);
  });
});

const SEEN = {
  digits_cnn: { weights: 4, scales: 13, zeroPoints: 5, biases: 4 },
  digits_transformer: { weights: 14, scales: 25, zeroPoints: 10, biases: 1 },
  token_classifier: { weights: 3, scales: 7, zeroPoints: 3, biases: 1 },
} as const;

function expectClose(ours: Buffer, theirs: Buffer, name: string): void {
  const [a, b] = [ours, theirs].map((bytes) => new Int32Array(Uint8Array.from(bytes).buffer)) as [
    Int32Array,
    Int32Array,
  ];
  a.forEach((code, i) => expect(Math.abs(code - b[i]!), name).toBeLessThanOrEqual(Math.max(1, Math.abs(code) * 3e-6)));
}

describe.each(MODELS)('%s, dynamic', (name) => {
  test('weights and their scales; the tool keeps a transposed Gemm weight under its old name', async () => {
    const { model } = await quantizeFixture(name, { approach: 'dynamic', processor: 'vnni' });
    const recorded = Object.entries(recordedOf(name).dynamic).filter(([theirs]) => !theirs.endsWith('_zero_point'));
    for (const [theirs, tensor] of recorded) {
      const ours =
        (await bytesOf(model, theirs.replace('_quantized', '_transposed'))) ?? (await bytesOf(model, theirs));
      expect(ours?.equals(Buffer.from(tensor.base64, 'base64')), theirs).toBe(true);
    }
    expect(recorded.length).toBeGreaterThan(3);
  });
});
