/** Validation with a limit of time: a model may hold a loop without an end, and onnxruntime cannot be interrupted. */
import { extname } from 'node:path';
import { inChild } from '../local/child.ts';
import type { Advance, Tell } from '../shared/bytes/advance.ts';
import type { ValidateFileRequest } from '../shared/steps/validate-file.ts';
import type { Validation } from '../shared/report/report.ts';
import type { TimeLimit } from './time-limit.ts';

/** Files are paths. */
export interface ValidationTask extends Pick<ValidateFileRequest, 'processor' | 'host' | 'workFolder'> {
  readonly model: string;
  readonly data: string | undefined;
  readonly labels: string | undefined;
  readonly reference: string | undefined;
  readonly fp32: string | undefined;
}

// Beside this file, in the sources and when they are built.
const CHILD = new URL(`./validate-child${extname(import.meta.url)}`, import.meta.url);

/** Fails with LimitExceeded when the time is over; nothing of the work goes on then. */
export const validateInTime = (
  task: ValidationTask,
  { tell, ...limit }: TimeLimit & { readonly tell: Tell },
): Promise<Validation> =>
  inChild({
    module: CHILD,
    task,
    about: task.model,
    doing: 'running it',
    ...limit,
    // As told by validate-child.ts.
    onTold: (told) => tell(told as Advance),
  });
