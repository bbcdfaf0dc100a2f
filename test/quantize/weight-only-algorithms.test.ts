/** What algorithms of weight-only quantization promise beyond rounding to nearest. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../shared/onnx/ir.ts';
import { ALGORITHMS } from '../../shared/quantize/weight-only/algorithms.ts';
import type { Batch } from '../../shared/runtime/samples.ts';
import { asFloat32 } from '../../shared/tensor/arithmetic.ts';
import { type BlockLayout, type Blocks, unpackNibbles } from '../../shared/tensor/blocks.ts';
import { inverseFactor } from '../../shared/tensor/cholesky.ts';
import { typedModel } from '../onnx/typed.ts';
import { fixturePath, oneBatch, quantizeAndWrite } from './fixture.ts';

/** Gaussian, with a few large ones; the seed is fixed. */
function weights(count: number, seed = 1): Float32Array {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 4294967298;
  };
  return Float32Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    return 0.02 * normal * (uniform() < 0.01 ? 5 : 1);
  });
}

const layout: BlockLayout = { k: 100, n: 24, strideK: 1, strideN: 100, size: 32 };
const turned: BlockLayout = { ...layout, strideK: 24, strideN: 1 };
const values = weights(2400);
const turnedValues = Float32Array.from({ length: 2400 }, (_, i) => values[(i % 24) * 100 + Math.floor(i / 24)]!);

/** `sum |w - s (q - z)|^p` of each block. */
function errors({ codes, scale, zeroPoint }: Blocks, p: number): number[] {
  const sums = new Array<number>(scale.length).fill(0);
  codes.forEach((q, i) => {
    const block = Math.floor(i / 100) * 4 + Math.floor((i % 100) / 32);
    sums[block]! += Math.abs(values[i]! - scale[block]! * (q - zeroPoint[block]!)) ** p;
  });
  return sums;
}

describe.each([
  [4, false],
  [4, true],
  [8, false],
  [8, true],
] as const)('HQQ, %i bits, symmetric %s', (bits, symmetric) => {
  const codes = { high: 2 ** bits - 1, symmetric };
  const [rtn, hqq] = [ALGORITHMS.RTN, ALGORITHMS.HQQ].map((each) => each.fit({ values, layout, codes })) as [
    Blocks,
    Blocks,
  ];

  test('no block has a larger error of its norm than rounded to nearest, and most a smaller one', () => {
    const [before, after] = [errors(rtn, 0.7), errors(hqq, 0.7)];
    // The table of powers is exact to 4096 steps: a thousandth.
    after.forEach((error, i) => expect(error).toBeLessThan(before[i]! * 1.001));
    expect(after.filter((error, i) => error < before[i]! * 0.999).length).toBeGreaterThan(after.length / 2);
  });

  test('squared errors are smaller over all', () => {
    const [before, after] = [rtn, hqq].map((blocks) => errors(blocks, 2).reduce((a, b) => a + b)) as [number, number];
    expect(after).toBeLessThan(before);
  });

  test('the same matrix in the other layout has the same codes', () => {
    expect(ALGORITHMS.HQQ.fit({ values: turnedValues, layout: turned, codes })).toEqual(hqq);
  });

  test('the middle code stays the zero point where none is stored, a block of zeros stays 0', () => {
    if (symmetric) expect(new Set(hqq.zeroPoint)).toEqual(new Set([2 ** (bits - 1)]));
    const zeros = ALGORITHMS.HQQ.fit({ values: new Float32Array(2400), layout, codes });
    zeros.codes.forEach((q, i) =>
      expect(q).toBe(zeros.zeroPoint[Math.floor(i / 100) * 4 + Math.floor((i % 100) / 32)]),
    );
  });
});

