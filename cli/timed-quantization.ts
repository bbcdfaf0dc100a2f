/** Quantization with a limit of time where it runs the model, as calibration does. */
import { extname } from 'node:path';
import { inChild } from '../local/child.ts';
import type { Advance, Tell } from '../shared/bytes/advance.ts';
import { quantizeFile, type QuantizedFile, type QuantizeFileRequest } from '../shared/steps/quantize-file.ts';
import type { TimeLimit } from './time-limit.ts';

export interface QuantizationTask extends Omit<QuantizeFileRequest, 'calibration' | 'signal' | 'tell'> {
  /** Path of an .npz, or of a folder of them; undefined: the model is not run. */
  readonly calibration: string | undefined;
}

// Beside this file, in the sources and when they are built.
const CHILD = new URL(`./quantize-child${extname(import.meta.url)}`, import.meta.url);

/** Fails with LimitExceeded when the time is over; nothing of the work goes on then. */
export const quantizeInTime = (
  task: QuantizationTask,
  { tell, ...limit }: TimeLimit & { readonly tell: Tell },
): Promise<QuantizedFile> =>
  task.calibration === undefined
    ? quantizeFile({ ...task, calibration: undefined, signal: limit.signal, tell })
    : inChild({
        module: CHILD,
        task,
        about: task.model,
        doing: 'running it',
        ...limit,
        onTold: (told) => tell(told as Advance),
      });
