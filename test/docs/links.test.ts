/** Links of the pages lead somewhere: to files of the project and to headings that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchorOf, type Page, PAGES, ROOT } from './pages.ts';

const linksOf = ({ text }: Page): string[] =>
  [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target]) => target!);

function isThere(page: Page, target: string): boolean {
  if (target.startsWith('https://')) return URL.canParse(target);
  const [path, anchor] = target.split('#') as [string, string?];
  const file = path === '' ? join(ROOT, page.path) : join(ROOT, dirname(page.path), path);
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)];
  return headings.some(([, heading]) => anchorOf(heading!) === anchor);
}

test('there are links', () => expect(PAGES.flatMap(linksOf).length).toBeGreaterThan(20));

test.each(PAGES.map((page) => [page.path, page] as const))('%s', (_, page) => {
  expect(linksOf(page).filter((target) => !isThere(page, target))).toEqual([]);
});

test('every page of docs/ is named in the README', () => {
  const readme = PAGES.find(({ path }) => path === 'README.md')!;
  const named = new Set(linksOf(readme));
  expect(PAGES.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !named.has(path))).toEqual([]);
});
