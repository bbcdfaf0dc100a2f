/** SmoothQuant: its factors by hand, where they go, and what it is worth where few channels are large. */
import { describe, expect, test } from 'vitest';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import type { Model, Node } from '../../../shared/onnx/ir.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { compareOutput } from '../../../shared/runtime/compare.ts';
import { inMemory, withSession } from '../../../shared/runtime/session.ts';
import { readNpz } from '../../../shared/tensor/npz.ts';
import { samplesIn } from '../../../shared/runtime/samples.ts';
import { declaredOf } from '../../../shared/steps/declared.ts';
import { typedModel } from '../../onnx/typed.ts';
import { feedsOf, fixturePath, oneBatch, type Options, quantizeAndWrite } from '../fixture.ts';
import { adjust } from './adjusted-model.ts';
import { onTestFinished } from 'vitest';

const numbersOf = async (model: Model, name: string): Promise<number[]> => {
  const value = [...model.graph.initializers].find((v) => v.name === name)!;
  return [...asFloat32(await value.data!.read())];
};
const nodeOf = (model: Model, output: string): Node =>
  [...model.graph.nodes].find(({ outputs }) => outputs[0]!.name === output)!;

// Channels of x reach 8 and 2, and are multiplied by at most 0.5 and 2: sqrt(8 / 0.5) = 4, sqrt(2 / 2) = 1.
const FEEDS = feedsOf({ x: { shape: [2, 1, 2], values: [8, -1, -4, 2] } });
const WEIGHT = 'float[2,3] w = {0.5, 0.25, -0.25, 1, -2, 0.5}';
const SMOOTHED = [2, 1, -1, 1, -2, 0.5];

describe('factors are sqrt(max|X| / max|W|) for an alpha of a half', () => {
  test('divided out of what computes the tensor', async () => {
    const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<float[2] one = {1, 1}, float[2] none = {0, 0}, ${WEIGHT}>
{ m = Mul(x, one)
  s = Add(m, none)
  y = MatMul(s, w) }`);
    const what = (await adjust(model, { smoothQuant: { alpha: 0.5 } }, FEEDS)).map((each) => each.what);
    expect(what).toEqual(['alpha 0.5, folded into Mul "m"']);
    expect(await numbersOf(model, 'w')).toEqual(SMOOTHED);
    expect(await numbersOf(model, 'one')).toEqual([0.25, 1]);
    expect(model.graph.nodes.size).toBe(3);
  });

  test('by a Mul where nothing can be divided', async () => {
    const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<${WEIGHT}>
{ y = MatMul(x, w) }`);
    const what = (await adjust(model, { smoothQuant: { alpha: 0.5 } }, FEEDS)).map((each) => each.what);
    expect(what).toEqual(['alpha 0.5, Mul "x_smoothed_Mul" inserted']);
    expect(await numbersOf(model, 'w')).toEqual(SMOOTHED);
    expect(await numbersOf(model, 'x_smoothing')).toEqual([0.25, 1]);
    expect(nodeOf(model, 'y').inputs[0]!.producer!.op).toBe('Mul');
  });

  test('a channel that is 0 in all of the data, or in the weight, keeps its numbers', async () => {
    const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,3] x) => (float[2,1,1] y)
<float[3,1] w = {0.5, 3, 0}>
{ y = MatMul(x, w) }`);
    await adjust(
      model,
      { smoothQuant: { alpha: 0.5 } },
      feedsOf({ x: { shape: [2, 1, 3], values: [8, 0, 5, 1, 0, 5] } }),
    );
    expect(await numbersOf(model, 'x_smoothing')).toEqual([0.25, 1, 1]);
    expect(await numbersOf(model, 'w')).toEqual([2, 3, 0]);
  });
});

test('it is refused without data to measure on, dynamic quantization included', async () => {
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<${WEIGHT}>
{ y = MatMul(x, w) }`);
  const quantized = quantizeAndWrite(model, { approach: 'dynamic', smoothQuant: { alpha: 'auto' } });
  await expect(quantized).rejects.toMatchObject({ code: 'BadCalibrationData' });
});

