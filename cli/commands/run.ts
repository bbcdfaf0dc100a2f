/** `torchferry run`: the whole pipeline on this machine, the same state machine that deploys. */
import { join } from 'node:path';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { writeIndex } from '../../local/index-page.ts';
import { type LocalRun, type LocalRunOptions, runLocal } from '../../local/run.ts';
import { STAGE_SECONDS } from '../../local/stage-process.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { type Criterion, DEFAULT_DTYPES } from '../../shared/choices.ts';
import { checkJob } from '../../shared/pipeline/job/parse-job.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { ASKED_RECIPES } from '../../shared/quantize/recipe.ts';
import type { Command, OptionValues, Progress } from '../command.ts';
import { criterionIn, criterionOptions } from '../criterion-options.ts';
import { folderNames, modelFiles, pathsOf } from '../files.ts';
import { open, OPEN } from '../open.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { type Finished, itemOf, JUNIT, missedBy, noted, writeJunit } from '../reports.ts';
import { thisProcessor } from '../this-processor.ts';
import { timeLimitIn, timeLimitOption } from '../time-limit.ts';
import { TUNING_OPTIONS, tuningOptions } from '../tuning-options.ts';
import { names, text, wholeNumber } from '../values.ts';

export const run: Command = {
  usage:
    'torchferry run <model>... [-o DIR] [--dtype fp32,int8] [--opset N] [--calibration NPZ] [--test-data NPZ] ' +
    '[--labels NAME] [--recipe auto [--max-drop N]] [--job FILE] [--junit FILE] [--max-top1-drop N] ' +
    '[--min-top1-agreement N] [--min-sqnr N] [--max-latency-ratio N] [--max-size-ratio N] [--open] [--json]',
  options: {
    output: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      describe: 'folder of the results; default: torchferry-out/<model name>',
    },
    job: { type: 'string', value: 'FILE', describe: 'a job file; its options win over the one beside the model' },
    dtype: { type: 'string', value: 'A,B', describe: `which models to make; default: ${DEFAULT_DTYPES.join(',')}` },
    opset: { type: 'string', value: 'N', describe: 'ONNX opset of the models' },
    calibration: { type: 'string', value: 'NPZ', describe: 'representative inputs, to quantize statically' },
    'test-data': { type: 'string', value: 'NPZ', describe: 'inputs and labels, to measure accuracy' },
    labels: { type: 'string', value: 'NAME', describe: 'array of labels in the test data; default: y' },
    ...timeLimitOption('each quantization and each validation', STAGE_SECONDS),
    recipe: { type: 'string', value: 'NAME', describe: `of INT8: ${ASKED_RECIPES.join(', ')}` },
    ...TUNING_OPTIONS,
    junit: JUNIT,
    open: OPEN,
    ...criterionOptions(),
  },
  async run({ files, options, progress, signal }) {
    const models = pathsOf(modelFiles(files));
    const top = text(options, 'output') ?? 'torchferry-out';
    const isOne = models.length === 1;
    const folderOf = folderNames(models);
    const criterion = criterionIn(options);
    const how = {
      ...runOptions(options, criterion),
      processor: thisProcessor(),
      signal,
      timeLimit: timeLimitIn(options, STAGE_SECONDS),
    };
    const finished: Finished[] = [];
    const outcome = await eachFile(models, { progress, options }, (file) =>
      noted(file, finished, async () => {
        if (!isOne) progress.step(`${finished.length + 1} of ${models.length} models: ${file}`);
        const outDir = isOne && text(options, 'output') !== undefined ? top : join(top, folderOf(file));
        return outcomeOf(
          file,
          await runLocal({ ...how, model: file, outDir, onEvent: isOne ? show(progress) : () => {} }),
          criterion,
        );
      }),
    ).finally(() => {
      const junit = text(options, 'junit');
      if (junit !== undefined && finished.length) writeJunit(junit, finished, criterion);
    });
    const index = isOne
      ? null
      : await writeIndex(
          top,
          finished.map((each) => itemOf(each, top)),
          { id: '', now: Date.now() },
        );
    const page = index ?? finished[0]?.report ?? null;
    if (options['open'] && page !== null) open(page);
    return index === null
      ? outcome
      : { ...outcome, text: `${outcome.text}\n  ${index}`, facts: { ...(outcome.facts as object), index } };
  },
};

function runOptions(
  options: OptionValues,
  criterion: Criterion | null,
): Pick<LocalRunOptions, 'job' | 'options' | 'data'> {
  const job = text(options, 'job');
  return {
    ...(job === undefined ? {} : { job }),
    options: { ...jobOptions(options), ...(criterion ? { criterion } : {}) },
    data: dataOptions(options),
  };
}

/** A limit of the command line that is missed is a failure, beside a report that says what to do. */
function outcomeOf(
  file: string,
  { verdict, sentence, chosen, failure, failed, files, report }: LocalRun,
  criterion: Criterion | null,
): FileOutcome & Pick<Finished, 'report' | 'failed'> {
  const lines = [`${verdict}: ${sentence}`, ...files.map((path) => `  ${path}`)];
  const known = errorOf(failure, failed);
  const missed = !known.error && criterion && report !== null ? missedBy(file, report, criterion) : null;
  return {
    text: lines.join('\n'),
    facts: { verdict, sentence, chosen, failed, files, report },
    ...(missed ? { error: missed } : known),
    report,
    failed: failed.map(({ variant }) => variant),
  };
}

/** Checked as a job file is, in the words of the command line. */
function jobOptions(options: OptionValues): JobFile {
  const opset = wholeNumber(options, 'opset');
  const dtype = names(options, 'dtype');
  const [labels, recipe] = [text(options, 'labels'), text(options, 'recipe')];
  return checkJob('the command line', {
    ...(dtype === null ? {} : { dtype }),
    ...(opset === undefined ? {} : { opset_version: opset }),
    ...(labels === undefined ? {} : { labels }),
    ...(recipe === undefined ? {} : { recipe }),
    ...tuningOptions(options),
  });
}

function dataOptions(options: OptionValues): NonNullable<LocalRunOptions['data']> {
  const [calibration, testData] = [text(options, 'calibration'), text(options, 'test-data')];
  for (const path of [calibration, testData]) if (path !== undefined) fileSource(path).close();
  return {
    ...(calibration === undefined ? {} : { calibration }),
    ...(testData === undefined ? {} : { test_data: testData }),
  };
}

/** A model that was asked for and is not there is a failure, whatever came out beside it. */
function errorOf(failure: LocalRun['failure'], failed: LocalRun['failed']): Pick<FileOutcome, 'error'> {
  if (failure) return { error: failure };
  if (failed.length === 0) return {};
  const message = failed.map(({ variant, message: text }) => `${variant}: ${text}`).join('; ');
  return { error: { code: failed[0]!.code, message } };
}

const show =
  (progress: Progress) =>
  (event: FerryEvent): void => {
    if (event.kind === 'stage' && event.status === 'started')
      progress.step(`${STAGES[event.stage].doing}${event.variant ? ` ${event.variant}` : ''}`);
    if (event.kind === 'log' && 'trial' in event.facts) progress.step(event.message);
  };
