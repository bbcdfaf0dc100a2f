/** What AWS would bill of a stage that runs here: the memory it has there, and a request for every access to a store. */
import { DEFAULT_ARCHITECTURE } from '../shared/pipeline/cost/cost.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import type { Services } from '../shared/pipeline/workspace/services.ts';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';

/** Requests of an access. Ranges of a large object are more than are counted here. */
const REQUESTS = {
  // Its size, and what is in it.
  open: { s3Reads: 2 },
  localPath: { s3Reads: 2 },
  read: { s3Reads: 1 },
  head: { s3Reads: 1 },
  putFile: { s3Writes: 1 },
  putBytes: { s3Writes: 1 },
  putIfAbsent: { s3Writes: 1 },
  tag: { s3Writes: 1 },
  // An upload in parts, of one part.
  assemble: { s3Writes: 3 },
  list: { s3Writes: 1 },
} as const satisfies Partial<Record<keyof ObjectStore, { readonly s3Reads?: number; readonly s3Writes?: number }>>;

/** The store, counting, and the count. */
export function billedHere(stage: StageName, store: ObjectStore): Pick<Services, 'store' | 'billed'> {
  const counts = { s3Reads: 0, s3Writes: 0 };
  const counting = Object.entries(REQUESTS).flatMap(([name, requests]) => {
    // A bucket on this machine lacks some of them.
    const access = store[name as keyof typeof REQUESTS] as ((...given: unknown[]) => unknown) | undefined;
    if (!access) return [];
    const counted = (...given: unknown[]): unknown => {
      counts.s3Reads += 's3Reads' in requests ? requests.s3Reads : 0;
      counts.s3Writes += 's3Writes' in requests ? requests.s3Writes : 0;
      return access(...given);
    };
    return [[name, counted] as const];
  });
  return {
    store: { ...store, ...Object.fromEntries(counting) },
    billed: () => ({
      basis: 'local',
      memoryMb: STAGES[stage].memoryMb,
      architecture: DEFAULT_ARCHITECTURE,
      initMs: 0,
      ...counts,
    }),
  };
}
