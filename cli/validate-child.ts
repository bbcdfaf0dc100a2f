/** The other side of `timed-validation.ts`. */
import { answering } from '../local/child.ts';
import { validateFile } from '../shared/steps/validate-file.ts';
import type { ValidationTask } from './timed-validation.ts';
import { withSourceOf } from './with-source.ts';

answering<ValidationTask>(({ data, labels, reference, fp32, ...more }, { tell }) =>
  withSourceOf(data, (source) =>
    withSourceOf(reference, (known) =>
      validateFile({
        ...more,
        data: source && { source, labels },
        reference: known,
        ...(fp32 === undefined ? {} : { fp32 }),
        now: () => performance.now(),
        tell,
      }),
    ),
  ),
);
