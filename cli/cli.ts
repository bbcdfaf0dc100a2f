/**
 * The command line: finds the command, parses its options, prints the outcome. Exit 0 done, 1 a typed failure, 2 wrong
 * usage.
 */
import { parseArgs } from 'node:util';
import { asFailure, fail, type FailureCode, isFailure } from '../shared/errors.ts';
import { didYouMean, nearest } from '../shared/nearest.ts';
import { VERSION } from '../shared/version.ts';
import { asWritten } from './as-written.ts';
import type { Command, OptionValues } from './command.ts';
import { COMMANDS } from './commands.ts';
import { commandHelp, generalHelp } from './help.ts';
import { makeProgress, silent } from './progress.ts';

const COMMON = {
  json: { type: 'boolean', describe: 'print one JSON document instead of text' },
  quiet: { type: 'boolean', describe: 'say nothing on the way: only results and failures' },
  help: { type: 'boolean', short: 'h', describe: 'show this help' },
} as const;

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** What another command line mends. */
const USAGE: ReadonlySet<FailureCode> = new Set(['WrongUsage', 'BadOption', 'BadOutput']);

/** Runs one command line and returns its exit code. */
export async function cli(argv: readonly string[]): Promise<number> {
  const json = flagsOf(argv).includes('--json');
  const [name, ...rest] = argv[0] === '--json' ? [...argv.slice(1), '--json'] : argv;
  const say = (what: string, text: string): number => (json ? printJson({ [what]: text }) : print(text));
  if (name === '--version' || name === '-v') return say('version', VERSION);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help')
    return say('help', generalHelp(COMMANDS));
  const progress = json || flagsOf(argv).includes('--quiet') ? silent : makeProgress();
  const interrupted = interruption();
  const { signal } = interrupted;
  try {
    const { summary, load } = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : unknownCommand(name);
    const command = await load();
    const { values, positionals } = parse(command, rest);
    if (values['help'])
      return say('help', commandHelp(name, { summary, ...command, options: { ...command.options, ...COMMON } }));
    const outcome = await command.run({ files: positionals, options: values, progress, signal }).catch((error) => {
      throw asWritten(error, values);
    });
    progress.end(outcome.error ? 'failed' : 'done');
    if (json) printJson(outcome.facts);
    else print(outcome.text);
    if (!outcome.error) return EXIT.done;
    process.stderr.write(`torchferry: ${outcome.error.code}: ${outcome.error.message}\n`);
    return EXIT.failed;
  } catch (error) {
    progress.end('failed');
    if (signal.aborted) {
      const message = 'interrupted; nothing half-written is left';
      if (json) printJson({ error: { code: 'Interrupted', message } });
      process.stderr.write(`torchferry: ${message}\n`);
      return interrupted.code;
    }
    return report(asFailure(error), { json });
  } finally {
    interrupted.end();
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}

const printJson = (value: unknown): number => print(JSON.stringify(value, null, 2));

function unknownCommand(name: string): never {
  return fail('WrongUsage', {
    problem: `there is no command "${name}"`,
    hint: didYouMean(name, Object.keys(COMMANDS)) || `commands: ${Object.keys(COMMANDS).join(', ')}`,
  });
}

function parse(command: Command, args: readonly string[]): { values: OptionValues; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, ...COMMON }).map(([name, { type, ...more }]) =>
      ['short' in more && more.short ? [name, { type, short: more.short }] : [name, { type }]].flat(),
    ),
  ) as Record<string, { type: 'string' | 'boolean'; short?: string }>;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return { values: values as OptionValues, positionals };
  } catch (error) {
    return fail(
      'WrongUsage',
      problemWith(args, Object.keys(options)) ?? { problem: (error as Error).message, hint: command.usage },
      error,
    );
  }
}

/** What may be an option: after `--` everything is a file. */
function flagsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end < 0 ? args : args.slice(0, end);
}

/** An option that is not there, with the nearest that is. */
function problemWith(args: readonly string[], known: readonly string[]): { problem: string; hint: string } | null {
  const written = flagsOf(args).flatMap((arg) => /^--([^=]+)/.exec(arg)?.[1] ?? []);
  const unknown = written.find((name) => !known.includes(name));
  if (unknown === undefined) return null;
  const all = `the options are ${known.map((name) => `--${name}`).join(', ')}`;
  const near = nearest(unknown, known, 1)[0];
  return { problem: `there is no option "--${unknown}"`, hint: near === undefined ? all : `did you mean "--${near}"?` };
}

/** What ends the work, with the exit code that shells expect: 128 and the number of the signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

interface Interruption {
  readonly signal: AbortSignal;
  /** 0 while nothing came. */
  readonly code: number;
  /** No longer listen. */
  end(): void;
}

/** Ends the work at its next step, which removes what was half written; a second signal ends the process. */
function interruption(): Interruption {
  const controller = new AbortController();
  const state = { code: 0 };
  const heard = Object.entries(SIGNALS).map(([name, code]) => {
    const stop = (): void => {
      state.code ||= code;
      controller.abort();
    };
    process.once(name, stop);
    return () => process.off(name, stop);
  });
  return {
    signal: controller.signal,
    get code() {
      return state.code;
    },
    end: () => heard.forEach((forget) => forget()),
  };
}

function report(error: unknown, { json }: { json: boolean }): number {
  if (!isFailure(error)) {
    // Whoever reads the document reads that it is a fault of ours; whoever mends it reads where.
    if (json) printJson({ error: { code: 'Error', message: error instanceof Error ? error.message : String(error) } });
    throw error;
  }
  const { code, message, details } = error;
  if (json) printJson({ error: { code, message, details } });
  process.stderr.write(`torchferry: ${code}: ${message}\n`);
  return USAGE.has(code) ? EXIT.usage : EXIT.failed;
}
