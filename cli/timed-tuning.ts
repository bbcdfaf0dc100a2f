/** INT8 by trial with a limit of time, because trials run the model. */
import { basename, dirname } from 'node:path';
import { DEFAULT_TUNING } from '../shared/choices.ts';
import type { Trial } from '../shared/report/quantization.ts';
import { trialsFile } from '../shared/steps/trials-file.ts';
import type { TuneFileRequest } from '../shared/steps/tune-file.ts';
import type { LookedAt } from './looked-at.ts';
import { inTime, type TimedWork } from './time-limit.ts';

export interface TuningTask extends Pick<
  TuneFileRequest,
  'model' | 'path' | 'asked' | 'weights' | 'accuracy' | 'bounds'
> {
  /** Path of an .npz, or of a folder of them. */
  readonly calibration: string | undefined;
  readonly data: { readonly path: string; readonly labels: string } | undefined;
}

export interface ToldTrial {
  readonly trial: Trial;
  readonly count: number;
}

/** What was tried lies in a file beside the result until there is one, so that another start goes on from it. */
export async function tuneInTime(task: TuningTask, work: TimedWork<ToldTrial>): Promise<LookedAt> {
  // No trial begins when the time for tuning is over; the limit is for the one that runs then.
  const seconds = work.seconds + (task.bounds?.seconds ?? DEFAULT_TUNING.seconds);
  const made = await inTime<LookedAt, ToldTrial>('tune-child', task, { ...work, seconds });
  await trialsFile(dirname(task.path), basename(task.path)).remove();
  return made;
}
