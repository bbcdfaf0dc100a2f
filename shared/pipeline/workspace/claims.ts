/**
 * Claims: which execution has a job. An attempt is an object that exactly one execution can write; once it has ended
 * badly, exactly one execution can write the next.
 */
import { claimKey, claimNameOf, endingKey } from './keys.ts';
import { readText, readTextIfThere } from './read-object.ts';
import type { ObjectStore } from './store.ts';

export interface Claim {
  readonly job: string;
  /** The execution that owns the job. */
  readonly execution: string;
  /** ISO time. */
  readonly created: string;
  /** What was asked for, so that it can be asked for again. */
  readonly request?: ClaimedRequest;
  /** The execution of a batch that waits for the owner. */
  readonly startedBy?: string;
}

export interface ClaimedRequest {
  readonly bucket: string;
  readonly key: string;
  readonly version: string;
  readonly request?: string;
  readonly options?: unknown;
  readonly folder?: string;
}

/** `abandoned`: another start was told that the execution had ended without a word. */
export interface Ending {
  readonly status: 'completed' | 'failed' | 'abandoned';
  /** ISO time. */
  readonly ended: string;
  readonly code: string | null;
  readonly message: string | null;
}

export interface Wish {
  readonly mine: Claim;
  /** Whether a job that failed in another execution may be had. */
  readonly mayTakeOver: boolean;
  /** An execution that has ended without a word. */
  readonly replaces: string | null;
}

export interface Held {
  /** Key of the claim. */
  readonly key: string;
  /** ISO time at which this attempt was claimed. */
  readonly created: string;
}

/**
 * The claim when this execution has it now, be it from a call before; null when another one has it, or had it and
 * completed the job. `hash` tells jobs apart.
 */
export async function takeClaim(
  store: ObjectStore,
  { work, hash }: { readonly work: string; readonly hash: string },
  { mine, mayTakeOver, replaces }: Wish,
): Promise<Held | null> {
  for (let attempt = 1; ; attempt++) {
    const key = claimKey(hash, attempt);
    if (await store.putIfAbsent(work, key, Buffer.from(JSON.stringify(mine)))) return { key, created: mine.created };
    const theirs = JSON.parse(await readText(store, { bucket: work, key })) as Claim;
    const isMine = theirs.execution === mine.execution;
    const ending = await readEnding(store, work, key);
    if (ending === null) {
      if (isMine) return { key, created: theirs.created };
      if (!isGone(theirs, mine, replaces)) return null;
      await endClaim(store, { work, key }, { status: 'abandoned', ended: mine.created, code: null, message: null });
    } else if (ending.status === 'completed' || (ending.status === 'failed' && !isMine && !mayTakeOver)) return null;
  }
}

// A batch starts an item's execution a second time only when it is redriven, which ended the first.
const isGone = (theirs: Claim, mine: Claim, replaces: string | null): boolean =>
  theirs.execution === replaces || (theirs.startedBy !== undefined && theirs.startedBy === mine.startedBy);

/** The first ending counts: an execution that was given up may still be at work. */
export async function endClaim(
  store: ObjectStore,
  { work, key }: { readonly work: string; readonly key: string },
  ending: Ending,
): Promise<void> {
  await store.putIfAbsent(work, endingKey(key), Buffer.from(JSON.stringify(ending)));
}

const ATTEMPTS = 3;

/** An attempt that failed is ended, so that another start may have the job: worth asking for more than once. */
export async function giveBack(
  store: ObjectStore,
  claim: { readonly work: string; readonly key: string },
  ending: Ending,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await endClaim(store, claim, ending);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

export async function readEnding(store: ObjectStore, work: string, claim: string): Promise<Ending | null> {
  const text = await readTextIfThere(store, { bucket: work, key: endingKey(claim) });
  return text === null ? null : (JSON.parse(text) as Ending);
}

/** The hash in the key of a claim. */
export const hashOfClaim = (key: string): string => {
  const name = claimNameOf(key);
  if (!name) throw new Error(`"${key}" is not the key of a claim`);
  return name.hash;
};
