/** Jobs that failed for want of a file beside the model: when it comes, they are started again. */
import { createHash } from 'node:crypto';
import type { Json } from '../machine/asl.ts';
import type { ClaimedRequest } from './claims.ts';
import { waitingPrefix } from './keys.ts';
import { readText } from './read-object.ts';
import type { ObjectStore } from './store.ts';

interface AwaitedFile {
  readonly work: string;
  readonly bucket: string;
  readonly key: string;
}

const prefixOf = ({ bucket, key }: Pick<AwaitedFile, 'bucket' | 'key'>): string =>
  waitingPrefix(
    createHash('sha256')
      .update(JSON.stringify([bucket, key]))
      .digest('hex'),
  );

/** Note that a job waits for a file. */
export async function waitFor(
  store: ObjectStore,
  file: AwaitedFile,
  { job, request }: { readonly job: string; readonly request: ClaimedRequest },
): Promise<void> {
  await store.putBytes({
    bucket: file.work,
    key: `${prefixOf(file)}${job}.json`,
    bytes: Buffer.from(JSON.stringify(request)),
    contentType: 'application/json',
  });
}

/** Requests of the jobs that wait for a file, or have waited for it. */
export async function waitersOf(store: ObjectStore, file: AwaitedFile): Promise<Json[]> {
  const requests: Json[] = [];
  for await (const { key } of store.list(file.work, prefixOf(file)))
    requests.push(JSON.parse(await readText(store, { bucket: file.work, key })) as Json);
  return requests;
}
