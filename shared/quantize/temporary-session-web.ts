/** `temporary-session.ts` for browsers: the model is in memory, and small enough for that. */
import { joinBytes } from '../bytes/join.ts';
import type { Model } from '../onnx/ir.ts';
import { isTensor, modelParts } from '../onnx/proto/parts.ts';
import { openSession } from '../runtime/session.ts';
import type { Temporary, TemporarySession } from './temporary.ts';

export async function temporarySession(model: Model, temporary: Temporary): Promise<TemporarySession> {
  const { onnx } = await modelParts(model, {
    weights: 'embed',
    valueInfo: false,
    dataFile: `${temporary.name}.data`,
    locationOf: () => '',
  });
  const bytes: Uint8Array[] = [];
  for (const part of onnx) bytes.push(isTensor(part) ? await part.read() : part);
  const { workFolder: _, name: __, ...options } = temporary;
  const session = await openSession(joinBytes(bytes), options);
  return { session, end: () => session.release() };
}
