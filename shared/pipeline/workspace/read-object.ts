/** An object that is open for as long as somebody reads it. */
import { fail } from '../../errors.ts';
import type { ObjectStore, OpenedObject } from './store.ts';

export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  /** Absent: the newest. */
  readonly version?: string | undefined;
}

export async function withObject<T>(
  store: ObjectStore,
  { bucket, key, version }: ObjectName,
  work: (source: OpenedObject) => Promise<T>,
): Promise<T> {
  const source = await store.open(bucket, key, version);
  try {
    return await work(source);
  } finally {
    source.close?.();
  }
}

/** A small object; fails with FileNotFound. */
export const readBytes = async (store: ObjectStore, { bucket, key, version }: ObjectName): Promise<Uint8Array> =>
  version === undefined
    ? ((await store.read(bucket, key)) ?? fail('FileNotFound', { file: `${bucket}/${key}` }))
    : withObject(store, { bucket, key, version }, (source) => source.read());

export const readText = async (store: ObjectStore, name: ObjectName): Promise<string> =>
  Buffer.from(await readBytes(store, name)).toString('utf8');

/** null when there is none. */
export async function readTextIfThere(store: ObjectStore, { bucket, key }: ObjectName): Promise<string | null> {
  const bytes = await store.read(bucket, key);
  return bytes && Buffer.from(bytes).toString('utf8');
}
