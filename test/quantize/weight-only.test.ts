/** Weight-only quantization against onnxruntime's own tool, and the same numbers in both forms. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BlockSize, QuantFormat, WeightBits, WeightOnly } from '../../shared/choices.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { isIntegerKernel, isNeverReplaced } from '../../shared/onnx/runtime-facts/integer-kernels.ts';
import { inMemory, openSession, withSession } from '../../shared/runtime/session.ts';
import { asFloat32, bytesOf } from '../../shared/tensor/arithmetic.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { typedModel } from '../onnx/typed.ts';
import { feedsOf, fixturePath, type Options, quantizeAndWrite } from './fixture.ts';

interface Recorded {
  k: number;
  n: number;
  w: string;
  x: string;
  cases: {
    bits: WeightBits;
    symmetric: boolean;
    block_size: BlockSize;
    codes: string;
    scales: string;
    zero_points: string | null;
    y: string;
  }[];
}
const recorded = JSON.parse(readFileSync(fixturePath('weight-only', 'onnxruntime.json'), 'utf8')) as Recorded;
const { k, n, cases } = recorded;
const decoded = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const floats = (base64: string): Float32Array => asFloat32(decoded(base64));

/** `lines` and constants as a model; constants are float32. */
function modelOf(text: string, constants: Readonly<Record<string, { shape: number[]; values: Float32Array }>>): Model {
  const zeros = Object.entries(constants).map(
    ([name, { shape }]) =>
      `float[${shape.join(',')}] ${name} = {${'0,'.repeat(shape.reduce((a, b) => a * b, 1)).slice(0, -1)}}`,
  );
  const model = typedModel(text.replace('CONSTANTS', zeros.join(',\n')));
  for (const value of model.graph.initializers) {
    const { shape, values } = constants[value.name]!;
    value.data = memoryData('float32', shape, bytesOf(values));
  }
  return model;
}

const header = '<ir_version: 10, opset_import: ["": 21]>';
const matmul = (): Model =>
  modelOf(`${header}\ng (float[B,${k}] x) => (float[B,${n}] y)\n<\nCONSTANTS\n>\n{\n y = MatMul(x, w)\n}\n`, {
    w: { shape: [k, n], values: floats(recorded.w) },
  });

const weightOnly = (format: QuantFormat, choice: Partial<WeightOnly>): Options => ({
  approach: 'weight-only',
  format,
  weightOnly: choice,
});

async function bytesIn(model: Model, name: string): Promise<Uint8Array | null> {
  const value = [...model.graph.initializers].find((v) => v.name === name);
  return value ? value.data!.read() : null;
}

const xs = { x: { shape: [3, k], values: [...floats(recorded.x)] } };
const run = (path: string, feeds = feedsOf(xs), optimize: 'none' | 'all' = 'none'): Promise<Float32Array> =>
  withSession(path, { optimize }, async (session) => asFloat32((await session.run(feeds)).get('y')!.memory));

/** The weights as a product with the identity has them: exactly. */
const identity = (size: number): Parameters<typeof feedsOf>[0] => ({
  x: { shape: [size, size], values: Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0)) },
});

/** `(code - zero point) * scale` in float32, of the bytes of onnxruntime's tool, as `[K, N]`. */
function dequantized({ bits, block_size: size, codes, scales, zero_points }: Recorded['cases'][number]): Float32Array {
  const blocks = Math.ceil(k / size);
  const codeAt = (bytes: Uint8Array, i: number): number =>
    bits === 8 ? bytes[i]! : (bytes[i >> 1]! >> (4 * (i & 1))) & 15;
  return Float32Array.from({ length: k * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    const block = column * blocks + Math.floor(row / size);
    const zero = zero_points === null ? 2 ** (bits - 1) : codeAt(decoded(zero_points), block);
    return Math.fround(codeAt(decoded(codes), column * blocks * size + row) - zero) * floats(scales)[block]!;
  });
}

