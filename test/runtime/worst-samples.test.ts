/** The samples that are furthest off, by hand. */
import { expect, test } from 'vitest';
import { WorstSamples } from '../../shared/runtime/worst-samples.ts';

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

test('the worst five over all batches, and no equal one', () => {
  const worst = new WorstSamples();
  const actual = [
    [0, 3],
    [0, 0],
    [1, 0],
    [7, 0],
  ].flat();
  worst.add({ actual, reference: zeros(8), shape: [4, 2], isScores: false }, { first: 0, count: 4, rows: 4 });
  worst.add(
    { actual: [2, 0, -9, 0, 0, 0.5], reference: zeros(6), shape: [3, 2], isScores: false },
    { first: 4, count: 3, rows: 3 },
  );
  expect(worst.result()).toEqual([
    { sample: 5, maxAbsDiff: 9 },
    { sample: 3, maxAbsDiff: 7 },
    { sample: 0, maxAbsDiff: 3 },
    { sample: 4, maxAbsDiff: 2 },
    { sample: 2, maxAbsDiff: 1 },
  ]);
});

test('what one side alone cannot compute is the worst', () => {
  const worst = new WorstSamples();
  const reference = [0, NaN, NaN, 0];
  worst.add({ actual: [5, NaN, 0, Infinity], reference, shape: [4], isScores: false }, { first: 0, count: 4, rows: 4 });
  expect(worst.result()!.map(({ sample, maxAbsDiff }) => [sample, maxAbsDiff])).toEqual([
    [2, Infinity],
    [3, Infinity],
    [0, 5],
  ]);
});

test('rows that only fill a fixed batch are no samples', () => {
  const worst = new WorstSamples();
  worst.add(
    { actual: [1, 2, 9, 9], reference: zeros(4), shape: [4, 1], isScores: false },
    { first: 8, count: 2, rows: 4 },
  );
  expect(worst.result()!.map(({ sample }) => sample)).toEqual([9, 8]);
});

test('an output whose leading axis does not count samples says nothing of them', () => {
  const worst = new WorstSamples();
  worst.add({ actual: [1, 2, 3], reference: zeros(3), shape: [3], isScores: false }, { first: 0, count: 2, rows: 2 });
  expect(worst.result()).toBeNull();
});
