/** Buckets in memory, with S3's rules. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { fail } from '../../shared/errors.ts';
import { checkKey, type ObjectInfo, type ObjectStore } from '../../shared/pipeline/workspace/store.ts';

const utf8 = (text: string): Buffer => Buffer.from(text);

export function memoryStore(): ObjectStore & { readonly objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  const at = (bucket: string, key: string): string => `${bucket}\0${checkKey(key)}`;
  const info = (key: string, bytes: Uint8Array): ObjectInfo => ({
    key,
    size: bytes.byteLength,
    version: createHash('md5').update(bytes).digest('hex'),
  });
  const put = (bucket: string, key: string, bytes: Uint8Array): ObjectInfo => {
    objects.set(at(bucket, key), Uint8Array.from(bytes));
    return info(key, bytes);
  };
  const find = (bucket: string, key: string, version?: string): Uint8Array | undefined => {
    const bytes = objects.get(at(bucket, key));
    return bytes && (version === undefined || version === info(key, bytes).version) ? bytes : undefined;
  };
  return {
    objects,
    open: async (bucket, key, version) =>
      memorySource(
        `${bucket}/${key}`,
        find(bucket, key, version) ?? fail('FileNotFound', { file: `${bucket}/${key}` }),
      ),
    read: async (bucket, key) => find(bucket, key)?.slice() ?? null,
    head: async (bucket, key, version) => {
      const bytes = find(bucket, key, version);
      return bytes ? info(key, bytes) : null;
    },
    putFile: async ({ bucket, key, path }) => put(bucket, key, await readFile(path)),
    putBytes: async ({ bucket, key, bytes }) => put(bucket, key, bytes),
    putIfAbsent: async (bucket, key, bytes) => {
      if (objects.has(at(bucket, key))) return false;
      put(bucket, key, bytes);
      return true;
    },
    async *list(bucket, prefix) {
      const keys = [...objects.keys()]
        .filter((path) => path.startsWith(`${bucket}\0${prefix}`))
        .map((path) => path.slice(bucket.length + 1));
      for (const key of keys.sort((a, b) => Buffer.compare(utf8(a), utf8(b))))
        yield info(key, objects.get(at(bucket, key))!);
    },
  };
}
