/** Bias correction: two layers as numpy quantizes them, biases that several layers have, and places without a bias. */
import { expect, test } from 'vitest';
import type { Model } from '../../../shared/onnx/ir.ts';
import type { Batch } from '../../../shared/runtime/samples.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { typedModel } from '../../onnx/typed.ts';
import { outputsOf } from './adjusted-model.ts';
import { feedsOf, type Options, quantizeAndWrite } from '../fixture.ts';

const HEAD = '<ir_version: 10, opset_import: ["": 21]>\n';
// prettier-ignore
const X = [0.086, 0.237, 0.801, 0.582, 0.094, 0.433, 0.479, 0.16, 0.735, 0.114, 0.391, 0.517, 0.431, 0.587, 0.738, 0.956, 0.284, 0.649, 0.696, 0.293, 0.001, 0.973, 0.298, 0.314];

// The second layer is measured behind the first one corrected: np.clip(np.rint(v / s) + z, 0, 255) for activations,
// codes of -127 to 127 for columns, biases rounded to s_x * s_w, means over six rows.
const MODEL = `${HEAD}g (float[6,4] x) => (float[6,2] y)
<float[4,3] a = {-0.183, 0.541, 1.935, -0.27, -0.244, 1.002, -0.886, -0.292, 0.883, 0.58, 0.092, 0.67},
 float[3] p = {-0.848, 0.306, -0.288},
 float[3,2] b = {-1.669, 0.276, 0.701, -0.445, -1.076, 0.026}, float[2] q = {-0.016, 0.422}>
{ m = Gemm(x, a, p)
  r = Relu(m)
  y = Gemm(r, b, q) }`;
const EXPECTED = {
  p: [-0.8475892305610719, 0.3052573050665314, -0.2904996608604035],
  q: [-0.01126879843584257, 0.4237331053879584],
};
/** By how much numpy finds the layers shifted. */
const SHIFTS = {
  p: [-0.00041075942534770277, 0.0007426892114226572, 0.002499673258169651],
  q: [-0.00473120232411665, -0.0017331144478643923],
};

const data: AsyncIterable<Batch> = batchOf({ shape: [6, 4], values: X });

test('biases are those of numpy', async () => {
  const model = typedModel(MODEL);
  await quantizeAndWrite(model, { processor: 'vnni', calibration: data, biasCorrection: true });
  for (const name of ['p', 'q'] as const) {
    const { codes, scale } = await biasOf(model, `${name}_corrected`);
    codes.forEach((code, i) => {
      const shift = Math.abs(SHIFTS[name][i]!);
      // A step of the codes, and a hundredth of what is corrected.
      expect(Math.abs(code * scale[i]! - EXPECTED[name][i]!)).toBeLessThan(scale[i]! + shift / 100);
      expect(scale[i]!).toBeLessThan(shift / 4);
    });
  }
});

test.each(['QDQ', 'QLinear'] as const)('%s: means of the output are those of FP32 afterwards', async (format) => {
  const reference = await meansOf(typedModel(MODEL));
  const quantized = async (options: Options): Promise<number[]> => {
    const model = typedModel(MODEL);
    await quantizeAndWrite(model, { format, processor: 'vnni', calibration: data, ...options });
    return meansOf(model);
  };
  const [before, after] = [await quantized({}), await quantized({ biasCorrection: true })];
  reference.forEach((mean, channel) => {
    expect(Math.abs(after[channel]! - mean)).toBeLessThan(Math.abs(SHIFTS.q[channel]!) / 5);
    expect(Math.abs(before[channel]! - mean)).toBeGreaterThan(Math.abs(SHIFTS.q[channel]!) / 2);
  });
});

test('a bias that two layers have becomes one for each', async () => {
  const model = typedModel(`${HEAD}g (float[6,4] x) => (float[6,3] y, float[6,3] z)
<float[4,3] a = {1, 2, 3, 4, 5, 6.5, 7, 8, 9, 1.3, 1.1, 1.2}, float[4,3] b = {-1, 2.1, 3, -4, 5, 6.5, 7, -8.2, 9, 1.3, -1.1, 1.2}, float[3] p = {1, 2, 3}>
{ y = Gemm(x, a, p)
  z = Gemm(x, b, p) }`);
  await quantizeAndWrite(model, { calibration: data, biasCorrection: true });
  const [first, second] = [await biasOf(model, 'p_corrected'), await biasOf(model, 'p_corrected_1')];
  const numbers = ({ codes, scale }: Bias): number[] => codes.map((code, i) => code * scale[i]!);
  expect(numbers(first)).not.toEqual(numbers(second));
});

