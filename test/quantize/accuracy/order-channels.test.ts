/**
 * Channels in another order: the same function where they can be ordered, nothing where somebody would see it, and codes
 * that are safe in pairs at less noise.
 */
import { describe, expect, test } from 'vitest';
import { typedModel } from '../../onnx/typed.ts';
import { adjust, filled, filledInPairs, inputOf, outputsOf, seeded } from './adjusted-model.ts';
import { quantizeFixture, testSetOf, fixturePath } from '../fixture.ts';
import { validateModel } from '../../../shared/runtime/validate.ts';

interface Case {
  readonly input: readonly number[];
  readonly text: string;
  /** Layers whose channels get another order, by their output. */
  readonly ordered: readonly string[];
}

const HEAD = '<ir_version: 10, opset_import: ["": 21]>\n';
const MLP = 'float[4,8] a = {?}, float[8] p = {?}, float[8,6] b = {pairs 0}';

const CASES: Readonly<Record<string, Case>> = {
  'two layers with a bias and a ReLU6': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<${MLP}, float low = {0}, float high = {6}>
{ m = MatMul(x, a)
  s = Add(m, p)
  r = Clip(s, low, high)
  y = MatMul(r, b) }`,
    ordered: ['y'],
  },
  'transposed weights': {
    input: [3, 4],
    text: `g (float[N,4] x) => (float[N,6] y)
<float[8,4] a = {?}, float[1,8] p = {?}, float[6,8] b = {pairs 1}>
{ m = Gemm<transB = 1>(x, a, p)
  r = Sigmoid(m)
  y = Gemm<transB = 1>(r, b) }`,
    ordered: ['y'],
  },
  'an activation that reads its input twice': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<${MLP}, float root = {1.4142135}, float one = {1}, float half = {0.5}>
{ m = MatMul(x, a)
  s = Add(m, p)
  d = Div(s, root)
  e = Erf(d)
  f = Add(e, one)
  t = Mul(s, f)
  r = Mul(t, half)
  y = MatMul(r, b) }`,
    ordered: ['y'],
  },
  'a gate and what it lets through': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<float[4,8] a = {?}, float[4,8] c = {?}, float[8,6] b = {pairs 0}>
{ m = MatMul(x, a)
  u = MatMul(x, c)
  k = Sigmoid(m)
  r = Mul(k, u)
  y = MatMul(r, b) }`,
    ordered: ['y'],
  },
  'a layer in the middle reads and gives the same channels': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<${MLP}, float[8,8] w = {?}>
{ m = MatMul(x, a)
  s = Add(m, p)
  n = MatMul(s, w)
  r = Add(s, n)
  y = MatMul(r, b) }`,
    ordered: [],
  },
  'two layers read the channels, one of them in float': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y, float[N,5,6] z)
<${MLP}, float[8,6] c = {?}, float[1] alpha = {2}>
{ m = MatMul(x, a)
  r = Relu(m)
  y = MatMul(r, b)
  v = Mul(r, alpha)
  z = MatMul(v, c) }`,
    ordered: ['y', 'z'],
  },
  'one weight of two layers': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y, float[N,5,6] z)
<${MLP}>
{ m = MatMul(x, a)
  r = Relu(m)
  n = MatMul(x, a)
  y = MatMul(r, b)
  z = MatMul(n, b) }`,
    ordered: [],
  },
  'channels that are an output': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y, float[N,5,8] m)
<${MLP}>
{ m = MatMul(x, a)
  r = Relu(m)
  y = MatMul(r, b) }`,
    ordered: [],
  },
  'channels that something else than a layer reads': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y, float[N,8,5] z)
<${MLP}>
{ m = MatMul(x, a)
  r = Relu(m)
  z = Transpose<perm = [0, 2, 1]>(r)
  y = MatMul(r, b) }`,
    ordered: [],
  },
  'channels that a Gemm adds': {
    input: [3, 8],
    text: `g (float[N,8] x) => (float[N,6] y, float[N,8] z)
<float[8,8] a = {?}, float[8,6] b = {pairs 0}, float[8,8] c = {?}>
{ m = Gemm(x, a)
  r = Relu(m)
  y = Gemm(r, b)
  z = Gemm(x, c, r) }`,
    ordered: [],
  },
  'softmax over the channels': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<${MLP}>
{ m = MatMul(x, a)
  r = Softmax(m)
  y = MatMul(r, b) }`,
    ordered: [],
  },
  'an input of the model': {
    input: [3, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,6] y)
<float[8,6] b = {pairs 0}>
{ y = MatMul(x, b) }`,
    ordered: [],
  },
  'one number of each token for all channels': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,5,6] y)
