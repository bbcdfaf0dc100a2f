/** `extra_options` of onnxruntime's tool: what is refused and why, and what pairs of Q and DQ become. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FerryError } from '../../shared/errors.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { ExtraOptions } from '../../shared/quantize/extra-options.ts';
import type { Batch } from '../../shared/runtime/samples.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { feedsOf, fixturePath, oneBatch, type Options, quantizeAndWrite } from './fixture.ts';
import { typedModel } from '../onnx/typed.ts';

async function quantized(options: Options): Promise<{ readonly warnings: readonly string[] }> {
  const { model, close } = await openModel(fixturePath('tool-options', 'fp32.onnx'));
  onTestFinished(close);
  const values = Array.from({ length: 128 }, (_, i) => (i % 7) - 3);
  return quantizeAndWrite(model, { calibration: oneBatch({ x: { shape: [1, 2, 8, 8], values } }), ...options });
}

describe('refused', () => {
  test.each<[string, Options, RegExp]>([
    [
      'a name that does not exist',
      { extraOptions: { ActivationSymetric: true } as ExtraOptions },
      /did you mean "ActivationSymmetric"/,
    ],
    [
      'what streaming makes needless',
      { extraOptions: { CalibMaxIntermediateOutputs: 4 } as ExtraOptions },
      /CalibMaxIntermediateOutputs: "4".*one batch/,
    ],
    [
      'a form of Q/DQ in QLinear',
      { format: 'QLinear', extraOptions: { AddQDQPairToWeight: true } },
      /expected quant_format QDQ, not QLinear/,
    ],
    [
      'calibration in a dynamic model',
      { approach: 'dynamic', extraOptions: { ActivationSymmetric: true } },
      /approach static, not dynamic/,
    ],
    [
      'a moving average of a histogram',
      { observer: 'Entropy', extraOptions: { CalibMovingAverage: true } },
      /calibrate_method MinMax/,
    ],
    ['weights of many zero points', { extraOptions: { WeightSymmetric: false } }, /per_channel false/],
    [
      'pairs that overflow',
      { perChannel: false, extraOptions: { WeightSymmetric: false } },
      /reduce_range, weight_type QUInt8, or a processor/,
    ],
    [
      '16 bits in QLinear',
      { format: 'QLinear', activationType: 'QUInt16' },
      /activation_type: "uint16".*quant_format QDQ/,
    ],
    [
      '16 bits in a dynamic model',
      { approach: 'dynamic', weightType: 'QInt16' },
      /weight_type: "int16".*dynamic quantization/,
    ],
    [
      'a tensor that does not exist',
      overriding({ c3: [{ rmax: 1 }] }),
      /TensorQuantOverrides: "c3".*the name of a tensor; the nearest are/,
    ],
    [
      'codes of another tensor',
      overriding({ p1: [{ rmax: 1 }] }),
      /"p1" is not valid; expected "r1", whose codes it has/,
    ],
    ['a bias', overriding({ b1: [{ rmax: 1 }] }), /"b1".*a tensor other than a bias/],
    ['an axis that channels do not have', overriding({ w1: [{ axis: 1 }] }), /"w1".*axis 0, along which the channels/],
    [
      'too few for the channels',
      overriding({ w1: [{ axis: 0, rmax: 1 }, { axis: 0 }] }),
      /"w1".*one for each of 4 along axis 0/,
    ],
    ['a scale alone', overriding({ x: [{ scale: 0.1 }] }), /"x".*scale and zero_point together/],
    [
      'a scale and how to find it',
      overriding({ x: [{ scale: 0.1, zero_point: 0, rmax: 1 }] }),
      /"x".*scale and zero_point, or/,
    ],
    [
      'a zero point that is no code',
      overriding({ x: [{ scale: 0.1, zero_point: 256 }] }),
      /"x".*a zero_point from 0 to 255/,
    ],
  ])('%s', async (_, options, message) => {
    const error = (await quantized(options).catch((e: unknown) => e)) as FerryError;
    expect(error).toMatchObject({ code: 'BadOption' });
    expect(error.message).toMatch(message);
  });
});

function overriding(overrides: NonNullable<ExtraOptions['TensorQuantOverrides']>): Options {
  return { extraOptions: { TensorQuantOverrides: overrides } };
}

test('an override of a tensor that stays in float is said', async () => {
  const { warnings } = await quantized(overriding({ m: [{ quant_type: 'QInt8' }] }));
  expect(warnings).toEqual(['TensorQuantOverrides has no effect on "m", which stays in float']);
});

const BRANCHES = `
<ir_version: 10, opset_import: ["": 21]>
g (float[1,2,4,4] x) => (float[1,2,4,4] y, float[1,2,4,4] z)
<float[2,2,1,1] w = {1, -1, 0.5, 0.25}>
{
  y = Conv(x, w)
  a = Conv(y, w)
  b = Conv(y, w)
  z = Add(a, b)
}`;

async function branches(extraOptions: ExtraOptions): Promise<{ readonly model: Model; readonly path: string }> {
  const values = Array.from({ length: 32 }, (_, i) => i - 16);
  const calibration = oneBatch({ x: { shape: [1, 2, 4, 4], values } });
  return quantizeAndWrite(typedModel(BRANCHES), { calibration, extraOptions });
}

const readersOf = ({ graph }: Model): readonly (readonly string[])[] =>
  [...graph.nodes]
    .filter(({ op, inputs }) => op === 'DequantizeLinear' && inputs[0]!.producer?.op === 'QuantizeLinear')
    .map(({ outputs: [value] }) => [
      ...[...value!.uses].map(({ node }) => node.op),
      ...(graph.isOutput(value!) ? ['output'] : []),
    ]);

describe('DedicatedQDQPair', () => {
  test('without it, a tensor has one pair', async () => {
    const { model } = await branches({});
    expect(readersOf(model)).toContainEqual(['Conv', 'Conv', 'output']);
  });
  test('with it, each reader has a pair of its own, with the same numbers', async () => {
    const [{ model, path }, one] = [await branches({ DedicatedQDQPair: true }), await branches({})];
    expect(readersOf(model).every((readers) => readers.length <= 1)).toBe(true);
    expect(readersOf(model).filter(([reader]) => reader === 'Conv')).toHaveLength(3);
    const feeds = feedsOf({ x: { shape: [1, 2, 4, 4], values: Array.from({ length: 32 }, (_, i) => i - 16) } });
    const run = (file: string): Promise<readonly number[][]> =>
      withSession(file, {}, async (session) => {
        const results = await session.run(feeds, ['y', 'z']);
        return ['y', 'z'].map((name) => [...results.get(name)!.memory]);
      });
    expect(await run(path)).toEqual(await run(one.path));
  });
});

const operatorsOf = ({ graph }: Model): readonly string[] => [...graph.nodes].map(({ op }) => op);
const image = (): AsyncGenerator<Batch> =>
  oneBatch({ x: { shape: [1, 1, 4, 4], values: Array.from({ length: 16 }, (_, i) => i) } });

describe('what is quantized', () => {
  const pool = `
<ir_version: 10, opset_import: ["": 21]>
g (float[1,1,4,4] x) => (float[1,1,2,2] y)
{
  y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x)
}`;
  test('ForceQuantizeNoInputCheck: also what moves data between nothing', async () => {
    const forced = { ForceQuantizeNoInputCheck: true };
    const { model } = await quantizeAndWrite(typedModel(pool), { calibration: image(), extraOptions: forced });
    expect(operatorsOf(model)).toEqual([
      'QuantizeLinear',
      'DequantizeLinear',
      'MaxPool',
      'QuantizeLinear',
      'DequantizeLinear',
    ]);
    await expect(quantizeAndWrite(typedModel(pool), { calibration: image() })).rejects.toMatchObject({
      code: 'NothingToQuantize',
    });
  });
  test('OpTypesToExcludeOutputQuantization: the results of these stay float', async () => {
    const { model } = await branches({ OpTypesToExcludeOutputQuantization: ['Conv'] });
    const convs = [...model.graph.nodes].filter(({ op }) => op === 'Conv');
    const read = convs.slice(1).map(({ outputs: [value] }) => [...value!.uses].map(({ node }) => node.op));
    expect(read).toEqual([['Add'], ['Add']]);
  });
  test('MatMulConstBOnly false: products of two computed tensors', async () => {
    const product = `
<ir_version: 10, opset_import: ["": 21]>
g (float[2,3] a, float[3,2] b) => (float[2,2] y)
{
  y = MatMul(a, b)
}`;
    const values = [1, 2, 3, 4, 5, 6];
    const calibration = oneBatch({ a: { shape: [2, 3], values }, b: { shape: [3, 2], values } });
    const extraOptions = { MatMulConstBOnly: false };
    const { facts } = await quantizeAndWrite(typedModel(product), { calibration, extraOptions });
    expect(facts.quantized).toBe(1);
  });
});
