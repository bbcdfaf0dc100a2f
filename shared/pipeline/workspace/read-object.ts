/** An object that is open for as long as somebody reads it. */
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

export const readBytes = (store: ObjectStore, name: ObjectName): Promise<Uint8Array> =>
  withObject(store, name, (source) => source.read());

export const readText = async (store: ObjectStore, name: ObjectName): Promise<string> =>
  Buffer.from(await readBytes(store, name)).toString('utf8');
