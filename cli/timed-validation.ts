/** Validation with a limit of time: a model may hold a loop without an end, and onnxruntime cannot be interrupted. */
import type { ValidateFileRequest } from '../shared/steps/validate-file.ts';
import type { Validation } from '../shared/report/report.ts';
import { inTime, type TimedWork } from './time-limit.ts';

/** Files are paths. */
export interface ValidationTask extends Pick<ValidateFileRequest, 'processor' | 'host' | 'workFolder'> {
  readonly model: string;
  readonly data: string | undefined;
  readonly labels: string | undefined;
  readonly reference: string | undefined;
  readonly fp32: string | undefined;
}

export const validateInTime = (task: ValidationTask, work: TimedWork): Promise<Validation> =>
  inTime('validate-child', task, work);
