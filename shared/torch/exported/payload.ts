/** Tensors of a PT2 archive since torch 2.9: a JSON that says how to look at raw records, one record a storage. */
import { fail } from '../../errors.ts';
import type { ZipEntry } from '../../bytes/zip.ts';
import type { TensorData } from '../../tensor/data.ts';
import { isStatic } from '../../tensor/dim.ts';
import { type Json, readJson } from '../json.ts';
import { Storage, WEIGHT_LIMITS } from '../storage.ts';
import type { RecordSet } from '../records.ts';
import type { TensorSource } from './archive.ts';
import { readTensorMeta } from './graph.ts';
import { Reading } from './reading.ts';
import { savedTensor } from './saved-tensors.ts';

export function rawTensors(records: RecordSet, folder: string, config: string): TensorSource {
  return async (names) => {
    const entry = records.get(folder + config);
    if (!entry || names.size === 0) return new Map();
    const file = records.source.name;
    const metas = (await readJson(entry, file))
      .get('config')
      .entries()
      .filter(([name]) => names.has(name));
    const paths = new Map(metas.map(([name, meta]) => [name, recordOf(records, { folder, name, meta })]));
    await records.zip.prefetch(new Set(paths.values()), WEIGHT_LIMITS.inMemory);
    const storages = new Map<ZipEntry, Storage>();
    const tensors = new Map<string, TensorData>();
    for (const [name, meta] of metas) {
      const record = paths.get(name)!;
      if (meta.optional('use_pickle')?.boolean()) tensors.set(name, await savedTensor(records, record, name));
      else {
        const storage = storages.get(record) ?? (await openStorage(records, record));
        storages.set(record, storage);
        tensors.set(name, view(storage, name, meta.get('tensor_meta')));
      }
    }
    return tensors;
  };
}

function recordOf(
  records: RecordSet,
  { folder, name, meta }: { readonly folder: string; readonly name: string; readonly meta: Json },
): ZipEntry {
  const path = meta.get('path_name').name();
  const file = records.source.name;
  return (
    records.get(folder + path) ??
    fail('CorruptModel', { file, where: `weight "${name}"`, reason: `its record "${folder}${path}" is missing` })
  );
}

async function openStorage(records: RecordSet, record: ZipEntry): Promise<Storage> {
  const memory = record.size <= WEIGHT_LIMITS.inMemory ? await record.read() : null;
  return new Storage({ file: records.source.name, source: await record.slice(), isLinkable: record.stored, memory });
}

function view(storage: Storage, name: string, json: Json): TensorData {
  const { type, strides, offset } = readTensorMeta(json, new Reading());
  const numbers = [...type.shape, ...strides, offset];
  if (strides.length !== type.shape.length) json.fail('only strided tensors can be read');
  if (!numbers.every(isStatic)) json.fail('the size of a weight is an expression');
  return storage.view(name, type.dtype, {
    shape: type.shape as number[],
    strides: strides as number[],
    offset: offset as number,
  });
}
