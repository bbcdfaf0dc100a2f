/** Files of a Distributed Map, in memory. */
import type { MapFiles } from '../../local/execution.ts';

export function memoryFiles(
  initial: Readonly<Record<string, string>> = {},
): MapFiles & { readonly texts: Map<string, string> } {
  const texts = new Map(Object.entries(initial));
  return {
    texts,
    read: async (bucket, key) =>
      texts.get(`${bucket}/${key}`) ?? Promise.reject(new Error(`there is no ${bucket}/${key}`)),
    write: async (bucket, key, text) => void texts.set(`${bucket}/${key}`, text),
    async *list(bucket, prefix) {
      for (const [path, text] of texts) {
        if (path.startsWith(`${bucket}/${prefix}`))
          yield { Key: path.slice(bucket.length + 1), Size: text.length, ETag: '"e"' };
      }
    },
  };
}
