/** Failures that name an option say it as the user wrote it: `--opset`, where the job file says `opset_version`. */
import { FerryError, isFailure } from '../shared/errors.ts';
import type { OptionValues } from './command.ts';

/** Options of jobs that have another name on the command line. */
const FLAGS: Readonly<Record<string, string>> = { opset_version: 'opset' };

export function asWritten(error: unknown, options: OptionValues): unknown {
  if (!isFailure(error, 'BadOption')) return error;
  const { option, ...details } = error.details;
  const flag = FLAGS[option] ?? option.replaceAll('_', '-');
  return options[flag] === undefined ? error : new FerryError('BadOption', { ...details, option: `--${flag}` }, error);
}
