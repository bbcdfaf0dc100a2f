/** The other side of `timed-validation.ts`: validates in a process that can be ended, because onnxruntime cannot. */
import { isFailure } from '../shared/errors.ts';
import { validateFile } from '../shared/steps/validate-file.ts';
import type { ValidationAnswer, ValidationTask } from './timed-validation.ts';
import { withSourceOf } from './with-source.ts';

process.once('message', (task: ValidationTask) => {
  void answer(task).then((found) => process.send!(found, () => process.disconnect()));
});

async function answer({ data, labels, reference, fp32, ...more }: ValidationTask): Promise<ValidationAnswer> {
  try {
    const validation = await withSourceOf(data, (source) =>
      withSourceOf(reference, (known) =>
        validateFile({
          ...more,
          data: source && { source, labels },
          reference: known,
          ...(fp32 === undefined ? {} : { fp32 }),
          now: () => performance.now(),
        }),
      ),
    );
    return { kind: 'done', validation };
  } catch (error) {
    if (isFailure(error)) return { kind: 'refused', code: error.code, details: error.details };
    return { kind: 'broken', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
