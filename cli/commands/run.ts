/** `torchferry run`: the whole pipeline on this machine, the same state machine that deploys. */
import { join } from 'node:path';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type LocalRun, runLocal } from '../../local/run.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import type { Command, Progress } from '../command.ts';
import { folderNames, modelFiles, pathsOf } from '../files.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { thisProcessor } from '../this-processor.ts';
import { text } from '../values.ts';

export const run: Command = {
  summary: 'run the whole pipeline: convert, quantize, validate, report',
  usage: 'torchferry run <model>... [-o DIR] [--job FILE] [--json]',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      describe: 'folder of the results; default: torchferry-out/<model name>',
    },
    job: { type: 'string', value: 'FILE', describe: 'a job file; its options win over the one beside the model' },
  },
  async run({ files, options, progress, signal }) {
    const models = pathsOf(modelFiles(files));
    const output = text(options, 'output');
    const folderOf = folderNames(models);
    return eachFile(models, { progress, options }, async (file) => {
      const outDir =
        models.length === 1 && output !== undefined ? output : join(output ?? 'torchferry-out', folderOf(file));
      const job = text(options, 'job');
      const {
        verdict,
        sentence,
        chosen,
        failure,
        failed,
        files: written,
        report,
      } = await runLocal({
        model: file,
        outDir,
        processor: thisProcessor(),
        signal,
        ...(job === undefined ? {} : { job }),
        onEvent: (event) => show(progress, event),
      });
      const lines = [`${verdict}: ${sentence}`, ...written.map((path) => `  ${path}`)];
      return {
        text: lines.join('\n'),
        facts: { verdict, sentence, chosen, failed, files: written, report },
        ...errorOf(failure, failed),
      };
    });
  },
};

/** A model that was asked for and is not there is a failure, whatever came out beside it. */
function errorOf(failure: LocalRun['failure'], failed: LocalRun['failed']): Pick<FileOutcome, 'error'> {
  if (failure) return { error: failure };
  if (failed.length === 0) return {};
  const message = failed.map(({ variant, message: text }) => `${variant}: ${text}`).join('; ');
  return { error: { code: failed[0]!.code, message } };
}

function show(progress: Progress, event: FerryEvent): void {
  if (event.kind === 'stage' && event.status === 'started')
    progress.step(`${STAGES[event.stage].doing}${event.variant ? ` ${event.variant}` : ''}`);
}
