/** Claim: make sure that one upload is one job, find out what it asks for, and write that down. */
import { asFailure, fail, isFailure, type JobProblem } from '../../errors.ts';
import { open, refuse } from '../../formats/open.ts';
import { didYouMean } from '../../nearest.ts';
import { readNpz } from '../../tensor/npz.ts';
import { checkJob, filesOf, findFiles, findJob, resolveJob, type ResolvedJob } from '../job/job.ts';
import { failureOf, fieldsOf } from '../workspace/job-stage.ts';
import type { JobRecord, StageFacts } from '../workspace/record.ts';
import {
  type ConversionRequest,
  type Identity,
  identify,
  type JobBuckets,
  outputFolder,
  parseRequest,
} from '../job/request.ts';
import type { RunStage, Services } from '../workspace/services.ts';
import type { ObjectStore } from '../workspace/store.ts';
import { readText, withObject } from '../workspace/read-object.ts';
import { writeFacts, writeRecord } from '../workspace/workspace.ts';

interface Claim {
  /** The execution that owns the job. */
  readonly execution: string;
  /** ISO time. */
  readonly created: string;
}

export const run: RunStage = async (input, services) => {
  const { request: given = null, execution, buckets, maxModelBytes = null } = fieldsOf(input);
  const request = parseRequest(given);
  const { work, output } = buckets as unknown as JobBuckets;
  const started = services.now();
  const identity = await identify(services.store, request);
  const job = { id: identity.id, work };
  const claim = await take(
    services,
    { work, identity },
    {
      execution: String(execution),
      created: new Date(started).toISOString(),
    },
  );
  if (claim === null) {
    services.log('this upload is being converted, or has been', { job: identity.id });
    return { duplicate: true, job };
  }
  const facts = (ending: Pick<StageFacts<null>, 'failure'>): Promise<void> =>
    writeFacts(services, job, {
      stage: 'claim',
      variant: null,
      started,
      ended: services.now(),
      facts: null,
      ...ending,
    });
  try {
    requireSize(request.key, identity.bytes, maxModelBytes as number | null);
    await writeRecord(services, work, await recordOf(services, { request, identity, created: claim.created, output }));
    await facts({ failure: null });
    return { duplicate: false, job };
  } catch (thrown) {
    const error = asFailure(thrown);
    await facts({ failure: failureOf(error, 'claim') });
    throw error;
  }
};

/** The claim when it is this execution's, be it from an attempt before; null when another one has it. */
async function take(
  services: Services,
  { work, identity }: { readonly work: string; readonly identity: Identity },
  mine: Claim,
): Promise<Claim | null> {
  if (
    await services.store.putIfAbsent(work, identity.claim, Buffer.from(JSON.stringify({ ...mine, job: identity.id })))
  )
    return mine;
  const theirs = JSON.parse(await readText(services.store, { bucket: work, key: identity.claim })) as Claim;
  return theirs.execution === mine.execution ? theirs : null;
}

interface Claimed {
  readonly request: ConversionRequest;
  readonly identity: Identity;
  /** ISO time. */
  readonly created: string;
  /** Bucket of the results. */
  readonly output: string;
}

async function recordOf({ store }: Services, { request, identity, created, output }: Claimed): Promise<JobRecord> {
  const { bucket, key } = request;
  const found = await findJob(store, bucket, key);
  const options = request.options === undefined ? {} : checkJob('the options of the request', request.options);
  const file = found.key ?? 'job';
  const resolved = resolveJob(file, { ...found.job, ...options }, await findFiles(store, bucket, key));
  await requireFiles(store, request, { file, options: resolved.options });
  return {
    ...resolved,
    id: identity.id,
    created,
    input: { bucket, key, version: identity.version, bytes: identity.bytes },
    output: { bucket: output, folder: request.folder ?? outputFolder(key, identity.id) },
    config: found.key,
    format: await formatOf(store, request, identity),
  };
}

function requireSize(file: string, bytes: number, limit: number | null): void {
  if (limit !== null && bytes > limit)
    fail('ModelTooLarge', { file, bytes, limit, hint: 'convert it on one machine with "torchferry run"' });
}

/** Say now that a file is missing or cannot be read, not after minutes of work. */
async function requireFiles(
  store: ObjectStore,
  { bucket, key }: ConversionRequest,
  { file, options }: Pick<ResolvedJob, 'options'> & { readonly file: string },
): Promise<void> {
  const problems: JobProblem[] = [];
  for (const { option, key: named, isArrays } of filesOf(key, options)) {
    if (!(await store.head(bucket, named)))
      problems.push({ path: option, problem: `there is no file "${named}"`, hint: 'upload it before the model' });
    else if (await store.leadsOut?.(bucket, named))
      problems.push({
        path: option,
        problem: `"${named}" is a link that leads out of the folder of the models`,
        hint: 'copy the file there',
      });
    else if (isArrays) problems.push(...(await problemsOfArrays(store, { bucket, key: named, option, options })));
  }
  if (problems.length) fail('BadJob', { file, problems });
}

interface ArraysFile {
  readonly bucket: string;
  readonly key: string;
  readonly option: string;
  readonly options: ResolvedJob['options'];
}

/** Of an .npz, of which only the directory and the headers are read. */
function problemsOfArrays(store: ObjectStore, { bucket, key, option, options }: ArraysFile): Promise<JobProblem[]> {
  return withObject(store, { bucket, key }, async (source) => {
    const names = await readNpz(source).then(
      (arrays) => [...arrays.keys()],
      (error: unknown) => (isFailure(error) ? error : Promise.reject(error)),
    );
    const hint = 'save it with numpy.savez';
    if (!Array.isArray(names)) return [{ path: option, problem: names.message, hint }];
    if (names.length === 0) return [{ path: option, problem: `"${key}" holds no arrays`, hint }];
    const { labels } = options;
    if (option !== 'test_data' || names.includes(labels)) return [];
    const all = `it has ${names.map((name) => `"${name}"`).join(', ')}`;
    return [{ path: 'labels', problem: `"${key}" has no array "${labels}"`, hint: didYouMean(labels, names) || all }];
  });
}

const formatOf = (
  store: ObjectStore,
  { bucket, key }: ConversionRequest,
  { version }: Identity,
): Promise<JobRecord['format']> =>
  withObject(store, { bucket, key, version }, async (source) => {
    const opened = await open(source);
    return opened.kind === 'refused' ? refuse(source, opened) : { name: opened.format, kind: opened.kind };
  });
