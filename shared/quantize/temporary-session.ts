/**
 * A model that is being made, run by onnxruntime: written to a file first, because its weights may be larger than
 * memory. In browsers `temporary-session-web.ts` stands here.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '../onnx/ir.ts';
import { writeModel } from '../onnx/proto/write.ts';
import { weightBytes } from '../onnx/weight-bytes.ts';
import { MAP_FROM, openSession } from '../runtime/session.ts';
import type { Temporary, TemporarySession } from './temporary.ts';

/** As the model is now: it may change while the session runs. */
export async function temporarySession(
  model: Model,
  { workFolder, name, ...options }: Temporary,
): Promise<TemporarySession> {
  const path = join(workFolder, name);
  const remove = async (): Promise<void> => {
    for (const file of [path, `${path}.data`]) await rm(file, { force: true });
  };
  try {
    await writeModel(model, path, { weights: 'pack' });
    const mapWeights = weightBytes(model.graph) >= MAP_FROM;
    const session = await openSession(path, { mapWeights, ...options });
    return { session, end: () => session.release().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
