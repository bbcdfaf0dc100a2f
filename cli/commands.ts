/** The commands, by name. */
import type { Command } from './command.ts';
import { batch } from './commands/batch.ts';
import { convert } from './commands/convert.ts';
import { inspect } from './commands/inspect.ts';
import { ops } from './commands/ops.ts';
import { quantize } from './commands/quantize.ts';
import { reprocess } from './commands/reprocess.ts';
import { run } from './commands/run.ts';
import { serve } from './commands/serve.ts';
import { status } from './commands/status.ts';
import { validate } from './commands/validate.ts';
import { watch } from './commands/watch.ts';

export const COMMANDS: Readonly<Record<string, Command>> = {
  convert,
  inspect,
  quantize,
  validate,
  run,
  batch,
  watch,
  serve,
  status,
  reprocess,
  ops,
};
