/** Symbolic dimensions: normal form, rounding functions and equality. */
import { describe, expect, test } from 'vitest';
import {
  addDims,
  ceilDivDims,
  type Dim,
  dimText,
  divideExactly,
  evaluateDim,
  floorDivDims,
  maxDims,
  minDims,
  modDims,
  mulDims,
  sameDim,
  subDims,
  substitute,
  symbol,
  symbolName,
  symbolsOf,
} from '../../shared/tensor/dim.ts';

const s = symbol('s');
const t = symbol('t');

const TEXTS: readonly (readonly [string, Dim, string])[] = [
  ['a sum collects terms', addDims(s, s, 3), '2*s + 3'],
  ['terms that cancel leave a number', subDims(addDims(s, 4), s), '4'],
  ['products distribute', mulDims(addDims(s, 1), 4), '4*s + 4'],
  ['factors commute', mulDims(t, s), 's*t'],
  ['exact division', floorDivDims(mulDims(6, s, t), mulDims(3, t)), '2*s'],
  ['whole multiples leave the floor', floorDivDims(addDims(mulDims(2, s), 3), 2), 's + 1'],
  ['the rest stays inside', floorDivDims(subDims(s, 1), 2), 'floordiv(s + 1, 2) - 1'],
  ['nested floors merge', floorDivDims(floorDivDims(s, 2), 4), 'floordiv(s, 8)'],
  ['a multiple has no remainder', modDims(mulDims(8, s), 4), '0'],
  ['comparable minimum', minDims(s, addDims(s, 1)), 's'],
  ['comparable maximum', maxDims(s, addDims(s, 1)), 's + 1'],
  ['numbers', floorDivDims(-7, 2), '-4'],
];

test.each(TEXTS)('%s', (_, dim, text) => expect(dimText(dim)).toBe(text));

describe('against numbers', () => {
  const forms: readonly (readonly [string, Dim, (s: number, t: number) => number])[] = [
    ['floordiv', floorDivDims(addDims(mulDims(3, s), t, -5), 4), (x, y) => Math.floor((3 * x + y - 5) / 4)],
    ['convolution', addDims(floorDivDims(subDims(addDims(s, 2), 3), 2), 1), (x) => Math.floor((x - 1) / 2) + 1],
    ['ceildiv', ceilDivDims(s, 3), (x) => Math.ceil(x / 3)],
    ['mod', modDims(addDims(s, t), 5), (x, y) => (x + y) % 5],
    ['min and max', addDims(minDims(s, t), maxDims(s, 7)), (x, y) => Math.min(x, y) + Math.max(x, 7)],
    ['product of sums', mulDims(addDims(s, 1), subDims(t, 2)), (x, y) => (x + 1) * (y - 2)],
  ];
  test.each(forms)('%s', (_, dim, reference) => {
    for (const [x, y] of [
      [1, 2],
      [2, 3],
      [9, 4],
      [17, 31],
      [100, 64],
    ] as const) {
      expect(
        evaluateDim(
          dim,
          new Map([
            ['s', x],
            ['t', y],
          ]),
        ),
      ).toBe(reference(x, y));
    }
  });
});

describe('equality', () => {
  test('different ways of writing one size', () => {
    expect(sameDim(addDims(floorDivDims(subDims(s, 3), 2), 1), floorDivDims(subDims(s, 1), 2))).toBe(true);
    expect(sameDim(mulDims(2, floorDivDims(s, 2)), s)).toBe(false);
    expect(sameDim(s, t)).toBe(false);
    expect(sameDim(subDims(s, modDims(s, 4)), mulDims(4, floorDivDims(s, 4)))).toBe(true);
  });
  test('exact division refuses a remainder', () => {
    expect(divideExactly(addDims(mulDims(2, s), 1), 2)).toBeNull();
    expect(divideExactly(mulDims(2, s), 2)).toEqual(s);
  });
});

test('substitution renames and evaluates', () => {
  const dim = floorDivDims(addDims(s, 1), 2);
  expect(dimText(substitute(dim, new Map([['s', symbol('batch')]])))).toBe('floordiv(batch + 1, 2)');
  expect([...symbolsOf(addDims(mulDims(s, t), 1))].sort()).toEqual(['s', 't']);
  expect(symbolName(s)).toBe('s');
  expect(symbolName(mulDims(2, s))).toBeNull();
});
