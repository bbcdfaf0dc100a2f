/** Quantize, with a folder for what is made on the way. */
import type { QuantizeFileRequest } from '../shared/steps/quantize-file.ts';
import { jobWords } from '../shared/steps/job-words.ts';
import type { Context } from './command.ts';
import type { QuantizeOptions } from './commands/quantize-options.ts';
import type { LookedAt } from './looked-at.ts';
import { inTemporaryFolder } from './temporary-folder.ts';
import type { TimeLimit } from './time-limit.ts';
import { quantizeInTime } from './timed-quantization.ts';

type Int8Request = QuantizeOptions &
  Pick<QuantizeFileRequest, 'model' | 'path' | 'weights' | 'signal'> &
  Pick<TimeLimit, 'seconds'> &
  Pick<Context, 'progress'>;

export const toInt8 = ({ signal, seconds, progress, ...request }: Int8Request): Promise<LookedAt> => {
  const { model: _model, path: _path, weights: _weights, ...how } = request;
  return inTemporaryFolder((workFolder) =>
    quantizeInTime({ ...request, workFolder, job: jobWords(how) }, { seconds, signal, tell: progress.advance }),
  );
};
