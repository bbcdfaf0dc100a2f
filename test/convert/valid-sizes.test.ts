/**
 * Guards of real programs, as torch.export wrote them: what is said of them holds for the same sizes, by Python's own
 * verdict on PyTorch's own text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ValidSizes, validSizes } from '../../shared/convert/valid-sizes.ts';
import { type Condition, conditionText, holdsFor } from '../../shared/tensor/condition.ts';
import { symbol } from '../../shared/tensor/dim.ts';
import { parseCondition } from '../../shared/torch/condition-expression.ts';

interface Row {
  readonly name: string;
  /** Sizes of inputs written as the symbols they are recorded as. */
  readonly guards: readonly string[];
  readonly ranges: Readonly<Record<string, readonly [number | null, number | null]>>;
  /** Sizes in the order of `ranges`, and whether all guards hold. */
  readonly truth: readonly (readonly [readonly number[], boolean])[];
}

const rows = readFileSync(join(import.meta.dirname, 'guards.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

function read({ guards, ranges }: Pick<Row, 'guards' | 'ranges'>): ValidSizes {
  const conditions = guards.map((text): Condition => parseCondition(text)!);
  return validSizes({
    guards: { conditions, unread: [] },
    ranges: new Map(Object.entries(ranges).map(([name, [min, max]]) => [name, { min, max }])),
    renamed: new Map(),
  });
}

describe('what is said holds where the guards hold, and nowhere else', () => {
  test.each(rows.map((row) => [row.name, row] as const))('%s', (_name, row) => {
    expect(row.guards.filter((text) => parseCondition(text) === null)).toEqual([]);
    const { conditions, facts } = read(row);
    const names = Object.keys(row.ranges);
    for (const [numbers, expected] of row.truth) {
      const sizes = new Map(names.map((name, i) => [name, numbers[i]!]));
      const fixed = names.map((name) => [facts.normal(symbol(name)), sizes.get(name)]);
      const said =
        fixed.every(([only, size]) => typeof only !== 'number' || only === size) &&
        conditions.every((condition) => holdsFor(condition, sizes) === true);
      expect([...sizes, said]).toEqual([...sizes, expected]);
    }
  });
});

describe('what is said', () => {
  const said = (name: string): string[] => read(rows.find((row) => row.name === name)!).conditions.map(conditionText);
  const cases: Readonly<Record<string, readonly string[]>> = {
    mod: ['s97 % 2 == 0'],
    odd: ['s97 % 2 != 0'],
    gt: ['s97 >= 5'],
    lt: ['s97 <= 4'],
    ne: ['s97 != 7'],
    andd: ['s97 >= 6', 's98 % 3 == 0'],
    two: ['s97 >= 3', 's52 < s97'],
    neq2: ['s97 != 2*s52'],
    prod: ['s97*s98 > 20'],
    mx: ['max(s97, s98) > 5'],
    truediv: ['s97 >= 5'],
    floatg: ['0.7 * s97 > 3.0'],
    sq: ['sqrt(s97) > 2.0'],
    rnd: ['round(s97 / 3.0) == 2'],
    // Already in the shapes: one symbol for both, or twice the other.
    lst: [],
    eq2: [],
    // Nine guards of one reshape.
    min_pairs_unflatten: ['s27 >= 4', 's27 % 2 == 0'],
    // Fifteen of two attention layers.
    min_mha_cross_autobatch: ['s37 == s85'],
    // "This intermediate size is not 1", layer by layer: the last one says them all.
    'hf_resnet.dyn': ['s100 >= 33', 's4 >= 33'],
    'nn_ddpm_unet.dyn': ['s53 >= 3', 's0 >= 3', 's53 % 2 == 0', 's0 % 2 == 0'],
    'hf_convnext.dyn': ['s100 >= 64', 's4 >= 64'],
    // A size that can only be one number is that number in the type.
    min_view_other_batch2: [],
  };
  test.each(Object.entries(cases))('%s', (name, expected) => expect(said(name)).toEqual(expected));

  test('comes back from its text', () => {
    for (const row of rows)
      for (const condition of read(row).conditions)
        expect(conditionText(parseCondition(conditionText(condition))!)).toBe(conditionText(condition));
  });
});

test.each([
  ['equations that grow when put into each other', (i: number) => `s${i} == s${i + 1} + s${i + 2}*s${i + 3}`],
  ['divisions that might all cancel', (i: number) => `(s0*s1 + ${i}) % ${i + 2} == 0`],
])('hundreds of %s end soon', (_name, guard) => {
  const guards = Array.from({ length: 600 }, (_, i) => guard(i));
  const names = new Set(guards.join(' ').match(/s\d+/g));
  const ranges = Object.fromEntries([...names].map((name) => [name, [2, null] as const]));
  expect(read({ guards, ranges }).conditions).toHaveLength(600);
});

describe('a guard that is no size expression is not read', () => {
  test.each(['(s0 & -1 + s0) == 0', "L['x'].stride()[0] == 1", 's0', 's0 == ', 'f(s0) == 1', 'not_a(', "'a' == 'b'"])(
    '%s',
    (text) => expect(parseCondition(text)).toBeNull(),
  );
});

test('"not" takes in a comparison, "and" binds closer than "or"', () => {
  const at = (text: string, s: number) => holdsFor(parseCondition(text)!, new Map([['s', s]]));
  expect([1, 2, 3].map((s) => at('not s == 2', s))).toEqual([true, false, true]);
  expect([1, 2, 3, 4].map((s) => at('s == 1 or s > 2 and s % 2 == 0', s))).toEqual([true, false, false, true]);
});
