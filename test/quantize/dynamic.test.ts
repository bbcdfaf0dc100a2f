/** Dynamic forms of operators that are no products: what they mean, and the codes of onnxruntime's tool. */
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { overflowIn } from '../../shared/quantize/overflow.ts';
import type { Quantized } from '../../shared/quantize/quantize.ts';
import { inMemory, type MemoryTensors, withSession } from '../../shared/runtime/session.ts';
import { asFloat32, bytesOf } from '../../shared/tensor/arithmetic.ts';
import { decodeNumbers } from '../../shared/tensor/numbers.ts';
import { fixturePath, type Options, quantizeAndWrite } from './fixture.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
type Tensors = Readonly<Record<string, Recorded>>;
interface Expected {
  readonly inputs: Tensors;
  readonly float: Tensors;
  readonly outputs: Tensors;
  readonly codes?: Readonly<Record<string, Tensors>>;
}
const EXPECTED = JSON.parse(readFileSync(fixturePath('dynamic', 'expected.json'), 'utf8')) as Readonly<
  Record<string, Expected>
>;
const KERNELS: Readonly<Record<string, string>> = {
  LSTM: 'DynamicQuantizeLSTM',
  'LSTM-bidirectional': 'DynamicQuantizeLSTM',
  Conv: 'ConvInteger',
  Attention: 'QAttention',
  EmbedLayerNormalization: 'QEmbedLayerNormalization',
};

/** On codes whose products some processors add in 16 bits. */
const ADDS_PAIRS = new Set(['DynamicQuantizeLSTM', 'QAttention']);

async function quantized(name: string, options: Options): Promise<Quantized & { readonly path: string }> {
  const { model, close } = await openModel(fixturePath('dynamic', `${name}.onnx`));
  onTestFinished(close);
  return quantizeAndWrite(model, { approach: 'dynamic', ...options });
}

const feedsOf = (inputs: Tensors): MemoryTensors =>
  new Map(
    Object.entries(inputs).map(([name, { shape, values }]) => {
      const isFloat = name === 'x';
      const array = isFloat ? Float32Array.from(values) : Int32Array.from(values);
      return [name, inMemory(isFloat ? 'float32' : 'int32', shape, bytesOf(array))];
    }),
  );

async function largestDifference(
  path: string,
  { inputs, outputs }: Pick<Expected, 'inputs' | 'outputs'>,
): Promise<number> {
  // What the codes mean, on processors without VNNI too.
  return withSession(path, { products: 'precise' }, async (session) => {
    const results = await session.run(feedsOf(inputs), Object.keys(outputs));
    const differences = Object.entries(outputs).flatMap(([name, { values }]) => {
      const found = asFloat32(results.get(name)!.memory);
      return values.map((value, i) => Math.abs(value - found[i]!));
    });
    return Math.max(...differences);
  });
}

describe.each(Object.entries(EXPECTED))('%s', (name, expected) => {
  const named = name === 'Conv' ? { opTypesToQuantize: ['Conv'] } : {};

  test('the numbers that its codes mean', async () => {
    const { model, path } = await quantized(name, { ...named, processor: 'vnni' });
    expect([...model.graph.nodes].map(({ op }) => op)).toContain(KERNELS[name]);
    // Rounded anew is farther from float than from what is expected.
    expect(await largestDifference(path, expected)).toBeLessThan(1e-5);
    expect(await largestDifference(path, { ...expected, outputs: expected.float })).toBeGreaterThan(1e-4);
  });

  test('weights that cannot overflow, for any processor', async () => {
    const { path } = await quantized(name, named);
    const { model, close } = await openModel(path);
    onTestFinished(close);
    expect(await overflowIn(model)).toEqual([]);
    if (!ADDS_PAIRS.has(KERNELS[name]!)) return;
    const full = await quantized(name, { ...named, processor: 'vnni' });
    expect((await overflowIn(full.model)).length).toBeGreaterThan(0);
  });

  test('errors of the layer are measured where there are samples', async () => {
    const calibration = (async function* () {
      yield { feeds: feedsOf(expected.inputs), samples: 1 };
    })();
    const { facts } = await quantized(name, { ...named, calibration });
    expect(facts.layers).toHaveLength(1);
    expect(facts.layers[0]!.sqnr).toBeGreaterThan(25);
  });

  const codes = Object.entries(expected.codes ?? {});
  test.each(codes)('%s: the codes of the tool', async (granularity, tensors) => {
    const { model } = await quantized(name, { processor: 'vnni', perChannel: granularity === 'per-channel' });
    for (const [tensor, { shape, values }] of Object.entries(tensors)) {
      const data = [...model.graph.initializers].find((value) => value.name === tensor)?.data;
      expect(data?.shape, tensor).toEqual(shape);
      const numbers = [...decodeNumbers(data!.dtype, await data!.read())];
      expect(numbers, tensor).toEqual(values.map((value) => (data!.dtype === 'float32' ? Math.fround(value) : value)));
    }
  });
});

test('convolutions stay in float unless they are asked for', async () => {
  await expect(quantized('Conv', {})).rejects.toThrow(/integer convolutions are hardly faster than float ones/);
  const { facts } = await quantized('Conv', { full: true });
  expect(facts.quantized).toBe(1);
});
