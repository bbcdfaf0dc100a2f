/**
 * Weights with NaN, infinities, numbers near the end of float32, subnormal numbers and channels of nothing: the quantized
 * model gives what FP32 gives, as closely as its codes can, or the weight is refused with its name.
 */
import { describe, expect, test } from 'vitest';
import { isFailure } from '../../shared/errors.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import type { Batch } from '../../shared/runtime/samples.ts';
import { inMemory, type MemoryTensors } from '../../shared/runtime/session.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { tensorType } from '../../shared/tensor/type.ts';
import { typedModel } from '../onnx/typed.ts';
import { outputsOf, seeded } from './accuracy/adjusted-model.ts';
import { feedsOf, type Options, quantizeAndWrite } from './fixture.ts';

/** What becomes of weights of 0.3 and less; a row has `run` of them. */
const KINDS: Readonly<Record<string, (w: Float32Array, run: number) => void>> = {
  'a NaN': (w) => (w[5] = NaN),
  'an infinity': (w) => (w[5] = -Infinity),
  'one number near the end of float32': (w) => (w[5] = 3e38),
  'a row of subnormal numbers': (w, run) => w.subarray(0, run).forEach((v, i) => (w[i] = Math.sign(v) * 1e-40)),
  'all numbers tiny': (w) => w.forEach((v, i) => (w[i] = v * 1e-30)),
  'a row of nothing': (w, run) => w.fill(0, 0, run),
  'a column of nothing': (w, run) => w.forEach((_, i) => i % run === 0 && (w[i] = 0)),
  nothing: (w) => w.fill(0),
};

const HEAD = '<ir_version: 10, opset_import: ["": 21]>\n';
const MODELS = {
  MatMul: {
    text: 'g (float[4,64] x) => (float[4,32] y) <float[1] w = {0}> { y = MatMul(x, w) }',
    w: [64, 32],
    x: [4, 64],
  },
  Gemm: {
    text: 'g (float[4,64] x) => (float[4,32] y) <float[1] w = {0}> { y = Gemm<transB = 1>(x, w) }',
    w: [32, 64],
    x: [4, 64],
  },
  Conv: {
    text: 'g (float[2,8,4,4] x) => (float[2,8,2,2] y) <float[1] w = {0}> { y = Conv(x, w) }',
    w: [8, 8, 3, 3],
    x: [2, 8, 4, 4],
  },
  Gather: { text: 'g (int64[4] x) => (float[4,64] y) <float[1] w = {0}> { y = Gather(w, x) }', w: [32, 64], x: null },
} as const;

const accuracy = { smoothQuant: { alpha: 0.5 }, biasCorrection: true, crossLayerEqualization: true } as const;
const inBlocks = (algorithm: 'RTN' | 'HQQ' | 'GPTQ', symmetric: boolean, format: 'QDQ' | 'QLinear') =>
  ({
    approach: 'weight-only',
    format,
    weightOnly: { algorithm, symmetric, bits: 4, blockSize: 32, embeddings: true },
  }) as const;
const WAYS: readonly Options[] = [
  { format: 'QDQ' },
  { format: 'QLinear' },
  { approach: 'dynamic' },
  { format: 'QDQ', ...accuracy },
  { approach: 'dynamic', ...accuracy },
  inBlocks('RTN', true, 'QDQ'),
  inBlocks('RTN', false, 'QLinear'),
  inBlocks('HQQ', false, 'QDQ'),
  inBlocks('GPTQ', true, 'QDQ'),
  inBlocks('GPTQ', false, 'QLinear'),
];
/** Of what FP32 gives: 4-bit codes of 64 numbers of one size are off by less. */
const NOISE = 0.25;
const REFUSALS = ['NothingToQuantize', 'BadCalibrationData'];

describe.each(Object.keys(MODELS) as (keyof typeof MODELS)[])('%s', (name) => {
  test.each(Object.keys(KINDS))('%s', async (kind) => {
    const { text, w, x } = MODELS[name];
    const next = seeded(5);
    const values = Float32Array.from({ length: w.reduce((a: number, b) => a * b, 1) }, () => 0.3 * next());
    KINDS[kind]!(values, values.length / w[0]);
    const modelOf = (): Model => {
      const model = typedModel(HEAD + text.replace('float[1] w = {0}', `float[${w.join()}] w = {${zeros(values)}}`));
      const weight = [...model.graph.initializers].find((value) => value.name === 'w')!;
      weight.data = memoryData('float32', w, bytesOf(values));
      weight.type = tensorType('float32', w);
      return model;
    };
    const feeds = x
      ? feedsOf({ x: { shape: x, values: Array.from({ length: x.reduce((a: number, b) => a * b, 1) }, next) } })
      : INDICES;
    const expected = (await outputsOf(modelOf(), feeds)).get('y')!;
    for (const way of WAYS) {
      const model = modelOf();
      try {
        await quantizeAndWrite(model, { ...way, calibration: repeated({ feeds, samples: 1 }) });
      } catch (error) {
        expect(isFailure(error) && REFUSALS.includes(error.code), String(error)).toBe(true);
        continue;
      }
      const given = (await outputsOf(model, feeds)).get('y')!;
      const largest = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      const worst = given.reduce(
        (most, v, i) => Math.max(most, Math.abs(v / (largest || 1) - expected[i]! / (largest || 1))),
        0,
      );
      expect(worst, JSON.stringify(way)).toBeLessThan(NOISE);
    }
  });
});

const INDICES: MemoryTensors = new Map([['x', inMemory('int64', [4], bytesOf(BigInt64Array.of(0n, 1n, 5n, 31n)))]]);
const zeros = (values: Float32Array): string => new Array<number>(values.length).fill(0).join(', ');
const repeated = (batch: Batch): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    yield batch;
  },
});

test('numbers whose sums overflow in blocks of codes are said to be too large', async () => {
  const model = typedModel(`${HEAD}g (float[1,32] x) => (float[1,1] y, float[1,1] z)
<float[32,1] a = {${zeros(new Float32Array(31))}, 3e38}, float[32,1] b = {${zeros(new Float32Array(31))}, 1}>
{ y = MatMul(x, a)
  z = MatMul(x, b) }`);
  const { facts } = await quantizeAndWrite(model, inBlocks('RTN', true, 'QDQ'));
  const reason = '"a" has numbers up to 3.00e+38, whose sums overflow in blocks of codes';
  expect(facts.skipped).toEqual([{ node: '', operator: 'MatMul', reason }]);
});
