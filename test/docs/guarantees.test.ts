/** docs/guarantees.md: every row names tests, or the cases that a test reads, and they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const rows = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| (?!---|where \|)/.test(line))
  .map((line) => line.split(/(?<!\\) \| /));

test('there are rows', () => expect(rows.length).toBeGreaterThan(20));

test.each(rows.map((cells) => [cells[0]!.slice(2), cells] as const))('%s', (_, cells) => {
  const named = [...cells.at(-1)!.matchAll(/`(test\/[^` ]+\.(?:test\.ts|jsonc))(?: › ([^`]+))?`/g)];
  expect(named).not.toEqual([]);
  for (const [, file, title] of named) {
    expect(existsSync(join(ROOT, file!)), file).toBe(true);
    if (title !== undefined) expect(readFileSync(join(ROOT, file!), 'utf8'), file).toContain(title);
  }
});
