/**
 * Commands of the pages: those of torchferry that need no network are run, page by page, on the digits example; the
 * others are parsed by the tables of commands, scripts and options that they name.
 */
import { copyFileSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { COMMANDS as NAMED } from '../../cli/commands.ts';
import { OPTIONS } from '../../infra/options.ts';
import { checkJob } from '../../shared/pipeline/job/parse-job.ts';
import { type Printed, printed } from '../cli/in-process.ts';
import { exampleFolder } from './example.ts';
import { blocksOf, commandsOf, type Page, PAGES, ROOT, wordsOf } from './pages.ts';

const SCRIPTS = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
);

/** It waits for a browser. */
const NOT_RUN: ReadonlySet<string> = new Set(['serve']);
/** Written as in the help: choices, options in brackets, names in angles. */
const isUsage = (command: string): boolean => /[[<|]/.test(command);

const COMMANDS = Object.fromEntries(
  await Promise.all(Object.entries(NAMED).map(async ([name, { load }]) => [name, await load()] as const)),
);

const isRun = (words: readonly string[]): boolean =>
  words[0] === 'torchferry' && !NOT_RUN.has(words[1]!) && !words.includes('--stack');

/** Whatever a command line names must be there: commands, options, scripts, files, options of a deployment. */
function problemOf(command: string): string | null {
  const words = wordsOf(command);
  const [program, ...args] = words[0] === 'npx' ? words.slice(1) : words;
  return PARSERS[program!]?.(args) ?? (PARSERS[program!] ? null : `no table knows "${program}"`);
}

const PARSERS: Readonly<Record<string, (args: readonly string[]) => string | null>> = {
  torchferry: ([name = '', ...args]) => {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : null;
    if (!command) return `there is no command "${name}"`;
    const options = Object.fromEntries(
      Object.entries(command.options).map(([option, { type, short }]) => [
        option,
        { type, ...(short ? { short } : {}) },
      ]),
    );
    try {
      parseArgs({
        args,
        options: { ...options, json: { type: 'boolean' }, quiet: { type: 'boolean' } },
        allowPositionals: true,
      });
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  },
  npm: ([verb, name]) => {
    if (verb === 'run') return SCRIPTS.includes(name!) ? null : `there is no script "${name}"`;
    return ['ci', 'start', 'test', 'pack', 'install'].includes(verb!) ? null : `npm has no "${verb}" here`;
  },
  cdk: (args) => {
    const given = args.flatMap((arg, i) => (args[i - 1] === '-c' ? [arg.split('=')[0]!] : []));
    const unknown = given.filter((name) => name !== 'stackName' && !Object.hasOwn(OPTIONS, name));
    return unknown.length ? `there is no option ${unknown.join(', ')}` : null;
  },
  // Of AWS's own command line only the words that are ours can be known: those of a state machine's input.
  aws: (args) => {
    const input = args[args.indexOf('--input') + 1];
    if (!args.includes('--input')) return null;
    const unknown = Object.keys(JSON.parse(input!) as object).filter(
      (name) => !['bucket', 'key', 'prefix', 'manifest', 'options'].includes(name),
    );
    return unknown.length ? `the machine knows no ${unknown.join(', ')}` : null;
  },
  cp: () => null,
};

const PAGES_WITH_COMMANDS = PAGES.filter((page) => commandsOf(page).length > 0).map(
  (page) => [page.path, page] as const,
);

test('there are commands', () => expect(PAGES.flatMap(commandsOf).length).toBeGreaterThan(25));

describe('are known to the tables', () => {
  test.each(PAGES_WITH_COMMANDS)('%s', (_, page) => {
    const commands = commandsOf(page)
      .flatMap((line) => line.split(' && '))
      .map((line) => line.replace(/^(?:[A-Z_]+=\S+ )+/, ''))
      .filter((command) => !isUsage(command.replaceAll(/'[^']*'/g, '')));
    expect(commands.flatMap((command) => problemOf(command) ?? [])).toEqual([]);
  });

  /** Options in running text and tables: `torchferry convert ... --opset N`. */
  test.each(PAGES.map((page) => [page.path, page] as const))('%s, in its text', (_, page) => {
    const spans = [...page.text.matchAll(/`(?:npx )?torchferry ([a-z]+)([^`]*)`/g)];
    const wrong = spans.flatMap(([, name, rest]) => {
      const command = COMMANDS[name!];
      if (!command) return [`torchferry ${name}`];
      const known = new Set([...Object.keys(command.options), 'json', 'quiet', 'help']);
      return [...rest!.matchAll(/--([a-z-]+[a-z])/g)].flatMap(([, option]) =>
        known.has(option!) ? [] : [`torchferry ${name} --${option}`],
      );
    });
    expect(wrong).toEqual([]);
  });
});

test.each(PAGES.flatMap((page) => blocksOf(page, 'json').map((code, i) => [page.path, i, code] as const)))(
  'job %i of %s is one',
  (path, _, code) => expect(() => checkJob(String(path), JSON.parse(code))).not.toThrow(),
);

describe('are run', () => {
  const before = process.cwd();

  test.each(PAGES_WITH_COMMANDS.filter(([, page]) => runnable(page).length > 0))(
    '%s',
    async (_, page) => {
      try {
        process.chdir(await exampleFolder());
        for (const command of runnable(page)) {
          const [program, ...args] = wordsOf(command);
          if (program === 'cp') copyFileSync(args[0]!, args[1]!);
          else
            expect([command, await (args[0] === 'watch' ? watched(args) : printed(...args))]).toEqual([
              command,
              expect.objectContaining({ code: 0 }),
            ]);
        }
      } finally {
        process.chdir(before);
      }
    },
    300_000,
  );
});

const runnable = (page: Page): string[] =>
  page.path.startsWith('docs/')
    ? commandsOf(page).filter((command) => isRun(wordsOf(command)) || command.startsWith('cp '))
    : [];

/** Until both models have results, then Ctrl-C. */
async function watched(args: readonly string[]): Promise<Printed> {
  const running = printed(...args);
  const results = args[args.indexOf('-o') + 1]!;
  await vi.waitUntil(() => globSync(`${results}/**/latest.json`).length === 2, { timeout: 120_000, interval: 200 });
  process.emit('SIGINT');
  return running;
}
