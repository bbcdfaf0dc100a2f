/** What a deployment can choose stands in the pages: the options of the context in the README, the props in docs/cdk.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../infra/options.ts';
import { type Page, PAGES, ROOT } from './pages.ts';

/** The names in the first column of all tables of a page. */
const namesIn = ({ text }: Page): string[] =>
  [...text.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );
const page = (path: string): Page => PAGES.find((each) => each.path === path)!;

/** Of an interface there is nothing at run time. */
const PROPS = [...readFileSync(join(ROOT, 'infra/props.ts'), 'utf8').matchAll(/^  readonly (\w+)\?:/gm)].map(
  ([, name]) => name!,
);

test('options are in the README', () => {
  const named = namesIn(page('README.md'));
  expect(Object.keys(OPTIONS).filter((option) => !named.includes(option))).toEqual([]);
});

test('props are in docs/cdk.md, and no other', () => {
  expect(PROPS.length).toBeGreaterThan(10);
  expect(namesIn(page('docs/cdk.md')).toSorted()).toEqual(PROPS.toSorted());
});