const titled = cases.map(
  (each) =>
    [`${each.bits} bits, ${each.symmetric ? 'symmetric' : 'asymmetric'}, blocks of ${each.block_size}`, each] as const,
);
describe.each(titled)("RTN equals onnxruntime's tool: %s", (_, recordedCase) => {
  const { bits, symmetric, block_size: blockSize, codes, scales, zero_points, y } = recordedCase;
  const choice = { bits, symmetric, blockSize };

  test('MatMulNBits has its bytes', async () => {
    const { model, path } = await quantizeAndWrite(matmul(), weightOnly('QLinear', choice));
    expect([...model.graph.nodes].map(({ op }) => op)).toEqual(['MatMulNBits']);
    expect(await bytesIn(model, 'w_quantized')).toEqual(decoded(codes));
    expect(await bytesIn(model, 'w_scale')).toEqual(decoded(scales));
    expect(await bytesIn(model, 'w_zero_point')).toEqual(zero_points === null ? null : decoded(zero_points));
    expectClose(await run(path), floats(y));
  });

  test.each(['QLinear', 'QDQ'] as const)('weights of %s are exactly those of its codes', async (format) => {
    const { path } = await quantizeAndWrite(matmul(), weightOnly(format, choice));
    expect(await run(path, feedsOf(identity(k)))).toEqual(dequantized(recordedCase));
  });

  test('blocked DequantizeLinear runs as it is and as onnxruntime optimizes it', async () => {
    const { model, path } = await quantizeAndWrite(matmul(), weightOnly('QDQ', choice));
    expect([...model.graph.nodes].map(({ op }) => op)).toEqual(['DequantizeLinear', 'MatMul']);
    expectClose(await run(path), floats(y));
    expectNear(await run(path, feedsOf(xs), 'all'), floats(y));
  });
});

/** Sums of 112 products in another order. */
function expectClose(ours: Float32Array, theirs: Float32Array): void {
  expect(ours.length).toBe(theirs.length);
  ours.forEach((v, i) => expect(Math.abs(v - theirs[i]!)).toBeLessThan(2e-5 * Math.max(1, Math.abs(theirs[i]!))));
}

/** onnxruntime may round activations to int8 in MatMulNBits that it makes itself: a hundredth of the largest. */
function expectNear(ours: Float32Array, theirs: Float32Array): void {
  const largest = Math.max(...theirs.map(Math.abs));
  ours.forEach((v, i) => expect(Math.abs(v - theirs[i]!)).toBeLessThan(0.01 * largest));
}

const random = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1)) * (1 + (i % 7)));

describe.each(['QLinear', 'QDQ'] as const)('%s', (format) => {
  const gemmText = `${header}
g (float[B,40] x) => (float[B,3] y)
<
CONSTANTS
>
{
  y = Gemm <beta = 2.0, transB = 1>(x, w, b)
}
`;
  const constants = { w: { shape: [3, 40], values: random(120) }, b: { shape: [3], values: Float32Array.of(1, 2, 3) } };
  const feeds = feedsOf({ x: { shape: [2, 40], values: [...random(80)] } });

  test.each([true, false])(
    'a Gemm with a short last block and beta, symmetric %s, is near its FP32 self',
    async (symmetric) => {
      const expected = Float32Array.from({ length: 6 }, (_, at) => {
        const [row, column] = [Math.floor(at / 3), at % 3];
        const x = random(80).subarray(row * 40, row * 40 + 40);
        return x.reduce((sum, v, i) => sum + v * constants.w.values[column * 40 + i]!, 2 * constants.b.values[column]!);
      });
      for (const bits of [4, 8] as const) {
        const choice = { bits, symmetric, blockSize: 32 } as const;
        const { path, facts } = await quantizeAndWrite(modelOf(gemmText, constants), weightOnly(format, choice));
        const ours = await run(path, feeds);
        const largest = Math.max(...expected.map(Math.abs));
        ours.forEach((v, i) => expect(Math.abs(v - expected[i]!)).toBeLessThan((bits === 4 ? 0.12 : 0.008) * largest));
        expect(facts).toMatchObject({ approach: 'weight-only', format, quantized: 1, calibration: null, skipped: [] });
      }
    },
  );

  test.each([
    [4, true],
    [4, false],
    [8, true],
    [8, false],
  ] as const)('a table of %i bits, symmetric %s, gives the rows of the product with it', async (bits, symmetric) => {
    const text = `${header}
g (int64[R] i, float[B,48] x) => (float[R,48] rows, float[B,5] y)
<
CONSTANTS
>
{
  rows = Gather(w, i)
  y = Gemm <transB = 1>(x, w)
}
`;
    const table = { w: { shape: [5, 48], values: random(240).map((v) => v + 2) } };
    const choice = { bits, symmetric, blockSize: 32, embeddings: true } as const;
    const { path, facts } = await quantizeAndWrite(modelOf(text, table), weightOnly(format, choice));
    expect(facts.quantized).toBe(2);
    const { x } = Object.fromEntries(feedsOf(identity(48)));
    const i = inMemory('int64', [5], bytesOf(BigInt64Array.from([0n, 1n, 2n, 3n, 4n])));
    const [rows, product] = await withSession(path, { optimize: 'none' }, async (session) => {
      const results = await session.run(
        new Map([
          ['i', i],
          ['x', x!],
        ]),
      );
      return ['rows', 'y'].map((name) => asFloat32(results.get(name)!.memory)) as [Float32Array, Float32Array];
    });
    expect(rows).toEqual(Float32Array.from({ length: 240 }, (_, at) => product[(at % 48) * 5 + Math.floor(at / 48)]!));
    const largest = (bits === 4 ? 1 / 15 : 1 / 255) * 11;
    rows.forEach((v, at) => expect(Math.abs(v - table.w.values[at]!)).toBeLessThan(largest));
  });
});

