/** What `--recipe auto` is told: how accurate a model has to be, how long it is looked for, what it is judged on. */
import { ACCURACY_METRIC_NAMES, DEFAULT_TUNING } from '../shared/choices.ts';
import { checkJob } from '../shared/pipeline/job/parse-job.ts';
import type { JobFile } from '../shared/pipeline/job/job-schema.ts';
import type { Command, OptionValues } from './command.ts';
import { number, text, wholeNumber } from './values.ts';

export const TUNING_OPTIONS = {
  metric: {
    type: 'string',
    value: ACCURACY_METRIC_NAMES.join('|'),
    describe: 'recipe auto: what accuracy is measured by; default: the first that can be',
  },
  'max-drop': {
    type: 'string',
    value: 'N',
    describe: 'recipe auto: what may be lost against FP32; 0.005 is half a point',
  },
  min: { type: 'string', value: 'N', describe: 'recipe auto: what must be there, in the unit of the metric' },
  trials: {
    type: 'string',
    value: 'N',
    describe: `recipe auto: how many may be made; default: ${DEFAULT_TUNING.trials}`,
  },
  seconds: {
    type: 'string',
    value: 'N',
    describe: `recipe auto: how long it may take; default: ${DEFAULT_TUNING.seconds}`,
  },
} as const satisfies Command['options'];

/** Of the command line alone, checked as a job is. */
export function tuningOptions(options: OptionValues): Pick<JobFile, 'accuracy' | 'tuning'> {
  const [max_drop, min, seconds] = (['max-drop', 'min', 'seconds'] as const).map((name) => number(options, name));
  const [metric, trials] = [text(options, 'metric'), wholeNumber(options, 'trials')];
  const given = <T extends object>(fields: T): T | undefined => {
    const said = Object.entries(fields).filter(([, value]) => value !== undefined);
    return said.length ? (Object.fromEntries(said) as T) : undefined;
  };
  return checkJob('the command line', {
    ...given({ accuracy: given({ metric, max_drop, min }), tuning: given({ trials, seconds }) }),
  });
}
