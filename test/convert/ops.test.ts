/**
 * Operators on arguments that the OpInfo corpus does not sample: edges, infinities, other types, negative axes, empty
 * tensors, symbolic sizes.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { problemOf, readCases } from './recorded-case.ts';

const FOLDER = new URL('./ops/', import.meta.url);
const OPSETS = [13, 21, 26];

describe.each(readdirSync(FOLDER).filter((f) => f.endsWith('.jsonc')))('%s', (file) => {
  const cases = readCases(new URL(file, FOLDER));
  test.each(cases.map((c, i) => [`${i + 1} ${c.op}`, c, i] as const))('%s', async (_, recorded, i) => {
    // Every opset over the cases of a file, one for each case: conversions differ by operator far more than by
    // argument.
    expect(await problemOf(recorded, OPSETS[i % OPSETS.length]!)).toBeNull();
  });
});