test.each(['QLinear', 'QDQ'] as const)('one input, many outputs, %s', async (format) => {
  const text = `${header}\ng (float[B,1] x) => (float[B,5] y)\n<\nCONSTANTS\n>\n{\n y = Gemm<transB = 1>(x, w)\n}\n`;
  const w = { shape: [5, 1], values: Float32Array.of(1, 2, -3, 0.5, 30) };
  const { path } = await quantizeAndWrite(modelOf(text, { w }), weightOnly(format, {}));
  expectClose(await run(path, feedsOf(identity(1))), w.values);
});

test('what reads weights in blocks is the same operator after onnxruntime optimized it', async () => {
  const text = `${header}
g (int64[R] i, float[B,64] x) => (float[R,64] rows, float[B,5] y)
<
CONSTANTS
>
{
  rows = Gather(t, i)
  y = Gemm <transB = 1>(x, w, b)
}
`;
  const matrix = { shape: [5, 64], values: random(320) };
  const constants = { t: matrix, w: matrix, b: { shape: [5], values: random(5) } };
  const { path } = await quantizeAndWrite(modelOf(text, constants), weightOnly('QLinear', { embeddings: true }));
  const saveOptimized = `${path}.optimized.onnx`;
  await (await openSession(path, { saveOptimized })).release();
  const { model, close } = await openModel(saveOptimized);
  const onCodes = [...model.graph.nodes].filter((node) => isIntegerKernel(node));
  close();
  expect(onCodes.map(({ op }) => op).sort()).toEqual(['GatherBlockQuantized', 'MatMulNBits']);
  expect(onCodes.every(isNeverReplaced)).toBe(true);
});

test('a block of large numbers of one sign keeps them: its range includes 0', async () => {
  const w = { shape: [32, 1], values: new Float32Array(32).fill(3) };
  const text = `${header}\ng (float[B,32] x) => (float[B,1] y)\n<\nCONSTANTS\n>\n{\n y = MatMul(x, w)\n}\n`;
  const { path } = await quantizeAndWrite(modelOf(text, { w }), weightOnly('QLinear', {}));
  expect(await run(path, feedsOf(identity(32)))).toEqual(new Float32Array(32).fill(Math.fround(3 / 15) * 15));
});

test('blocks need opset 21 in DequantizeLinear, and none in MatMulNBits', async () => {
  const old = (): Model => {
    const model = matmul();
    model.opsets.set('', 17);
    return model;
  };
  await expect(quantizeAndWrite(old(), weightOnly('QDQ', {}))).rejects.toMatchObject({ code: 'UnsupportedOpset' });
  const { path } = await quantizeAndWrite(old(), weightOnly('QLinear', {}));
  expect(await run(path)).toHaveLength(3 * n);
});

test('tables stay in float unless they are asked for, and what is no matrix always', async () => {
  const text = `${header}
g (int64[R] i, float[1,1,4,4] x) => (float[R,32] rows, float[1,1,4,4] y)
<
CONSTANTS
>
{
  rows = Gather(w, i)
  y = Conv(x, k)
}
`;
  const constants = {
    w: { shape: [5, 32], values: random(160) },
    k: { shape: [1, 1, 1, 1], values: Float32Array.of(1) },
  };
  await expect(quantizeAndWrite(modelOf(text, constants), weightOnly('QDQ', {}))).rejects.toMatchObject({
    code: 'NothingToQuantize',
    details: { skipped: [expect.stringContaining('Gather: tables'), expect.stringContaining('Conv: only matrices')] },
  });
});
