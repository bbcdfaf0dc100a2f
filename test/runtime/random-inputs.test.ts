/** Made-up inputs: reproducible, safe as indices, and of sizes a program allows. */
import { describe, expect, test } from 'vitest';
import { firstSizes, otherSizes, randomFrom, randomInputs } from '../../shared/runtime/random-inputs.ts';
import type { Declared } from '../../shared/runtime/session.ts';
import { bindSizes, resized } from '../../shared/runtime/shapes.ts';
import { compare, type Condition, holdsFor } from '../../shared/tensor/condition.ts';
import { addDims, modDims, type Dim, mulDims, symbol } from '../../shared/tensor/dim.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { decodeNumbers } from '../../shared/tensor/numbers.ts';
import { tensor } from './models.ts';

const N = symbol('N');
const T = symbol('T');
const input = (name: string, dtype: Dtype, shape: readonly Dim[]): Declared => ({ name, type: { dtype, shape } });

describe('numbers', () => {
  const inputs = [
    input('f', 'float32', [1000]),
    input('i', 'int64', [1000]),
    input('b', 'bool', [1000]),
    input('h', 'float16', [4]),
  ];
  const draw = (seed: number) => randomInputs(inputs, new Map(), randomFrom(seed));
  const valuesOf = (name: string): number[] => [...decodeNumbers(draw(1).get(name)!.dtype, draw(1).get(name)!.memory)];

  test('the same for the same seed', () => {
    expect(Buffer.from(draw(1).get('f')!.memory).equals(draw(1).get('f')!.memory)).toBe(true);
    expect(Buffer.from(draw(1).get('f')!.memory).equals(draw(2).get('f')!.memory)).toBe(false);
  });
  test('integers and bools are 0 or 1', () => {
    for (const name of ['i', 'b']) expect([...new Set(valuesOf(name))].sort()).toEqual([0, 1]);
  });
  test('floats are standard normal', () => {
    const values = valuesOf('f');
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(variance - 1)).toBeLessThan(0.15);
  });
});

describe('sizes', () => {
  const inputs = [input('x', 'float32', [N, T]), input('y', 'float32', [mulDims(2, N)])];
  test('to begin with', () => {
    expect(firstSizes(inputs)).toEqual(
      new Map([
        ['N', 2],
        ['T', 16],
      ]),
    );
    expect(
      firstSizes(inputs, {
        ranges: new Map([
          ['N', { min: 3, max: null }],
          ['T', { min: 1, max: 8 }],
        ]),
      }),
    ).toEqual(
      new Map([
        ['N', 3],
        ['T', 8],
      ]),
    );
  });
  test('other ones: batches always, the rest where the program says what it allows', () => {
    const sizes = new Map([
      ['N', 2],
      ['T', 16],
    ]);
    expect(otherSizes(inputs, sizes)).toEqual(
      new Map([
        ['N', 3],
        ['T', 16],
      ]),
    );
    expect(
      otherSizes(inputs, sizes, {
        ranges: new Map([
          ['T', { min: 1, max: 16 }],
          ['N', { min: 2, max: 2 }],
        ]),
      }),
    ).toEqual(
      new Map([
        ['N', 2],
        ['T', 15],
      ]),
    );
    expect(otherSizes(inputs, sizes, { ranges: new Map([['N', { min: 2, max: 2 }]]) })).toBeNull();
    expect(otherSizes([input('x', 'float32', [4])], new Map())).toBeNull();
  });
  describe('meet the conditions of the program', () => {
    const [n, t] = [symbol('N'), symbol('T')];
    const cases: Readonly<Record<string, readonly Condition[]>> = {
      'a multiple': [compare('eq', modDims(n, 7), 0)],
      'not a multiple': [compare('ne', modDims(n, 2), 0)],
      'two at once': [compare('eq', modDims(mulDims(n, t), 35), 0), compare('lt', n, t)],
      'as large as another': [compare('eq', n, t)],
      'far away': [compare('le', 300, n), compare('eq', modDims(t, 9), 4)],
      'either or': [{ kind: 'any', of: [compare('eq', n, 5), compare('le', t, 3)] }],
    };
    test.each(Object.entries(cases))('%s', (_name, conditions) => {
      const ranges = new Map(['N', 'T'].map((name) => [name, { min: 1, max: null }]));
      const first = firstSizes(inputs, { conditions, ranges });
      const other = otherSizes(inputs, first, { conditions, ranges })!;
      for (const sizes of [first, other])
        expect(conditions.filter((condition) => holdsFor(condition, sizes) !== true)).toEqual([]);
      expect(other).not.toEqual(first);
    });
    test('and stay where no others do', () => {
      const only = [compare('eq', n, 2)];
      expect(otherSizes([input('x', 'float32', [n])], new Map([['N', 2]]), { conditions: only })).toBeNull();
    });
  });
  test('an expression that is only text is not followed', () => {
    expect(
      otherSizes(
        [input('x', 'float32', [N]), input('y', 'float32', [symbol('2*N')])],
        new Map([
          ['N', 2],
          ['2*N', 4],
        ]),
      ),
    ).toBeNull();
  });
  test('are read off tensors, through expressions too', () => {
    const declared = [input('a', 'float32', [addDims(mulDims(2, N), 1)]), input('b', 'float32', [N, T])];
    const tensors = new Map([
      ['a', tensor('float32', [5], [0, 0, 0, 0, 0])],
      ['b', tensor('float32', [2, 1], [0, 0])],
    ]);
    expect(bindSizes(declared, tensors)).toEqual({
      sizes: new Map([
        ['N', 2],
        ['T', 1],
      ]),
      problems: [],
    });
    const even = new Map([['a', tensor('float32', [4], [0, 0, 0, 0])]]);
    expect(bindSizes(declared, even).problems).toEqual(['"a" is float32[4], declared float32[2*N + 1]']);
  });
});

test('a tensor is repeated and cut to another size', () => {
  const x = tensor('int16', [2, 2], [1, 2, 3, 4]);
  expect([...decodeNumbers('int16', resized(x, [3, 1]).memory)]).toEqual([1, 3, 1]);
  expect([...decodeNumbers('int16', resized(x, [1, 3]).memory)]).toEqual([1, 2, 1]);
});
