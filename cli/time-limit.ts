/** How long a model may run: it may hold a loop without an end. */
import type { Option, OptionValues } from './command.ts';
import { wholeNumber } from './values.ts';

export interface TimeLimit {
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
}

/** The option, and what it says. `what` has the limit: "each model". */
export const timeLimitOption = (what: string, seconds: number): { readonly 'time-limit': Option } => ({
  'time-limit': { type: 'string', value: 'SECONDS', describe: `for ${what}; default: ${seconds}` },
});

export const timeLimitIn = (options: OptionValues, seconds: number): number =>
  wholeNumber(options, 'time-limit') ?? seconds;
