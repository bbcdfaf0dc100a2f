/** An object store as what a Distributed Map reads its items from and writes its results to. */
import { readText } from '../shared/pipeline/workspace/read-object.ts';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';
import type { MapFiles } from './execution.ts';

export const mapFiles = (store: ObjectStore): MapFiles => ({
  read: (bucket, key) => readText(store, { bucket, key }),
  async *list(bucket, prefix) {
    for await (const { key, size, version } of store.list(bucket, prefix))
      yield { Key: key, Size: size, ETag: version };
  },
  write: async (bucket, key, text) =>
    void (await store.putBytes({ bucket, key, bytes: Buffer.from(text), contentType: 'application/json' })),
});
