/** Reads what torch.save wrote: plain data with lazy tensors, from a zip archive or from the pickles of old torch. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { latin1Text } from '../bytes/text.ts';
import { openZip, type Zip, type ZipEntry } from '../bytes/zip.ts';
import { fail } from '../errors.ts';
import { allowedGlobal } from './pickle-globals.ts';
import { PICKLE_LIMITS, PickleMachine, type PickleOptions } from './pickle.ts';
import { type PickleValue, Tuple, Global } from './pickle-values.ts';
import { StorageRef, StorageType } from './saved-tensor.ts';
import { Storage, WEIGHT_LIMITS } from './storage.ts';

export interface SavedPlace {
  /** The model file, for messages; the source's own name by default. */
  readonly file?: string;
  /** The source lies as it is in the model file. */
  readonly isLinkable?: boolean;
  readonly onUnknownCall?: (name: string) => void;
}

/** The object inside a torch.save archive. Dictionaries are Maps, tuples `Tuple`, tensors `SavedTensor`. */
export async function readTorchSave(source: ByteSource, place: SavedPlace = {}): Promise<PickleValue> {
  const zip = await openZip(source);
  const pickle = zip.entries.find(({ name }) => name === 'data.pkl' || /^[^/]+\/data\.pkl$/.test(name));
  const file = place.file ?? source.name;
  if (!pickle)
    fail('CorruptArchive', { file, reason: 'a record that torch.save should have written is no torch.save archive' });
  return readSavedPickle(zip, pickle, {
    file,
    isLinkable: place.isLinkable ?? true,
    ...(place.onUnknownCall ? { onUnknownCall: place.onUnknownCall } : {}),
  });
}

/** One pickle of an archive and the storages it names, which lie in the folder of the pickle's own name. */
export async function readSavedPickle(
  zip: Zip,
  pickle: ZipEntry,
  place: SavedPlace & { file: string; isLinkable: boolean },
): Promise<PickleValue> {
  const folder = pickle.name.slice(0, -'.pkl'.length);
  await refuseBigEndian(zip, pickle, place.file);
  if (pickle.size > PICKLE_LIMITS.bytes)
    fail('LimitExceeded', {
      file: place.file,
      what: `the size of ${pickle.name}`,
      found: pickle.size,
      limit: PICKLE_LIMITS.bytes,
    });
  const refs = new Map<string, StorageRef>();
  const machine = new PickleMachine(await pickle.read(), pickleOptions({ ...place, where: pickle.name }, refs));
  const value = machine.run();
  if (machine.end !== pickle.size)
    fail('CorruptModel', { file: place.file, where: pickle.name, reason: 'bytes follow its end' });
  await attach(zip, folder, { ...place, refs });
  return value;
}

async function refuseBigEndian(zip: Zip, pickle: ZipEntry, file: string): Promise<void> {
  const order = zip.get(`${pickle.name.slice(0, -'data.pkl'.length)}byteorder`);
  if (order && order.size <= 16 && latin1Text(await order.read()).trim() === 'big') {
    fail('UnsupportedFormat', {
      file,
      found: 'an archive of big-endian numbers',
      hint: 'save the model on a little-endian machine (x86-64 or ARM)',
    });
  }
}

/** Storages of codes that are smaller than a byte. */
const SEVERAL_A_BYTE: Readonly<Record<string, string>> = {
  'torch.QUInt4x2Storage': 'quint4x2',
  'torch.QUInt2x4Storage': 'quint2x4',
};

export function pickleOptions(
  { file, where, onUnknownCall }: Pick<PickleOptions, 'file' | 'where' | 'onUnknownCall'>,
  refs: Map<string, StorageRef>,
): PickleOptions {
  const persistentLoad: PickleOptions['persistentLoad'] = (id, refuse) => {
    const [tag, type, key, , count] = id instanceof Tuple ? id.items : [];
    if (type instanceof Global && Object.hasOwn(SEVERAL_A_BYTE, type.name)) {
      const hint = 'quantize the module to quint8 (float_qparams_weight_only_qconfig), or leave it in float';
      fail('UnsupportedType', { what: `a tensor of "${file}"`, dtype: SEVERAL_A_BYTE[type.name]!, hint });
    }
    if (
      tag !== 'storage' ||
      !(type instanceof StorageType) ||
      (typeof key !== 'string' && typeof key !== 'number') ||
      typeof count !== 'number' ||
      count < 0
    ) {
      return refuse('it names a storage in an unknown way');
    }
    const known = refs.get(String(key));
    if (known && (known.type.name !== type.name || known.count !== count))
      refuse(`storage ${key} is named with two types or sizes`);
    const ref = known ?? new StorageRef(String(key), type, count);
    refs.set(ref.key, ref);
    return ref;
  };
  return { file, where, globals: allowedGlobal, persistentLoad, ...(onUnknownCall ? { onUnknownCall } : {}) };
}

interface Attachment {
  readonly refs: ReadonlyMap<string, StorageRef>;
  readonly file: string;
  readonly isLinkable: boolean;
}

async function attach(zip: Zip, folder: string, { refs, file, isLinkable }: Attachment): Promise<void> {
  const records = new Map(
    [...refs.values()].map((ref) => [ref, recordOf(zip, { name: `${folder}/${ref.key}`, ref, file })]),
  );
  await zip.prefetch(records.values(), WEIGHT_LIMITS.inMemory);
  for (const [ref, record] of records) {
    const memory = record.size <= WEIGHT_LIMITS.inMemory ? await record.read() : null;
    ref.storage = new Storage({ file, source: await record.slice(), isLinkable: isLinkable && record.stored, memory });
  }
}

function recordOf(
  zip: Zip,
  { name, ref, file }: { readonly name: string; readonly ref: StorageRef; readonly file: string },
): ZipEntry {
  const record = zip.get(name) ?? fail('CorruptModel', { file, where: name, reason: 'a storage is missing' });
  // An empty record stands for fake tensors: the views on it say so.
  if (record.size !== ref.bytes && record.size !== 0) {
    fail('CorruptModel', {
      file,
      where: name,
      reason: `a storage of ${ref.count} ${ref.type.name} has ${record.size} bytes instead of ${ref.bytes}`,
    });
  }
  return record;
}