describe('GPTQ', () => {
  const recorded = JSON.parse(readFileSync(fixturePath('weight-only', 'gptq.json'), 'utf8')) as {
    k: number;
    n: number;
    rows: number;
    size: 32;
    w: string;
    x: string;
    cases: { symmetric: boolean; codes: string; scale: string; zero_point: string; loss: number }[];
    factor: { a: number[]; u: number[] };
  };
  const { k, n, rows, size } = recorded;
  const decoded = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
  const [w, x] = [recorded.w, recorded.x].map((text) => asFloat32(decoded(text))) as [Float32Array, Float32Array];
  const modelOf = (): Model => {
    const text = `<ir_version: 10, opset_import: ["": 21]>
g (float[B,${k}] x) => (float[B,${n}] y) <float[${k},${n}] w = {${[...w].join(',')}}> { y = MatMul(x, w) }`;
    return typedModel(text);
  };
  const inBatches = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
      for (let i = 0; i < rows; i += 32)
        yield* oneBatch({ x: { shape: [32, k], values: [...x.subarray(i * k, (i + 32) * k)] } });
    },
  };

  test('the factor of an inverse equals numpy', () => {
    const { a, u } = recorded.factor;
    inverseFactor(Float64Array.from(a), 6)!.forEach((v, i) => expect(v).toBeCloseTo(u[i]!, 12));
    expect(inverseFactor(Float64Array.of(1, 2, 2, 1), 2)).toBeNull();
  });

  /** `|X (W - W_r)|^2`: what the product loses on the data. */
  function lossOf({ codes, scale, zeroPoint }: Blocks): number {
    let loss = 0;
    for (let row = 0; row < rows; row++)
      for (let c = 0; c < n; c++) {
        let sum = 0;
        for (let i = 0; i < k; i++) {
          const b = c * 5 + Math.floor(i / size);
          sum += x[row * k + i]! * (w[i * n + c]! - scale[b]! * (codes[c * k + i]! - zeroPoint[b]!));
        }
        loss += sum ** 2;
      }
    return loss;
  }

  async function quantized(symmetric: boolean): Promise<{ readonly blocks: Blocks; readonly facts: unknown }> {
    const { model, facts } = await quantizeAndWrite(modelOf(), {
      approach: 'weight-only',
      format: 'QLinear',
      calibration: inBatches,
      calibrationFile: 'calib.npz',
      weightOnly: { algorithm: 'GPTQ', blockSize: size, symmetric },
    });
    const read = async (name: string): Promise<Uint8Array> =>
      [...model.graph.initializers].find((value) => value.name === name)!.data!.read();
    const zeros = symmetric
      ? new Uint8Array(n * 5).fill(8)
      : // Five to a row, and one that fills the byte.
        unpackNibbles(await read('w_zero_point'), n * 6).filter((_, i) => i % 6 < 5);
    const scale = Float64Array.from(asFloat32(await read('w_scale')));
    return { blocks: { codes: unpackNibbles(await read('w_quantized'), n * k), scale, zeroPoint: zeros }, facts };
  }

  const [asymmetric, symmetric] = recorded.cases as [(typeof recorded.cases)[number], (typeof recorded.cases)[number]];

  test('codes, scales and zero points equal numpy', async () => {
    const { blocks, facts } = await quantized(false);
    expect(blocks.codes).toEqual(decoded(asymmetric.codes));
    expect(blocks.zeroPoint).toEqual(decoded(asymmetric.zero_point));
    const scale = asFloat32(decoded(asymmetric.scale));
    blocks.scale.forEach((s, i) => expect(Math.abs(s / scale[i]! - 1)).toBeLessThan(1e-5));
    expect(facts).toMatchObject({ calibration: { method: 'GPTQ', samples: 3, file: 'calib.npz' } });
  });

  // The largest of a symmetric block lies half-way between two codes: the last digit decides, and all that follow.
  test.each([asymmetric, symmetric])(
    'loses what numpy loses, less than half of rounding: symmetric $symmetric',
    async (expected) => {
      const { blocks } = await quantized(expected.symmetric);
      const layout = { k, n, strideK: n, strideN: 1, size };
      const codes = { high: 15, symmetric: expected.symmetric };
      expect(Math.abs(lossOf(blocks) / expected.loss - 1)).toBeLessThan(expected.symmetric ? 0.2 : 1e-3);
      expect(lossOf(blocks)).toBeLessThan(lossOf(ALGORITHMS.RTN.fit({ values: w, layout, codes })) / 2);
    },
  );

  test('it needs calibration data', async () => {
    const options = { approach: 'weight-only', weightOnly: { algorithm: 'GPTQ' } } as const;
    await expect(quantizeAndWrite(modelOf(), options)).rejects.toMatchObject({ code: 'BadCalibrationData' });
  });
});
