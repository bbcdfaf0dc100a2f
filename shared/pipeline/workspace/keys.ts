/** What lies where in the work bucket. */

export const WORK_PREFIXES = { claims: 'claims/', jobs: 'jobs/', batches: 'batches/' } as const;

/** Which execution has an upload, by the hash of what tells uploads apart. */
export const claimKey = (hash: string): string => `${WORK_PREFIXES.claims}${hash}.json`;

/** A file that one stage of a job keeps for another. */
export const jobKey = (id: string, name: string): string => `${WORK_PREFIXES.jobs}${id}/${name}`;

export const recordKey = (id: string): string => jobKey(id, 'job.json');

export const factsKey = (id: string, stage: string, variant: string | null): string =>
  jobKey(id, `facts/${variant === null ? stage : `${stage}.${variant}`}.json`);

/** Where a Distributed Map writes what became of the items of a batch. */
export const batchPrefix = (id: string): string => `${WORK_PREFIXES.batches}${id}/`;
