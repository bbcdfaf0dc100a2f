/** The page without a server is one file that needs nothing of Node and asks nothing of anybody. */
import { globSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildPage } from '../../browser/build.ts';

const ROOT = join(import.meta.dirname, '../..');

test('is built into one file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'page-'));
  try {
    // Fails where a file that the page reaches imports a module of Node.
    await buildPage(folder);
    expect(await readdir(folder)).toEqual(['index.html']);
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
    expect(policy).toMatch(
      /^default-src &#39;none&#39;; script-src &#39;sha256-[\w+/]+=&#39; &#39;wasm-unsafe-eval&#39;; worker-src blob:;/,
    );
    expect(policy).not.toMatch(/connect-src|https?:|\*/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('files with a second form for browsers are those that package.json names', async () => {
  const { browser } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { browser: object };
  const forms = globSync('shared/**/*-web.ts', { cwd: ROOT }).map((web) => [
    `./${web.replace('-web', '')}`,
    `./${web}`,
  ]);
  expect(browser).toEqual(Object.fromEntries(forms));
});
