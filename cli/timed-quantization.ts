/** Quantization with a limit of time where it runs the model, as calibration does. */
import type { QuantizeFileRequest } from '../shared/steps/quantize-file.ts';
import type { LookedAt } from './looked-at.ts';
import { inTime, type TimedWork } from './time-limit.ts';

export interface QuantizationTask extends Omit<QuantizeFileRequest, 'calibration' | 'signal' | 'tell'> {
  /** Path of an .npz, or of a folder of them; undefined: the model is not run. */
  readonly calibration: string | undefined;
}

export async function quantizeInTime(task: QuantizationTask, work: TimedWork): Promise<LookedAt> {
  if (task.calibration !== undefined) return inTime('quantize-child', task, work);
  // Loaded where it is needed: a process of its own has loaded it itself.
  const [{ quantizeFile }, { lookedAt }] = await Promise.all([
    import('../shared/steps/quantize-file.ts'),
    import('./looked-at.ts'),
  ]);
  const { signal, tell } = work;
  return lookedAt(await quantizeFile({ ...task, calibration: undefined, signal, tell }), task.path);
}
