/** Tensors of a .pt2 file that lie in a nested torch.save archive. */
import type { ZipEntry } from '../../bytes/zip.ts';
import { fail } from '../../errors.ts';
import type { TensorData } from '../../tensor/data.ts';
import { SavedTensor } from '../saved-tensor.ts';
import { readTorchSave } from '../state-dict.ts';
import type { RecordSet } from '../records.ts';
import type { TensorSource } from './archive.ts';

/** The dictionary of a nested archive. */
export function savedTensors(records: RecordSet, entry: ZipEntry | null): TensorSource {
  return async (names) => {
    const tensors = new Map<string, TensorData>();
    if (!entry || entry.size === 0 || names.size === 0) return tensors;
    const file = records.source.name;
    const saved = await readTorchSave(await entry.slice(), { file, isLinkable: entry.stored });
    if (!(saved instanceof Map))
      fail('CorruptModel', { file, where: entry.name, reason: 'it holds no dictionary of tensors' });
    for (const [name, value] of saved) {
      if (typeof name === 'string' && names.has(name)) tensors.set(name, dataOf(file, name, value));
    }
    return tensors;
  };
}

/** One tensor saved by itself: a subclass that raw bytes cannot describe. */
export async function savedTensor(records: RecordSet, entry: ZipEntry, name: string): Promise<TensorData> {
  const file = records.source.name;
  return dataOf(file, name, await readTorchSave(await entry.slice(), { file, isLinkable: entry.stored }));
}

function dataOf(file: string, name: string, value: unknown): TensorData {
  if (!(value instanceof SavedTensor))
    fail('CorruptModel', { file, where: `weight "${name}"`, reason: 'it is no tensor' });
  return value.plain(name);
}
