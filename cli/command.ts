/** What a command is: a row with its options, and a function over files. */
import type { Progress } from './progress.ts';

export type { Progress };

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** How the value is called in the help: `FILE`, `N`. */
  readonly value?: string;
  readonly describe: string;
}

export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

export interface Context {
  readonly files: readonly string[];
  readonly options: OptionValues;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One line for people and the same facts for machines. */
export interface Outcome {
  readonly text: string;
  readonly facts: unknown;
  /** The command ran to its end, but the work failed: exit code 1, the code on stderr. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Command {
  readonly usage: string;
  readonly options: Readonly<Record<string, Option>>;
  run(context: Context): Promise<Outcome>;
}
