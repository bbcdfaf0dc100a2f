/** Images get a fourth channel of zeros for onnxruntime's direct integer convolutions: the sums stay the same. */
import { expect, test } from 'vitest';
import type { Model } from '../../shared/onnx/ir.ts';
import { integerKernels } from '../../shared/steps/integer-kernels.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { typedModel } from '../onnx/typed.ts';
import { oneBatch, type Options, quantizeAndWrite, workFolder } from './fixture.ts';

interface Shape {
  readonly outputs: number;
  readonly channels: number;
  readonly kernel: number;
}

/** Numbers without a pattern, the same every time. */
const numbers = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(1e4 * Math.sin(i * i)) / 1e4);

function convolution({ outputs, channels, kernel }: Shape): Model {
  const weights = numbers(outputs * channels * kernel ** 2).join(', ');
  return typedModel(`<ir_version: 10, opset_import: ["": 21]>
g (float[N,${channels},H,W] x) => (float[N,${outputs},h,w] y)
<
  float[${outputs},${channels},${kernel},${kernel}] weight = {${weights}}
>
{
  y = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, weight)
}`);
}

const images = { shape: [2, 3, 9, 8], values: numbers(2 * 3 * 9 * 8) };
const IMAGES: Shape = { outputs: 16, channels: 3, kernel: 3 };
const batch = () => oneBatch({ x: images });

async function outputOf(options: Options): Promise<Float32Array> {
  const { path } = await quantizeAndWrite(convolution(IMAGES), { calibration: batch(), ...options });
  // Full range saturates on x64 without VNNI, in an order of its own.
  return withSession(path, { products: 'precise' }, async (session) => {
    for await (const { feeds } of batch()) return asFloat32((await session.run(feeds)).get('y')!.memory);
    throw new Error('there is no batch');
  });
}

test.each(['QDQ', 'QLinear'] as const)('%s: the same numbers, with four channels and with three', async (format) => {
  expect(await outputOf({ format, processor: 'vnni' })).toEqual(await outputOf({ format, processor: 'arm64' }));
});

const channelsOf = ({ graph }: Model): unknown =>
  [...graph.initializers].find(({ name }) => name.startsWith('weight') && name.endsWith('_quantized'))?.data?.shape[1];

test('the convolution keeps its name, its zeros are codes, and it is an integer kernel', async () => {
  const { model, path } = await quantizeAndWrite(convolution(IMAGES), { calibration: batch() });
  expect(channelsOf(model)).toBe(4);
  expect(await integerKernels(path, workFolder())).toMatchObject([{ operator: 'Conv', kernel: 'QLinearConv' }]);
});

test.each(['QDQ', 'QLinear'] as const)(
  '%s: the channel is added to the codes, with their zero point',
  async (format) => {
    const { model } = await quantizeAndWrite(convolution(IMAGES), { calibration: batch(), format });
    const nodes = [...model.graph.nodes];
    const pad = nodes.find(({ op }) => op === 'Pad')!;
    const quantize = pad.inputs[0]!.producer!;
    expect([quantize.op, quantize.inputs[0]!.name, pad.inputs[2]]).toEqual(['QuantizeLinear', 'x', quantize.inputs[2]]);
    expect(nodes.filter(({ op }) => op === 'Pad')).toHaveLength(1);
  },
);

test.each<[string, Shape, Options]>([
  ['for a processor that has no such kernels', IMAGES, { processor: 'arm64' }],
  ['for codes that have no such kernels', IMAGES, { weightType: 'QUInt8' }],
  ['for a kernel of one place', { ...IMAGES, kernel: 1 }, {}],
  ['for so few outputs', { ...IMAGES, outputs: 8 }, {}],
  [
    'where an override names the tensor',
    IMAGES,
    { extraOptions: { TensorQuantOverrides: { x: [{ rmin: -2, rmax: 2 }] } } },
  ],
])('three channels stay %s', async (_, shape, options) => {
  const { model } = await quantizeAndWrite(convolution(shape), { calibration: batch(), ...options });
  expect(channelsOf(model)).toBe(3);
});
