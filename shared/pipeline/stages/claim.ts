/** Claim: make sure that one upload is one job, find out what it asks for, and write that down. */
import { asFailure, fail, type FerryError, isFailure, type JobProblem } from '../../errors.ts';
import { isWithoutGraph, open, refuse } from '../../formats/open.ts';
import { isNamed, MODEL_SUFFIXES } from '../../formats/table.ts';
import { didYouMean } from '../../nearest.ts';
import { readPair, recordBeside } from '../../steps/quantized-pair.ts';
import { readNpz } from '../../tensor/npz.ts';
import { checkJob } from '../job/parse-job.ts';
import { filesOf, findFiles, findJob, jobKeys } from '../job/job-files.ts';
import { resolveJob, type ResolvedJob } from '../job/job.ts';
import { type Claim, type ClaimedRequest, giveBack, takeClaim } from '../workspace/claims.ts';
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
import { withObject } from '../workspace/read-object.ts';
import { largerFor } from '../machine/larger.ts';
import { type Tier, tierFor, type TierName } from '../machine/tiers.ts';
import { waitersOf, waitFor } from '../workspace/waiting.ts';
import { writeFacts, writeRecord } from '../workspace/workspace.ts';

export const run: RunStage = async (input, services) => {
  const { request: given = null, execution, buckets, tiers = null } = fieldsOf(input);
  const request = parseRequest(given);
  const { work, output } = buckets as unknown as JobBuckets;
  const { store } = services;
  if (request.delivered) {
    const start = await waitersOf(store, { work, bucket: request.bucket, key: request.key });
    // Data and job files are no models: they start what waits for them, if anything does.
    if (start.length || !isNamed(request.key, MODEL_SUFFIXES)) return { duplicate: false, job: null, start };
  }
  const started = services.now();
  const identity = await identify(store, request);
  const asked = askedOf(request, identity);
  const mine: Claim = {
    job: identity.id,
    execution: String(execution),
    created: new Date(started).toISOString(),
    request: asked,
    ...(request.startedBy === undefined ? {} : { startedBy: request.startedBy }),
  };
  const wish = {
    mine,
    // What a batch starts finds a failed job only where its list names a model twice.
    mayTakeOver: !request.delivered && request.startedBy === undefined,
    replaces: request.replaces ?? null,
  };
  const claim = await takeClaim(store, { work, hash: identity.hash }, wish);
  if (claim === null) {
    services.log('this upload is being converted, or has been', { job: identity.id });
    return { duplicate: true, job: { id: identity.id, work } };
  }
  const job = { id: identity.id, work, claim: claim.key };
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
    const tier = tierOf(request.key, identity.bytes, tiers as readonly Tier[] | null);
    const claimed = { request, identity, created: claim.created, output };
    const record = await recordOf(services, claimed).catch(async (error: unknown) => {
      if (isFailure(error, 'ScanPending'))
        await waitFor(
          store,
          { work, bucket: request.bucket, key: error.details.file },
          { job: identity.id, request: asked },
        );
      if (!isFailure(error, 'BadJob')) throw error;
      await waitForFiles(store, work, { error, identity, request: asked });
      // What came between the first look and that note started nothing.
      return recordOf(services, claimed);
    });
    await writeRecord(services, work, record);
    await facts({ failure: null });
    return { duplicate: false, job, tier };
  } catch (thrown) {
    const error = asFailure(thrown);
    const { code, message } = failureOf(error, 'claim');
    const ended = new Date(services.now()).toISOString();
    // Whatever happens to the record, the job is given back, and the error that is seen is the one that happened first.
    const orSay = (writing: Promise<void>): Promise<void> =>
      writing.catch((cause: unknown) =>
        services.log('the failure could not be written down', { cause: String(cause) }),
      );
    await orSay(facts({ failure: failureOf(error, 'claim') }));
    await orSay(giveBack(store, { work, key: claim.key }, { status: 'failed', ended, code, message }));
    throw error;
  }
};

const askedOf = (
  { bucket, key, request, options, folder }: ConversionRequest,
  { version }: Identity,
): ClaimedRequest => ({
  bucket,
  key,
  version,
  ...(request === undefined ? {} : { request }),
  ...(options === undefined ? {} : { options }),
  ...(folder === undefined ? {} : { folder }),
});

interface Lacking {
  readonly error: FerryError<'BadJob'>;
  readonly identity: Identity;
  readonly request: ClaimedRequest;
}

/** Every file whose upload may mend a bad job: those it names, and the job files themselves. */
async function waitForFiles(store: ObjectStore, work: string, { error, identity, request }: Lacking): Promise<void> {
  const { bucket, key: model } = request;
  const named = error.details.problems.flatMap(({ file }) => (file === undefined ? [] : [file]));
  for (const key of new Set([...named, ...jobKeys(model)]))
    await waitFor(store, { work, bucket, key }, { job: identity.id, request });
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

/** The machines that will do the work; null: this one. Refuses before any work what none of them holds. */
function tierOf(file: string, bytes: number, tiers: readonly Tier[] | null): TierName | null {
  if (tiers === null) return null;
  const found = tierFor(bytes, tiers);
  if ('name' in found) return found.name;
  const { mostBytes, ...lacks } = found;
  const larger = largerFor(bytes);
  const hint = `${larger === null ? '' : `${larger}, or `}convert it on one machine with "torchferry run"`;
  return fail('ModelTooLarge', { file, bytes, limit: mostBytes, ...lacks, hint });
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
      problems.push({
        path: option,
        problem: `there is no file "${named}"`,
        hint: 'put it there: where uploads start jobs, this one then starts again',
        file: named,
      });
    else if (await store.leadsOut?.(bucket, named))
      problems.push({
        path: option,
        problem: `"${named}" is a link that leads out of the folder of the models`,
        hint: 'copy the file there',
        file: named,
      });
    else {
      const look = isArrays ? problemsOfArrays : problemsOfQuantized;
      const found = await look(store, { bucket, key: named, option, options });
      problems.push(...found.map((problem) => ({ ...problem, file: named })));
    }
  }
  if (problems.length) fail('BadJob', { file, problems });
}

interface NamedData {
  readonly bucket: string;
  readonly key: string;
  readonly option: string;
  readonly options: ResolvedJob['options'];
}

/** Of an .npz, of which only the directory and the headers are read. */
function problemsOfArrays(store: ObjectStore, { bucket, key, option, options }: NamedData): Promise<JobProblem[]> {
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

/** Of an INT8 model of PyTorch, whose weights are not read. */
async function problemsOfQuantized(store: ObjectStore, { bucket, key, option }: NamedData): Promise<JobProblem[]> {
  const beside = recordBeside(key);
  const record = beside !== null && (await store.head(bucket, beside)) ? await store.open(bucket, beside) : null;
  try {
    await withObject(store, { bucket, key }, (source) => readPair(source, record));
    return [];
  } catch (error) {
    if (!isFailure(error)) throw error;
    return [{ path: option, problem: error.message, hint: 'name the INT8 model that PyTorch saved' }];
  } finally {
    record?.close?.();
  }
}

const formatOf = (
  store: ObjectStore,
  { bucket, key }: ConversionRequest,
  { version }: Identity,
): Promise<JobRecord['format']> =>
  withObject(store, { bucket, key, version }, async (source) => {
    const opened = await open(source);
    return isWithoutGraph(opened) ? refuse(source, opened) : { name: opened.format, kind: opened.kind };
  });
