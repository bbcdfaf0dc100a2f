/** Quantization with a limit of time where it runs the model, as calibration does. */
import { quantizeFile, type QuantizedFile, type QuantizeFileRequest } from '../shared/steps/quantize-file.ts';
import { inTime, type TimedWork } from './time-limit.ts';

export interface QuantizationTask extends Omit<QuantizeFileRequest, 'calibration' | 'signal' | 'tell'> {
  /** Path of an .npz, or of a folder of them; undefined: the model is not run. */
  readonly calibration: string | undefined;
}

export const quantizeInTime = (task: QuantizationTask, work: TimedWork): Promise<QuantizedFile> =>
  task.calibration === undefined
    ? quantizeFile({ ...task, calibration: undefined, signal: work.signal, tell: work.tell })
    : inTime('quantize-child', task, work);