test('weights in blocks are left alone, and want no data for it', async () => {
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<${WEIGHT}>
{ y = MatMul(x, w) }`);
  const all = { smoothQuant: { alpha: 'auto' }, biasCorrection: true, crossLayerEqualization: true } as const;
  const { facts } = await quantizeAndWrite(model, { approach: 'weight-only', ...all });
  expect(facts.adjustments).toBeUndefined();
});

test('codes that are chosen by hand keep the numbers they were chosen for', async () => {
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<${WEIGHT}>
{ y = MatMul(x, w) }`);
  const { facts } = await quantizeAndWrite(model, {
    calibration: again(oneBatch({ x: { shape: [2, 1, 2], values: [8, -1, -4, 2] } })),
    smoothQuant: { alpha: 0.5 },
    extraOptions: { TensorQuantOverrides: { x: [{ rmin: -10, rmax: 10 }] } },
  });
  expect(facts.adjustments!.map(({ what }) => what)).toEqual(['left as it is: its codes are chosen by hand']);
});

test('a tensor that an inserted Mul divides is not rounded before it', async () => {
  const model = typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[2,1,2] x) => (float[2,1,3] y)
<${WEIGHT}>
{ y = MatMul(x, w) }`);
  const calibration = oneBatch({ x: { shape: [2, 1, 2], values: [8, -1, -4, 2] } });
  const { facts } = await quantizeAndWrite(model, {
    calibration: again(calibration),
    full: true,
    smoothQuant: { alpha: 0.5 },
  });
  expect([...model.graph.nodes].map(({ op }) => op).filter((op) => op === 'Mul')).toEqual(['Mul']);
  const mul = [...model.graph.nodes].find(({ op }) => op === 'Mul')!;
  expect(mul.inputs[0]).toBe(model.graph.inputs[0]);
  expect(facts.skipped.map(({ operator }) => operator)).toEqual(['Mul']);
});

/** A generator can be read once, calibration data more often. */
function again<T>(generator: AsyncGenerator<T>): AsyncIterable<T> {
  const known: T[] = [];
  return {
    async *[Symbol.asyncIterator]() {
      if (known.length === 0) for await (const item of generator) known.push(item);
      yield* known;
    },
  };
}

// Made in PyTorch: in four LayerNorms three channels of 32 are 40 times as large, and weights behind them as small; in a
// chain of convolutions batch normalization gave channels that differ 50 times and more. `y` is what PyTorch computes.
async function decibels(name: string, options: Options): Promise<number> {
  const [{ model, close }, source] = [
    await openModel(fixturePath(name, 'fp32.onnx')),
    fileSource(fixturePath(name, 'data.npz')),
  ];
  onTestFinished(() => {
    close();
    source.close();
  });
  const arrays = await readNpz(source);
  const inputs = declaredOf(model, 'inputs');
  const samplesOf = async (array: string) =>
    samplesIn({ file: name, arrays: new Map([['input', arrays.get(array)!]]) }, inputs, { code: 'BadCalibrationData' });
  const calibration = (await samplesOf('calib')).batches(1);
  const { path } = await quantizeAndWrite(model, { calibration, ...options });
  const samples = await samplesOf('x');
  const expected = arrays.get('y')!;
  const comparer = compareOutput('output', 'float32');
  await withSession(path, { products: 'precise' }, async (session) => {
    for await (const { feeds } of samples.batches(samples.count))
      comparer.add(
        (await session.run(feeds)).get('output')!,
        inMemory('float32', expected.shape, await expected.data.read()),
      );
  });
  return comparer.result().sqnr!;
}

describe('against PyTorch', () => {
  test.each(['static', 'dynamic'] as const)('large channels of a transformer: 10 dB, %s', async (approach) => {
    const before = await decibels('outlier_transformer', { approach });
    expect(await decibels('outlier_transformer', { approach, smoothQuant: { alpha: 'auto' } })).toBeGreaterThan(
      before + 10,
    );
    expect(await decibels('outlier_transformer', { approach, smoothQuant: { alpha: 0.5 } })).toBeGreaterThan(
      before + 6,
    );
  });

  test('uneven channels of convolutions: 6 dB by their weights, 10 dB by their activations, more by both', async () => {
    const before = await decibels('uneven_conv', {});
    const equalized = await decibels('uneven_conv', { crossLayerEqualization: true });
    const smoothed = await decibels('uneven_conv', { smoothQuant: { alpha: 'auto' } });
    const corrected = await decibels('uneven_conv', { biasCorrection: true });
    const all = { crossLayerEqualization: true, smoothQuant: { alpha: 'auto' }, biasCorrection: true } as const;
    expect(equalized).toBeGreaterThan(before + 6);
    expect(smoothed).toBeGreaterThan(before + 10);
    expect(corrected).toBeGreaterThan(before + 6);
    expect(await decibels('uneven_conv', all)).toBeGreaterThan(Math.max(equalized, smoothed, corrected) + 3);
  });
});
