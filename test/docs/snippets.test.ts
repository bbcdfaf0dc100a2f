/** Blocks of TypeScript in the pages run as they stand, with the package's name for the sources. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { exampleFolder } from './example.ts';
import { blocksOf, PAGES, ROOT } from './pages.ts';

const SNIPPETS = PAGES.flatMap((page) => blocksOf(page, 'ts').map((code) => [page.path, code] as const));
const WRITTEN = /'([\w.-]+\.onnx)'/g;

test('there are some', () => expect(SNIPPETS.length).toBeGreaterThanOrEqual(2));

// Those of ARCHITECTURE.md show what code looks like; that of docs/cdk.md is run by test/package.
const NOT_RUN = ['ARCHITECTURE.md', 'docs/cdk.md'];
test.each(SNIPPETS.filter(([path]) => !NOT_RUN.includes(path)))('%s', { timeout: 120_000 }, async (_, code) => {
  const folder = await exampleFolder();
  const library = pathToFileURL(join(ROOT, 'library.ts')).href;
  writeFileSync(join(folder, 'snippet.mts'), code.replace("'torchferry'", `'${library}'`));
  const { status, stderr } = spawnSync(process.execPath, ['snippet.mts'], { cwd: folder, encoding: 'utf8' });
  expect([status, stderr.replaceAll(/^.*Warning.*$/gm, '').trim()]).toEqual([0, '']);
  for (const [, name] of code.matchAll(WRITTEN)) expect(existsSync(join(folder, name!)), name).toBe(true);
});
