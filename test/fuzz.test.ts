/** A small part of `npm run fuzz`: damaged inputs end typed or right, in time, in little memory. */
import { expect, test } from 'vitest';
import { fuzz, isFine } from '../bench/fuzz/run.ts';

test('damaged inputs of every kind', { timeout: 120_000 }, async () => {
  const cases = await fuzz({ count: 112, seed: 1 });
  expect(cases).toHaveLength(112);
  expect(cases.filter((found) => !isFine(found))).toEqual([]);
  // Damage that nothing notices, or that nothing survives, would say little.
  for (const ending of ['right', 'refused']) expect(cases.map((found) => found.ending)).toContain(ending);
});
