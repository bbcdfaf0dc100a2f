/** Cross-layer equalization: factors by hand, and ranges that are equal on both sides at the end. */
import { expect, test } from 'vitest';
import type { Model } from '../../../shared/onnx/ir.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { typedModel } from '../../onnx/typed.ts';
import { adjust, filled, inputOf, seeded } from './adjusted-model.ts';

const numbersOf = async (model: Model, name: string): Promise<number[]> => {
  const value = [...model.graph.initializers].find((v) => v.name === name)!;
  return [...asFloat32(await value.data!.read())];
};
const next = seeded(1);

test('both sides of a channel become the geometric mean of their ranges', async () => {
  // What gives the channels reaches 16 and 1, what reads them 1 and 4: sqrt(16 / 1) = 4 and sqrt(1 / 4) = 0.5.
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[N,2] x) => (float[N,2] y)
<float[2,2] a = {16, 0.5, -8, 1}, float[2] p = {4, 0.25}, float[2,2] b = {1, 0.5, 2, -4}>
{ m = Gemm(x, a, p)
  r = Relu(m)
  y = Gemm(r, b) }`);
  await adjust(model, { crossLayerEqualization: true }, inputOf([2, 2], next));
  expect(await numbersOf(model, 'a')).toEqual([4, 1, -2, 2]);
  expect(await numbersOf(model, 'p')).toEqual([1, 0.5]);
  expect(await numbersOf(model, 'b')).toEqual([4, 2, 1, -2]);
});

test('a bias counts as a weight: the activation is as large as it', async () => {
  // 64 and 4: sqrt(64 / 4) = 4.
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[N,1] x) => (float[N,1] y)
<float[1,1] a = {0.25}, float[1] p = {-64}, float[1,1] b = {4}>
{ m = Gemm(x, a, p)
  r = Relu(m)
  y = Gemm(r, b) }`);
  await adjust(model, { crossLayerEqualization: true }, inputOf([2, 1], next));
  expect(await numbersOf(model, 'p')).toEqual([-16]);
  expect(await numbersOf(model, 'b')).toEqual([16]);
});

test('a chain settles: every channel between its layers has the same range on both sides', async () => {
  const text = `g (float[N,4] x) => (float[N,4] y)
<float[4,8] a = {?}, float[8,8] b = {?}, float[8,8] c = {?}, float[8,4] d = {?}>
{ m = Gemm(x, a)
  r = Relu(m)
  n = Gemm(r, b)
  s = Relu(n)
  o = Gemm(s, c)
  t = Relu(o)
  y = Gemm(t, d) }`;
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>\n${filled(text, next)}`);
  await adjust(model, { crossLayerEqualization: true }, inputOf([2, 4], next));
  const matrices = [];
  for (const name of ['a', 'b', 'c', 'd']) matrices.push(await numbersOf(model, name));
  for (const [before, after] of [
    [0, 1],
    [1, 2],
    [2, 3],
  ] as const) {
    const width = matrices[after]!.length / 8;
    for (let i = 0; i < 8; i++) {
      const given = Math.max(...matrices[before]!.filter((_, at) => at % 8 === i).map(Math.abs));
      const read = Math.max(...matrices[after]!.filter((_, at) => Math.floor(at / width) === i).map(Math.abs));
      expect(given / read).toBeGreaterThan(0.95);
      expect(given / read).toBeLessThan(1.05);
    }
  }
});
