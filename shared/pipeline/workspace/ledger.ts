/** What became of every job, read from its claims. */
import { type Claim, type ClaimedRequest, type Ending, readEnding } from './claims.ts';
import { claimKey, claimNameOf, WORK_PREFIXES } from './keys.ts';
import { readText } from './read-object.ts';
import type { ObjectStore } from './store.ts';

export interface JobState {
  readonly job: string;
  /** `unfinished`: claimed, and nothing was heard since. */
  readonly status: 'completed' | 'failed' | 'unfinished';
  readonly attempts: number;
  /** Of the newest attempt. */
  readonly execution: string;
  /** ISO times. */
  readonly created: string;
  readonly ended: string | null;
  readonly code: string | null;
  readonly message: string | null;
  /** null: claimed by a version that did not write it down. */
  readonly request: ClaimedRequest | null;
}

const STATUS = { completed: 'completed', failed: 'failed', abandoned: 'unfinished' } as const satisfies Record<
  Ending['status'],
  JobState['status']
>;

// Reads wait for S3, not for each other.
const SIDE_BY_SIDE = 32;

/** In the order of the claims, which is none that means anything. */
export async function* readLedger(store: ObjectStore, work: string): AsyncGenerator<JobState> {
  const attempts = new Map<string, number>();
  for await (const { key } of store.list(work, WORK_PREFIXES.claims)) {
    const name = claimNameOf(key);
    if (name && !name.isEnding) attempts.set(name.hash, Math.max(attempts.get(name.hash) ?? 0, name.attempt));
  }
  const all = [...attempts];
  for (let i = 0; i < all.length; i += SIDE_BY_SIDE)
    yield* await Promise.all(
      all.slice(i, i + SIDE_BY_SIDE).map(([hash, count]) => stateOf(store, work, { hash, count })),
    );
}

async function stateOf(
  store: ObjectStore,
  work: string,
  { hash, count }: { readonly hash: string; readonly count: number },
): Promise<JobState> {
  const key = claimKey(hash, count);
  const { job, execution, created, request } = JSON.parse(await readText(store, { bucket: work, key })) as Claim;
  const ending = await readEnding(store, work, key);
  return {
    job,
    status: ending ? STATUS[ending.status] : 'unfinished',
    attempts: count,
    execution,
    created,
    ended: ending?.ended ?? null,
    code: ending?.code ?? null,
    message: ending?.message ?? null,
    request: request ?? null,
  };
}

/** The start that does a job again: of one that failed, or whose execution is known to have ended. */
export function startAgain({ status, execution, request }: JobState): ClaimedRequest & { readonly replaces?: string } {
  if (!request) throw new Error('the claim does not say what was asked for');
  return { ...request, ...(status === 'unfinished' ? { replaces: execution } : {}) };
}
