/** Scales, zero points and codes against numbers recorded from onnxruntime's quantization tool and numpy. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { asymmetricParams, biasScales, symmetricScales, widenForBias } from '../../shared/quantize/formulas.ts';
import { recipeOf } from '../../shared/quantize/recipe.ts';
import {
  absMaxOf,
  channelsOf,
  extentOf,
  quantizeBias,
  quantizeInto,
  roundHalfEven,
  transposeBytes,
} from '../../shared/tensor/arithmetic.ts';

interface Recorded {
  activations: { min: number; max: number; scale: number; zeroPoint: number }[];
  weights: {
    shape: number[];
    axis: number;
    reduceRange: boolean;
    values: number[];
    scale: number[];
    codes: number[];
  }[];
  codes: { scale: number; zeroPoint: number; values: number[]; codes: number[] }[];
  bias: { values: number[]; inputScale: number; weightScale: number[]; scale: number[]; codes: number[] };
  widen: { bias: number; inputScale: number; weightScale: number; expected: number }[];
}
const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/quantize/formulas.json', import.meta.url), 'utf8'),
) as Recorded;

describe('uint8 activations', () => {
  test.each(recorded.activations)('range $min to $max', ({ min, max, scale, zeroPoint }) => {
    const params = asymmetricParams({ min, max }, recipeOf({}).activations);
    expect([params.scale, params.zeroPoint]).toEqual([scale, zeroPoint]);
  });
});

describe('int8 weights per channel', () => {
  test.each(recorded.weights)(
    'shape $shape, axis $axis, reduced $reduceRange',
    ({ shape, axis, reduceRange, values, scale, codes }) => {
      const channels = channelsOf(shape, axis);
      const absMax = absMaxOf(Float32Array.from(values), channels);
      const scales = symmetricScales(absMax, recipeOf({ reduceRange }).weights);
      expect([...scales]).toEqual(scale);
      const params = {
        channels,
        scale: scales,
        zeroPoint: new Array<number>(channels.channels).fill(0),
        low: -128,
        high: 127,
      };
      expect([...quantizeInto(new Int8Array(values.length), Float32Array.from(values), params)]).toEqual(codes);
    },
  );
});

test.each(recorded.codes)(
  'codes on scale $scale, zero point $zeroPoint: ties to even, saturation',
  ({ scale, zeroPoint, values, codes }) => {
    const params = {
      channels: channelsOf([values.length], null),
      scale: Float32Array.of(scale),
      zeroPoint: [zeroPoint],
      low: 0,
      high: 255,
    };
    expect([...quantizeInto(new Uint8Array(values.length), Float32Array.from(values), params)]).toEqual(codes);
  },
);

describe('int32 bias', () => {
  const { values, inputScale, weightScale, scale, codes } = recorded.bias;
  test('scale is the product in float32', () =>
    expect([...biasScales(inputScale, Float32Array.from(weightScale))]).toEqual(scale));
  test('codes are clipped, one scale per element', () =>
    expect([...quantizeBias(Float32Array.from(values), Float32Array.from(scale))]).toEqual(codes));
  test.each(recorded.widen)(
    'weight scale $weightScale is raised only where the bias $bias would overflow',
    ({ bias, inputScale, weightScale, expected }) => {
      const widened = widenForBias(Float32Array.of(weightScale), inputScale, Float32Array.of(bias));
      expect(widened[0]).toBe(expected);
    },
  );
});

test('round half to even', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999999, 1e15 + 0.5].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 1e15]);
});

test('ranges tell when a value is not finite', () => {
  expect(extentOf(Float32Array.of(1, -2, 3))).toEqual({ min: -2, max: 3, finite: true });
  expect(extentOf(Float32Array.of(1, NaN, 3)).finite).toBe(false);
  expect(extentOf(Float32Array.of(1, Infinity)).finite).toBe(false);
  expect([...absMaxOf(Float32Array.of(1, -4, NaN, 2, -Infinity, 0), channelsOf([3, 2], 0))]).toEqual([4, NaN, NaN]);
});

test('bytes of a matrix are transposed', () => {
  expect([...transposeBytes(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
});
