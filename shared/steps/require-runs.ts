/** A written model, run once with given inputs: example_inputs of Torch2ONNXConfig. */
import { fileSource } from '../bytes/file-source.ts';
import { fail } from '../errors.ts';
import { validateFile } from './validate-file.ts';

/** `data`: path of an .npz of inputs. Fails with ValidationFailed, which names every check that did not pass. */
export async function requireRuns(model: string, data: string): Promise<void> {
  const source = fileSource(data);
  try {
    const { checks } = await validateFile({ model, data: { source }, now: () => performance.now() });
    const problems = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`);
    if (problems.length) fail('ValidationFailed', { file: model, problems });
  } finally {
    source.close();
  }
}
