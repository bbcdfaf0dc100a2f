/** What stands in the pages for readers: their links, their blocks of code, and what they say of the command line. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

export const PAGES: readonly Page[] = [
  ...globSync(['*.md', 'docs/*.md', 'examples/**/*.md'], { cwd: ROOT })
    .sort()
    .map((path) => path.replaceAll('\\', '/')),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

/** Blocks of code in one language. */
export const blocksOf = ({ text }: Page, language: string): readonly string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, found, code]) => (found === language ? [code!] : []));

/** Lines of blocks for a shell, without comments. */
export const commandsOf = (page: Page): readonly string[] =>
  blocksOf(page, 'sh')
    .flatMap((code) => code.split('\n'))
    .map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The words of a command as a shell makes them; quotes are all that our pages use of its grammar. */
export const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain!);

/** As GitHub makes it of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
