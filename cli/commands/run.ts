/** `torchferry run`: the whole pipeline on this machine, the same state machine that deploys. */
import { join } from 'node:path';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type LocalRun, type LocalRunOptions, runLocal } from '../../local/run.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { DEFAULT_DTYPES } from '../../shared/choices.ts';
import { checkJob } from '../../shared/pipeline/job/parse-job.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import type { Command, OptionValues, Progress } from '../command.ts';
import { folderNames, modelFiles, pathsOf } from '../files.ts';
import { eachFile, type FileOutcome } from '../outcomes.ts';
import { thisProcessor } from '../this-processor.ts';
import { names, text, wholeNumber } from '../values.ts';

export const run: Command = {
  summary: 'run the whole pipeline: convert, quantize, validate, report',
  usage:
    'torchferry run <model>... [-o DIR] [--dtype fp32,int8] [--opset N] [--calibration NPZ] [--test-data NPZ] ' +
    '[--labels NAME] [--job FILE] [--json]',
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
  },
  async run({ files, options, progress, signal }) {
    const models = pathsOf(modelFiles(files));
    const output = text(options, 'output');
    const folderOf = folderNames(models);
    const wanted = jobOptions(options);
    const data = dataOptions(options);
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
        options: wanted,
        data,
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

/** Checked as a job file is, in the words of the command line. */
function jobOptions(options: OptionValues): JobFile {
  const opset = wholeNumber(options, 'opset');
  const dtype = names(options, 'dtype');
  const labels = text(options, 'labels');
  return checkJob('the command line', {
    ...(dtype === null ? {} : { dtype }),
    ...(opset === undefined ? {} : { opset_version: opset }),
    ...(labels === undefined ? {} : { labels }),
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

function show(progress: Progress, event: FerryEvent): void {
  if (event.kind === 'stage' && event.status === 'started')
    progress.step(`${STAGES[event.stage].doing}${event.variant ? ` ${event.variant}` : ''}`);
}
