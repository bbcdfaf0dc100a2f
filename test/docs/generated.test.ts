/** Pages that are made of tables say what the tables say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PAGES } from '../../docs/generate.ts';
import { FAILURE_CODES } from '../../shared/errors.ts';
import { CONVERTERS } from '../../shared/convert/registry.ts';
import { ROOT } from './pages.ts';

test.each(Object.entries(PAGES))('%s is what "npm run docs" writes', (name, page) => {
  expect(readFileSync(join(ROOT, 'docs', name), 'utf8') === page(), `run "npm run docs" for docs/${name}`).toBe(true);
});

test('every code has its words and its next step', () => {
  const page = PAGES['troubleshooting.md']!();
  expect(
    FAILURE_CODES.filter((code) => !new RegExp(`^## ${code}\\n\\n> .+\\n(> .*\\n)*\\n.+`, 'm').test(page)),
  ).toEqual([]);
  expect(page).not.toMatch(/undefined|\[object|NaN/);
});

test('every operator has its row', () => {
  const page = PAGES['operators.md']!();
  const missing = [...CONVERTERS.keys()].filter((target) => !page.includes(`| \`${/::([^.]+)/.exec(target)![1]}\` |`));
  expect(missing).toEqual([]);
});
