/** A torch.save archive, as far as it tells formats apart: its pickle with closed boxes for what is not allowed. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { fail } from '../errors.ts';
import { isNeverAllowed } from '../torch/pickle.ts';
import { dictOf, OpaqueObject, type PickleValue } from '../torch/pickle-values.ts';
import { SavedTensor } from '../torch/saved-tensor.ts';
import { readTorchSave } from '../torch/state-dict.ts';
import type { Saved } from './format.ts';

export async function readSaved(source: ByteSource): Promise<Saved> {
  const onUnknownCall = (name: string): void => {
    if (isNeverAllowed(name)) fail('UnsafePickle', { file: source.name, global: name.slice(0, 200) });
  };
  const value = await readTorchSave(source, { onUnknownCall });
  const keys = [...(dictOf(value)?.keys() ?? [])];
  return {
    ...countTensors(value),
    className: value instanceof OpaqueObject && value.entries.size === 0 ? value.className.slice(0, 200) : null,
    keys: new Set(keys.filter((key) => typeof key === 'string')),
  };
}

const COUNT_LIMIT = 1_000_000;

/** Each object once: pickles may share and even contain themselves. */
function countTensors(root: PickleValue): Pick<Saved, 'tensors' | 'quantized'> {
  const seen = new Set<PickleValue>();
  const waiting = [root];
  let [tensors, quantized] = [0, 0];
  while (waiting.length > 0 && seen.size < COUNT_LIMIT) {
    const value = waiting.pop()!;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof SavedTensor) {
      tensors++;
      if (value.quantizer || value.storage.type.isQuantized) quantized++;
    } else if (value instanceof Map) for (const item of value.values()) waiting.push(item);
    else if (Array.isArray(value)) for (const item of value) waiting.push(item);
    else if ('items' in value && Array.isArray(value.items))
      for (const item of value.items as readonly PickleValue[]) waiting.push(item);
    if (value instanceof OpaqueObject) waiting.push(value.state, value.entries);
  }
  return { tensors, quantized };
}
