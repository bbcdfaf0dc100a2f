/** What algorithms of weight-only quantization promise beyond rounding to nearest. */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../shared/quantize/weight-only/algorithms.ts';
import type { BlockLayout, Blocks } from '../../shared/tensor/blocks.ts';

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
