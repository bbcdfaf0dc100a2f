/** How long a model may run: it may hold a loop without an end. */
import { extname } from 'node:path';
import { inChild } from '../local/child.ts';
import type { Advance } from '../shared/bytes/advance.ts';
import type { Option, OptionValues } from './command.ts';
import { wholeNumber } from './values.ts';

export interface TimeLimit {
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
}

/** Hears what the work tells, too: how far it is, where nothing else is said. */
export interface TimedWork<Told = Advance> extends TimeLimit {
  readonly tell: (told: Told) => void;
}

/**
 * Work on a model in a process of its own; `name` is that of a module beside this one. Fails with LimitExceeded when
 * the time is over; nothing of the work goes on then.
 */
export const inTime = <T, Told = Advance>(
  name: string,
  task: { readonly model: string },
  { tell, ...limit }: TimedWork<Told>,
): Promise<T> =>
  inChild<T>({
    // The sources and what is built of them have other extensions.
    module: new URL(`./${name}${extname(import.meta.url)}`, import.meta.url),
    task,
    about: task.model,
    doing: 'running it',
    ...limit,
    // As told by the modules of that kind.
    onTold: (told) => tell(told as Told),
  });

/** The option, and what it says. `what` has the limit: "each model". */
export const timeLimitOption = (what: string, seconds: number): { readonly 'time-limit': Option } => ({
  'time-limit': { type: 'string', value: 'SECONDS', describe: `for ${what}; default: ${seconds}` },
});

export const timeLimitIn = (options: OptionValues, seconds: number): number =>
  wholeNumber(options, 'time-limit') ?? seconds;
