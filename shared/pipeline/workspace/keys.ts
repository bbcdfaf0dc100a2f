/** What lies where in the work bucket. */

export const WORK_PREFIXES = { claims: 'claims/', jobs: 'jobs/', batches: 'batches/', parts: 'parts/' } as const;

/** Which execution has an upload, by the hash of what tells uploads apart. Attempts after the first are numbered. */
export const claimKey = (hash: string, attempt = 1): string =>
  `${WORK_PREFIXES.claims}${hash}${attempt === 1 ? '' : `.${attempt}`}.json`;

/** How the attempt of a claim ended. */
export const endingKey = (claim: string): string => claim.replace(/\.json$/, '.ended.json');

export interface ClaimName {
  readonly hash: string;
  readonly attempt: number;
  readonly isEnding: boolean;
}

/** A key below `claims/` taken apart; null for what is no claim. */
export function claimNameOf(key: string): ClaimName | null {
  const found = /^claims\/([0-9a-f]{64})(?:\.(\d+))?(\.ended)?\.json$/.exec(key);
  return found && { hash: found[1]!, attempt: Number(found[2] ?? 1), isEnding: found[3] !== undefined };
}

/** Below it, the requests that failed for want of one file, by the hash of its bucket and key. */
export const waitingPrefix = (hash: string): string => `${WORK_PREFIXES.claims}waiting/${hash}/`;

/** A file that one stage of a job keeps for another. */
export const jobKey = (id: string, name: string): string => `${WORK_PREFIXES.jobs}${id}/${name}`;

/** Below it, objects of a job that are only made to be copied from. */
export const partsPrefix = (id: string): string => `${WORK_PREFIXES.parts}${id}/`;

export const recordKey = (id: string): string => jobKey(id, 'job.json');

export const factsKey = (id: string, stage: string, variant: string | null): string =>
  jobKey(id, `facts/${variant === null ? stage : `${stage}.${variant}`}.json`);

/** Where a Distributed Map writes what became of the items of a batch. */
export const batchPrefix = (id: string): string => `${WORK_PREFIXES.batches}${id}/`;
