/**
 * Smoothing and equalization change constants and leave the function: outputs of FP32 before and after, in places where
 * a change would reach somebody else. Each case says which layers change, so that none is right because nothing happens.
 */
import { describe, expect, test } from 'vitest';
import { typedModel } from '../../onnx/typed.ts';
import { adjust, filled, inputOf, outputsOf, seeded } from './adjusted-model.ts';

interface Case {
  readonly input: readonly number[];
  readonly text: string;
  /** Layers that change, by their output. */
  readonly smoothed: readonly string[];
  readonly equalized: readonly string[];
}

const HEAD = '<ir_version: 10, opset_import: ["": 21]>\n';

const CASES: Readonly<Record<string, Case>> = {
  'a LayerNorm before three layers': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y, float[N,5,4] z, float[N,5,6] u)
<float[8] gamma = {?}, float[8] beta = {?}, float[8,4] a = {?}, float[8,4] b = {?}, float[8,6] c = {?}>
{ n = LayerNormalization(x, gamma, beta)
  y = MatMul(n, a)
  z = MatMul(n, b)
  u = MatMul(n, c) }`,
    smoothed: ['y', 'z', 'u'],
    equalized: [],
  },
  'a LayerNorm that something else reads, too': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y, float[N,5,8] z)
<float[8] gamma = {?}, float[8] beta = {?}, float[8,4] a = {?}>
{ n = LayerNormalization(x, gamma, beta)
  y = MatMul(n, a)
  z = Tanh(n) }`,
    smoothed: ['y'],
    equalized: [],
  },
  'scale and bias of two LayerNorms are one': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y, float[N,5,8] z)
<float[8] gamma = {?}, float[8] beta = {?}, float[8,4] a = {?}>
{ n = LayerNormalization(x, gamma, beta)
  y = MatMul(n, a)
  z = LayerNormalization(x, gamma, beta) }`,
    smoothed: ['y'],
    equalized: [],
  },
  'two layers have one weight': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,8] y, float[N,5,8] z)
<float[8] gamma = {?}, float[8] beta = {?}, float[8,8] a = {?}>
{ n = LayerNormalization(x, gamma, beta)
  y = MatMul(n, a)
  z = MatMul(y, a) }`,
    smoothed: [],
    equalized: [],
  },
  'products, biases and a ReLU': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y)
<float[8,16] a = {?}, float[16] p = {?}, float[16,16] b = {?}, float[16] q = {?}, float[16,4] c = {?}>
{ m = MatMul(x, a)
  s = Add(p, m)
  r = Relu(s)
  n = MatMul(r, b)
  t = Add(n, q)
  l = LeakyRelu<alpha = 0.1>(t)
  y = MatMul(l, c) }`,
    smoothed: ['m', 'n', 'y'],
    equalized: ['n', 'y'],
  },
  'what is between two layers is an output': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y, float[N,5,16] m)
<float[8,16] a = {?}, float[16,4] c = {?}>
{ m = MatMul(x, a)
  r = Relu(m)
  y = MatMul(r, c) }`,
    smoothed: ['m', 'y'],
    equalized: [],
  },
  'one bias of two layers': {
    input: [3, 8],
    text: `g (float[N,8] x) => (float[N,4] y, float[N,16] z)
<float[8,16] a = {?}, float[8,16] b = {?}, float[16] p = {?}, float[16,4] c = {?}>
{ m = Gemm(x, a, p)
  z = Gemm(x, b, p)
  r = Relu(m)
  y = Gemm(r, c) }`,
    smoothed: ['m', 'z', 'y'],
    equalized: ['y'],
  },
  'Gemm with transposed weights, factors and a row as bias': {
    input: [3, 8],
    text: `g (float[N,8] x) => (float[N,4] y)
<float[16,8] a = {?}, float[1,16] p = {?}, float[4,16] c = {?}, float[4] q = {?}>
{ m = Gemm<transB = 1, beta = 0.5>(x, a, p)
  r = Relu(m)
  y = Gemm<transB = 1>(r, c, q) }`,
    smoothed: ['m', 'y'],
    equalized: ['y'],
  },
  'a bias that is one number is left alone': {
    input: [3, 8],
    text: `g (float[N,8] x) => (float[N,4] y)
<float[8,16] a = {?}, float[1] p = {?}, float[16,4] c = {?}>
{ m = Gemm(x, a, p)
  r = Relu(m)
  y = Gemm(r, c) }`,
    smoothed: ['m'],
    equalized: [],
  },
  'a gate and what it lets through': {
    input: [2, 5, 8],
    text: `g (float[N,5,8] x) => (float[N,5,4] y)
<float[8,16] a = {?}, float[8,16] b = {?}, float[16,4] c = {?}>
{ g0 = MatMul(x, a)
  g = Sigmoid(g0)
  u = MatMul(x, b)
  r = Mul(g, u)
  y = MatMul(r, c) }`,
    smoothed: ['g0', 'u', 'y'],
    equalized: ['y'],
  },
  'depthwise, pointwise and strided convolutions': {
    input: [2, 4, 6, 6],
    text: `g (float[N,4,6,6] x) => (float[N,8,2,2] y)
<float[8,4,3,3] a = {?}, float[8] p = {?}, float[8,1,3,3] b = {?}, float[8] q = {?}, float[12,8,1,1] c = {?}, float[8,12,2,2] d = {?}>
{ m = Conv<pads = [1,1,1,1]>(x, a, p)
  r = Relu(m)
  n = Conv<group = 8, pads = [1,1,1,1]>(r, b, q)
  s = Relu(n)
  o = Conv(s, c)
  t = Relu(o)
  u = MaxPool<kernel_shape = [2,2], strides = [2,2]>(t)
  y = Conv(u, d) }`,
    smoothed: ['m', 'n', 'o', 'y'],
    equalized: ['n', 'o', 'y'],
  },
  'convolutions in groups': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,6,5,5] y)