<${MLP}, float[4,1] c = {?}>
{ m = MatMul(x, a)
  k = MatMul(x, c)
  r = Mul(m, k)
  y = MatMul(r, b) }`,
    ordered: ['y'],
  },
  'a mean over tokens': {
    input: [3, 5, 4],
    text: `g (float[N,5,4] x) => (float[N,6] y)
<${MLP}, int64[1] axes = {-2}>
{ m = MatMul(x, a)
  r = Relu(m)
  v = ReduceMean<keepdims = 0>(r, axes)
  y = Gemm(v, b) }`,
    ordered: ['y'],
  },
  'a mean over channels': {
    input: [3, 8, 4],
    text: `g (float[N,8,4] x) => (float[N,6] y)
<float[4,8] a = {?}, float[8,6] b = {pairs 0}, int64[1] axes = {2}>
{ m = MatMul(x, a)
  r = Relu(m)
  v = ReduceMean<keepdims = 0>(r, axes)
  y = Gemm(v, b) }`,
    ordered: [],
  },
  'convolutions, one of them depthwise, normalized and averaged': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,6] y, float[N,6,5,5] z)
<float[8,4,3,3] a = {?}, float[8] p = {?}, float[8,1,3,3] d = {?}, float[8] q = {?},
 float[8] scale = {?}, float[8] shift = {?}, float[8] mean = {?}, float[8] var = {1, 2, 3, 4, 5, 6, 7, 8},
 float[6,8,1,1] c = {pairs 1}, float[8,6] b = {pairs 0}>
{ m = Conv<pads = [1,1,1,1]>(x, a, p)
  r = Relu(m)
  n = Conv<group = 8, pads = [1,1,1,1]>(r, d, q)
  o = BatchNormalization(n, scale, shift, mean, var)
  s = HardSwish(o)
  z = Conv(s, c)
  v = GlobalAveragePool(s)
  f = Flatten<axis = 1>(v)
  y = Gemm(f, b) }`,
    ordered: ['y', 'z'],
  },
  'a convolution in groups gives them': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,6,5,5] y)
<float[8,2,1,1] a = {?}, float[6,8,1,1] c = {pairs 1}>
{ m = Conv<group = 2>(x, a)
  y = Conv(m, c) }`,
    ordered: [],
  },
  'places are flattened with the channels': {
    input: [2, 4, 2, 2],
    text: `g (float[N,4,2,2] x) => (float[N,6] y)
<float[8,4,1,1] a = {?}, float[32,6] b = {pairs 0}>
{ m = Conv(x, a)
  f = Flatten<axis = 1>(m)
  y = Gemm(f, b) }`,
    ordered: [],
  },
};

/** Of the largest output: sums of eight and of 36 numbers in another order. */
const ROUNDING = 2e-6;

describe('FP32 before and after', () => {
  test.each(Object.entries(CASES))('%s', async (_, { input, text, ordered }) => {
    const next = seeded(3);
    const model = typedModel(HEAD + filledInPairs(filled(text, next), next));
    const feeds = inputOf(input, next);
    const before = await outputsOf(model, feeds);
    const adjustments = await adjust(model, {}, feeds);
    const after = await outputsOf(model, feeds);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, values] of before) {
      const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - after.get(name)![i]!)), 0);
      expect(worst / largest, name).toBeLessThan(ROUNDING);
    }
    expect(adjustments.map(({ layer }) => layer).sort()).toEqual([...ordered].sort());
    for (const { method, what } of adjustments) {
      expect(method).toBe('channel_order');
      // Pairs of one sign need scales twice as large: 6 dB.
      expect(Number(/lose (.*) dB less/.exec(what)![1])).toBeGreaterThan(ordered.length > 1 ? 1 : 4);
    }
  });
});

test('dynamic codes that are safe anywhere lose at most 1.5 dB of the full range', async () => {
  const decibels = async (processor: 'any' | 'vnni'): Promise<number> => {
    const { path } = await quantizeFixture('digits_cnn', { approach: 'dynamic', processor });
    const samples = await testSetOf('digits_cnn');
    const fp32 = fixturePath('digits_cnn', 'fp32.onnx');
    const { comparisons } = await validateModel({ model: path, fp32, samples, products: 'precise', now: () => 0 });
    return comparisons[0]!.outputs[0]!.sqnr!;
  };
  expect(await decibels('any')).toBeGreaterThan((await decibels('vnni')) - 1.5);
});
