/** `torchferry watch`: convert what appears in a folder, until it is interrupted. */
import { watchInbox } from '../../local/inbox.ts';
import { fail } from '../../shared/errors.ts';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import type { Command } from '../command.ts';
import { thisProcessor } from '../this-processor.ts';
import { text } from '../values.ts';

export const watch: Command = {
  usage: 'torchferry watch <folder> [-o DIR]',
  options: {
    output: { type: 'string', short: 'o', value: 'DIR', describe: 'folder of the results; default: torchferry-out' },
  },
  async run({ files, options, progress, signal }) {
    const [inbox, ...more] = files;
    if (inbox === undefined || more.length)
      return fail('WrongUsage', { problem: `${files.length} folders were given`, hint: 'give one folder to watch' });
    const outDir = text(options, 'output') ?? 'torchferry-out';
    const outcomes: { key: string; status: string }[] = [];
    progress.note(`watching ${inbox}, results in ${outDir}; Ctrl-C ends it`);
    await watchInbox({
      inbox,
      outDir,
      signal,
      processor: thisProcessor(),
      timeLimit: STAGE_SECONDS,
      onOutcome: (key, { status }) => {
        outcomes.push({ key, status });
        progress.note(`${key}: ${status === 'SUCCEEDED' ? 'done' : 'failed'}`);
      },
    });
    return { text: `${outcomes.length} models converted`, facts: { outcomes } };
  },
};
