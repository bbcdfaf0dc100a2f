/** The other side of `timed-tuning.ts`. */
import { basename, dirname } from 'node:path';
import { answering } from '../local/child.ts';
import { trialsFile } from '../shared/steps/trials-file.ts';
import { tuneFile } from '../shared/steps/tune-file.ts';
import { withCalibration } from './calibration.ts';
import { lookedAt } from './looked-at.ts';
import { inTemporaryFolder } from './temporary-folder.ts';
import { thisProcessor } from './this-processor.ts';
import type { TuningTask } from './timed-tuning.ts';
import { withSourceOf } from './with-source.ts';

answering<TuningTask>(async ({ calibration, data: test, ...request }, { signal, tell }) => {
  const { path } = request;
  const made = await inTemporaryFolder((workFolder) =>
    withCalibration(calibration, (samples) =>
      withSourceOf(test?.path, (source) =>
        tuneFile({
          ...request,
          workFolder,
          calibration: samples,
          data: source && { source, labels: test?.labels },
          history: trialsFile(dirname(path), basename(path)),
          host: thisProcessor(),
          now: () => performance.now(),
          onTrial: (trial, count) => tell({ trial, count }),
          signal,
        }),
      ),
    ),
  );
  return lookedAt(made, path);
});
