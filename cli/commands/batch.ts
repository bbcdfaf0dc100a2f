/** `torchferry batch`: many models through the pipeline, with one report that lists failures first. */
import { runLocalBatch } from '../../local/many.ts';
import type { Criterion } from '../../shared/choices.ts';
import { fail } from '../../shared/errors.ts';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import type { Command } from '../command.ts';
import { criterionIn, criterionOptions } from '../criterion-options.ts';
import { readJobFile } from '../job-options.ts';
import { open, OPEN } from '../open.ts';
import { finishedIn, type Finished, JUNIT, missedBy, writeJunit } from '../reports.ts';
import { thisProcessor } from '../this-processor.ts';
import { number, text, wholeNumber } from '../values.ts';

export const batch: Command = {
  usage:
    'torchferry batch <folder|list.jsonl> [-o DIR] [--job FILE] [--concurrency N] [--tolerated-failures PERCENT] ' +
    '[--junit FILE] [--min-sqnr N] [--max-latency-ratio N] [--open] [--json]',
  options: {
    output: { type: 'string', short: 'o', value: 'DIR', describe: 'folder of the results; default: torchferry-out' },
    job: { type: 'string', value: 'FILE', describe: 'a job file for every model' },
    concurrency: {
      type: 'string',
      value: 'N',
      describe: 'stages at a time; default: 1, because stages side by side disturb measurements of latency',
    },
    'tolerated-failures': {
      type: 'string',
      value: 'PERCENT',
      describe: 'stop when more models fail; default: what the manifest says, else 100',
    },
    junit: JUNIT,
    open: OPEN,
    ...criterionOptions(),
  },
  async run({ files, options, progress, signal }) {
    const [models, ...more] = files;
    if (models === undefined || more.length)
      return fail('WrongUsage', {
        problem: `${files.length} files were given`,
        hint: 'give one folder or one manifest',
      });
    const criterion = criterionIn(options);
    const concurrency = wholeNumber(options, 'concurrency');
    if (concurrency === 0) fail('BadOption', { option: '--concurrency', value: '0', expected: 'at least 1' });
    const toleratedFailurePercentage = number(options, 'tolerated-failures');
    const { counts, report, index, failedManifest, failure } = await runLocalBatch({
      models,
      outDir: text(options, 'output') ?? 'torchferry-out',
      options: { ...(await readJobFile(text(options, 'job'))), ...(criterion ? { criterion } : {}) },
      processor: thisProcessor(),
      timeLimit: STAGE_SECONDS,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(toleratedFailurePercentage === undefined ? {} : { toleratedFailurePercentage }),
      signal,
      onEvent: (event) => {
        if (event.kind === 'event' && event.type.startsWith('model.conversion')) progress.note(lineOf(event.detail));
      },
    });
    const { models: all, pass, warn, fail: failed } = counts;
    const summary = `${all} models: ${pass} passed, ${warn} with a warning, ${failed} failed`;
    const finished = finishedIn(report);
    const missed = criterion ? finished.flatMap((each) => missedIn(each, criterion)) : [];
    const junit = text(options, 'junit');
    if (junit !== undefined) writeJunit(junit, finished, criterion);
    if (options['open']) open(index);
    const firstCode = finished.find((each) => each.error)?.error?.code ?? 'Error';
    const error =
      failure ??
      (failed ? { code: firstCode, message: `${summary}; see ${index}` } : null) ??
      (missed.length ? { ...missed[0]!, message: missed.map(({ message }) => message).join('; ') } : null);
    return {
      text: `${summary}\n  ${index}\n  ${report}`,
      facts: { counts, index, report, failedManifest, ...(error ? { error } : {}) },
      ...(error ? { error } : {}),
    };
  },
};

const missedIn = ({ file, report }: Finished, criterion: Criterion) =>
  report === null ? [] : (missedBy(file, report, criterion) ?? []);

/** What an event of the state machine, which is ours, says of a model. */
function lineOf(detail: unknown): string {
  const { model, result, failure } = detail as {
    readonly model: { readonly key: string };
    readonly result?: { readonly verdict?: string; readonly sentence?: string };
    readonly failure?: { readonly error: string };
  };
  const { verdict = 'fail', sentence = failure?.error ?? '' } = result ?? {};
  return `${model.key}: ${verdict}: ${sentence}`;
}
