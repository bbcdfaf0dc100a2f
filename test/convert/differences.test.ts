/**
 * Where results are known to differ from PyTorch's on NaN, infinities, zeros and ties, and that nothing but this
 * differs. A difference that is gone is told: its line in docs/guarantees.md may go.
 */
import { describe, expect, test } from 'vitest';
import { problemOf, type RecordedCase, readCases } from './recorded-case.ts';

type Difference = RecordedCase & { readonly row: string; readonly differs: string };
const cases = readCases(new URL('differences.jsonc', import.meta.url)) as Difference[];
const rows = Map.groupBy(cases, ({ row }) => row);

describe.each([...rows])('%s', (_, found) => {
  test.each(found.map((c) => [c.op, c] as const))('%s', async (_op, { row, differs, ...recorded }) => {
    const problem = await problemOf(recorded, 21);
    if (problem === null) console.warn(`${row}: ${recorded.op} gives what PyTorch gives; its line may go`);
    else expect(problem).toBe(differs);
  });
});
