/** INT8 by trial on the command line: `--recipe auto`. */
import { fail } from '../shared/errors.ts';
import { type JobFile } from '../shared/pipeline/job/job-schema.ts';
import { checkJob } from '../shared/pipeline/job/parse-job.ts';
import { askedSetting } from '../shared/pipeline/job/quantizer-words.ts';
import { layersText, measuredText } from '../shared/report/goal.ts';
import { ACCURACY_METRICS, type VariantDtype, VARIANTS } from '../shared/choices.ts';
import type { Tuning } from '../shared/report/quantization.ts';
import type { TuneFileRequest } from '../shared/steps/tune-file.ts';
import { foundBeside } from './beside.ts';
import type { Context, OptionValues } from './command.ts';
import { besideModel } from './job-options.ts';
import type { LookedAt } from './looked-at.ts';
import type { TimeLimit } from './time-limit.ts';
import { tuneInTime } from './timed-tuning.ts';
import { TUNING_OPTIONS, tuningOptions } from './tuning-options.ts';
import { extraOptions } from './extra-options.ts';
import { autoOrShare, names, text } from './values.ts';

/** Whether form, recipe and calibrator are to be found by trial. */
export const isTuned = (options: OptionValues, job: JobFile, dtype: VariantDtype): boolean =>
  (text(options, 'recipe') ?? job.recipe ?? '').toLowerCase() === 'auto' &&
  !VARIANTS[dtype].onlyWeights &&
  saidOf(options, job).approach !== 'weight-only';

/** Refuses what would say nothing. */
export function requireNoTuning(options: OptionValues): void {
  const given = [...Object.keys(TUNING_OPTIONS), 'test-data', 'labels'].find((name) => options[name] !== undefined);
  if (given === undefined) return;
  fail('WrongUsage', { problem: `--${given} is of --recipe auto`, hint: 'add it, or leave the option out' });
}

/** Options of quantization that are a job's as well. */
const AS_IN_A_JOB = [
  'approach',
  'quant-format',
  'calibrate-method',
  'processor',
  'activation-type',
  'weight-type',
  'reduce-range',
  'quantize-all',
  'cross-layer-equalization',
  'bias-correction',
] as const;

const LISTS = ['nodes-to-quantize', 'nodes-to-exclude', 'op-types-to-quantize'] as const;

/** What is said outright: of the command line, then of the job. */
function saidOf(options: OptionValues, job: JobFile): JobFile {
  const alpha = autoOrShare(options, 'smooth-quant');
  const given: readonly (readonly [name: string, value: unknown])[] = [
    ...AS_IN_A_JOB.map((name) => [name, options[name]] as const),
    ...LISTS.map((name) => [name, names(options, name) ?? undefined] as const),
    ['smooth-quant', alpha === undefined ? undefined : { alpha }],
    ['per-channel', options['per-tensor'] === true ? false : undefined],
    ['extra-options', extraOptions(options, job)],
  ];
  const said = given.flatMap(([name, value]) => (value === undefined ? [] : [[name.replaceAll('-', '_'), value]]));
  return { ...job, ...checkJob('the command line', Object.fromEntries(said)) };
}

interface Wanted extends Pick<Context, 'options' | 'progress'>, TimeLimit, Pick<TuneFileRequest, 'path' | 'weights'> {
  /** Path of the FP32 model, which may be a temporary one. */
  readonly model: string;
  /** Beside which data lie. */
  readonly file: string;
  readonly job: JobFile;
}

export async function toTuned({
  options,
  job,
  model,
  file,
  path,
  weights,
  progress,
  ...limit
}: Wanted): Promise<LookedAt> {
  const said = saidOf(options, job);
  const { accuracy = job.accuracy, tuning = job.tuning } = tuningOptions(options);
  const dataAt = (name: 'calibration' | 'test_data', option: string): string | undefined => {
    const named = job[name];
    return (
      text(options, option) ?? (named === undefined ? foundBeside(file, name, { progress }) : besideModel(file, named))
    );
  };
  const test = dataAt('test_data', 'test-data');
  return tuneInTime(
    {
      model,
      path,
      asked: askedSetting(said),
      weights,
      calibration: said.approach === 'dynamic' ? text(options, 'calibration') : dataAt('calibration', 'calibration'),
      data: test === undefined ? undefined : { path: test, labels: text(options, 'labels') ?? job.labels ?? 'y' },
      accuracy,
      bounds: tuning,
    },
    {
      ...limit,
      tell: ({ trial, count }) =>
        progress.step(`trial ${count} of ${file}: ${trial.name}, layers: ${layersText(trial.layers)}`),
    },
  );
}

/** What was taken, and what was left in float for it. */
export function tuningLines({ metric, trials, chosen }: Tuning): string[] {
  const { name, layers, measured, drop } = trials[chosen]!;
  const lost = drop === null ? '' : `, ${drop} lost`;
  return [
    `${name}: ${ACCURACY_METRICS[metric].title} ${measuredText(metric, measured)}${lost}, of ${trials.length} trials`,
    ...(layers.kind === 'without' ? [`in float for accuracy: ${layers.float.join(', ')}`] : []),
  ];
}
