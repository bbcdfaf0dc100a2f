import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDecibels,
  formatDuration,
  formatMilliseconds,
  formatNumber,
  formatShare,
  formatShort,
  formatSizeChange,
  formatTime,
  formatValue,
} from '../../shared/report/format.ts';

const rows = <T>(format: (value: T) => string, cases: readonly (readonly [T, string])[]): void => {
  test.each(cases.map(([value, text]) => [Object.is(value, -0) ? '-0' : String(value), value, text] as const))(
    `${format.name} of %s`,
    (_, value, text) => {
      expect(format(value)).toBe(text);
    },
  );
};

describe('numbers for people', () => {
  rows(formatNumber, [
    [3.1e-6, '3.1e-6'],
    [3.14159e-6, '3.14e-6'],
    [0.00123456, '0.00123'],
    [0.0009999, '0.00100'],
    [0.412, '0.412'],
    [1, '1.00'],
    [29.4, '29.4'],
    [121.4, '121'],
    [999.9, '1,000'],
    [12345.6, '12,346'],
    [12_345_678, '1.23e7'],
    [-0.412, '−0.412'],
    [-3.1e-6, '−3.1e-6'],
    [0, '0'],
    [-0, '0'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
    [5e-324, '5e-324'],
    [null, '–'],
  ]);
  rows(formatShort, [
    [1e-4, '1e-4'],
    [1e-3, '0.001'],
    [0.5, '0.5'],
    [15, '15'],
    [-2, '−2'],
    [-0, '0'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [25_000_000, '2.5e7'],
  ]);
  rows(formatCount, [
    [0, '0'],
    [-0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [25_557_032, '25,557,032'],
    [-1234, '−1,234'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
  ]);
  rows(formatBytes, [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [97_823_441, '97.8 MB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [102_540_417, '103 MB'],
    [2_950_000_000, '2.95 GB'],
    [1.5e12, '1.50 TB'],
    [null, '–'],
  ]);
  rows(formatMilliseconds, [
    [0, '0 ms'],
    [8.15, '8.15 ms'],
    [84, '84.0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [1234, '1.23 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [NaN, 'NaN ms'],
    [null, '–'],
  ]);
  rows(formatDuration, [
    [0.5, '0.500 s'],
    [4.123, '4.12 s'],
    [59.6, '1 min 0 s'],
    [125, '2 min 5 s'],
    [5400, '1 h 30 min'],
    [86_399, '24 h 0 min'],
    [500_400, '5 d 19 h'],
    [8_640_000, '100 d 0 h'],
  ]);
  rows(formatShare, [
    [0, '0 %'],
    [-0, '0 %'],
    [1, '100 %'],
    [341 / 360, '94.7 %'],
    [0.9996, '99.96 %'],
    [0.9994, '99.9 %'],
    [0.99996, '99.996 %'],
    [0.0001, '0.01 %'],
    [1.2, '120.0 %'],
    [NaN, 'NaN'],
    [null, '–'],
  ]);
  rows(formatDecibels, [
    [29.4, '29.4 dB'],
    [-3.2, '−3.20 dB'],
    [Infinity, '∞ dB'],
    [null, '–'],
  ]);
  rows(formatTime, [
    ['2026-01-15T09:30:00.000Z', '2026-01-15 09:30 UTC'],
    ['yesterday', 'yesterday'],
    ['', ''],
  ]);
});

test.each([
  [97_823_441, 25_611_203, '3.8x smaller'],
  [100, 100, 'the same size'],
  [100, 110, '1.1x larger'],
  [105, 100, '1.05x smaller'],
  [1000, 100, '10.0x smaller'],
  [100, 0, 'of another size'],
])('formatSizeChange from %i to %i', (before, after, text) => {
  expect(formatSizeChange(before, after)).toBe(text);
});

test.each<[unknown, string]>([
  ['embed', 'embed'],
  [1e-4, '1e-4'],
  [NaN, 'NaN'],
  [true, 'true'],
  [null, 'null'],
  [undefined, 'undefined'],
  [['a', 1], 'a, 1'],
  [[], 'none'],
  [{ a: [1n, Infinity] }, '{"a":["1","Infinity"]}'],
])('formatValue of %o', (value, text) => {
  expect(formatValue(value)).toBe(text);
});