test('a factor of a bias is divided out of the correction', async () => {
  const corrected = async (beta: number): Promise<number[]> => {
    const text = `${HEAD}g (float[6,4] x) => (float[6,1] y)
<float[4,1] a = {1, 0.3, -0.21, 0.77}, float[1,1] p = {${2 / beta}}>
{ y = Gemm<beta = ${beta.toFixed(1)}>(x, a, p) }`;
    const model = typedModel(text);
    await quantizeAndWrite(model, { calibration: data, biasCorrection: true });
    const { codes, scale } = await biasOf(model, 'p_corrected');
    return codes.map((code, i) => code * scale[i]!);
  };
  // Codes of a bias have its factor multiplied in.
  expect((await corrected(4))[0]!).toBeCloseTo((await corrected(1))[0]!, 5);
  expect((await corrected(1))[0]!).not.toBe(2);
});

test('a layer without bias gets one where it has an input for it; a product without Add is left alone', async () => {
  const model = typedModel(`${HEAD}g (float[6,4] x) => (float[6,3] y, float[6,3] z)
<float[4,3] a = {1, 2, 3, 4, 5, 6.5, 7, 8, 9, 1.3, 1.1, 1.2}, float[4,3] b = {-1, 2.1, 3, -4, 5, 6.5, 7, -8.2, 9, 1.3, -1.1, 1.2}>
{ y = Gemm(x, a)
  z = MatMul(x, b) }`);
  const { facts } = await quantizeAndWrite(model, { calibration: data, biasCorrection: true });
  expect(facts.adjustments!.map(({ layer, what }) => [layer, what.replace(/\d.*/, 'N')])).toEqual([
    ['y', 'N'],
    ['z', 'left as it is: no bias is added to it, and an Add for one would be another operator'],
  ]);
  expect((await biasOf(model, 'a_corrected')).codes).toHaveLength(3);
});

test('dynamic: the float bias itself, tables are not touched', async () => {
  const model = typedModel(`${HEAD}g (float[6,4] x, int64[6] i) => (float[6,3] y)
<float[5,4] table = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8},
 float[4,3] a = {1, 2, 3, 4, 5, 6.5, 7, 8, 9, 1.3, 1.1, 1.2}, float[3] p = {1, 2, 3}>
{ e = Gather(table, i)
  s = Add(e, x)
  y = Gemm(s, a, p) }`);
  const indices = feedsOf({ x: { shape: [6, 4], values: X } });
  const i = { ...indices.get('x')!, dtype: 'int64', shape: [6], byteLength: 48, memory: new Uint8Array(48) } as const;
  const calibration = repeated({ feeds: new Map([...indices, ['i', i]]), samples: 6 });
  const { facts } = await quantizeAndWrite(model, { approach: 'dynamic', calibration, biasCorrection: true });
  expect(facts.adjustments!.map(({ layer }) => layer)).toEqual(['y']);
  const value = [...model.graph.initializers].find(({ name }) => name === 'p_corrected')!;
  const numbers = [...asFloat32(await value.data!.read())];
  numbers.forEach((v, c) => expect(Math.abs(v - (c + 1))).toBeLessThan(0.2));
  expect(numbers).not.toEqual([1, 2, 3]);
});

async function meansOf(model: Model): Promise<number[]> {
  const y = (await outputsOf(model, feedsOf({ x: { shape: [6, 4], values: X } }))).get('y')!;
  return [0, 1].map((channel) => y.filter((_, i) => i % 2 === channel).reduce((sum, v) => sum + v / 6, 0));
}

interface Bias {
  readonly codes: readonly number[];
  readonly scale: readonly number[];
}

async function biasOf(model: Model, name: string): Promise<Bias> {
  const read = async (suffix: string): Promise<Uint8Array> =>
    Uint8Array.from(await [...model.graph.initializers].find((v) => v.name === `${name}_${suffix}`)!.data!.read());
  return {
    codes: [...new Int32Array((await read('quantized')).buffer)],
    scale: [...asFloat32(await read('scale'))],
  };
}

function batchOf(x: { readonly shape: readonly number[]; readonly values: readonly number[] }): AsyncIterable<Batch> {
  return repeated({ feeds: feedsOf({ x }), samples: x.shape[0]! });
}

function repeated(batch: Batch): AsyncIterable<Batch> {
  return {
    async *[Symbol.asyncIterator]() {
      yield batch;
    },
  };
}