<float[8,2,1,1] a = {?}, float[8] p = {?}, float[6,4,3,3] b = {?}>
{ m = Conv<group = 2>(x, a, p)
  r = Relu(m)
  y = Conv<group = 2, pads = [1,1,1,1]>(r, b) }`,
    smoothed: ['m', 'y'],
    equalized: ['y'],
  },
  'a transposed convolution in groups before a convolution': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,4,6,6] y)
<float[4,3,2,2] a = {?}, float[6] p = {?}, float[4,6,1,1] b = {?}>
{ m = ConvTranspose<group = 2>(x, a, p)
  r = Relu(m)
  y = Conv(r, b) }`,
    smoothed: ['y'],
    equalized: ['y'],
  },
  'ReLU6 does not keep factors': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,4,5,5] y)
<float[8,4,1,1] a = {?}, float[8] p = {?}, float low = {0}, float high = {6}, float[4,8,1,1] b = {?}>
{ m = Conv(x, a, p)
  r = Clip(m, low, high)
  y = Conv(r, b) }`,
    smoothed: ['m'],
    equalized: [],
  },
  'a clip without upper end does': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,4,5,5] y)
<float[8,4,1,1] a = {?}, float[8] p = {?}, float low = {0}, float[4,8,1,1] b = {?}>
{ m = Conv(x, a, p)
  r = Clip(m, low)
  y = Conv(r, b) }`,
    smoothed: ['m', 'y'],
    equalized: ['y'],
  },
  'a residual sum is left alone': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,4,5,5] y)
<float[8,4,1,1] a = {?}, float[8,8,1,1] b = {?}, float[4,8,1,1] c = {?}>
{ m = Conv(x, a)
  n = Conv(m, b)
  s = Add(m, n)
  y = Conv(s, c) }`,
    smoothed: ['m'],
    equalized: [],
  },
  'a picture that is averaged before a Gemm': {
    input: [2, 4, 5, 5],
    text: `g (float[N,4,5,5] x) => (float[N,4] y)
<float[8,4,1,1] a = {?}, float[8] p = {?}, float[8] scale = {?}, float[8] b = {?}, float[8] mean = {?}, float[8] var = {1, 2, 3, 4, 5, 6, 7, 8}, float[8,4] c = {?}>
{ m = Conv(x, a, p)
  n = BatchNormalization(m, scale, b, mean, var)
  r = Relu(n)
  v = GlobalAveragePool(r)
  f = Flatten<axis = 1>(v)
  y = Gemm(f, c) }`,
    smoothed: ['m', 'y'],
    equalized: ['y'],
  },
};

const CHOICES = {
  smoothed: { smoothQuant: { alpha: 0.5 } },
  equalized: { crossLayerEqualization: true },
} as const;
/** Of the largest output; a product of sixteen numbers has errors of some units in the last place. */
const ROUNDING = 4e-6;

describe.each(Object.entries(CASES))('%s', (_, { input, text, ...expected }) => {
  test.each(['smoothed', 'equalized'] as const)('%s', async (how) => {
    const next = seeded(3);
    const model = typedModel(HEAD + filled(text, next));
    const feeds = inputOf(input, next);
    const before = await outputsOf(model, feeds);
    const adjustments = await adjust(model, CHOICES[how], feeds);
    const after = await outputsOf(model, feeds);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, values] of before) {
      const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - after.get(name)![i]!)), 0);
      expect(worst / largest, name).toBeLessThan(ROUNDING);
    }
    const changed = adjustments.filter(
      ({ method, what }) => method !== 'channel_order' && !what.startsWith('left as it is'),
    );
    expect(changed.map(({ layer }) => layer).sort()).toEqual([...expected[how]].sort());
  });
});
