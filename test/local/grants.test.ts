/**
 * Every stage touches only what its row of the table allows, which is what IAM allows its function and its task
 * (test/infra): the real stages, watched.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeProgram } from '../../bench/large/model.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import { isFailure } from '../../shared/errors.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import type { BucketRole, Grant } from '../../shared/pipeline/machine/stage.ts';
import { STAGE_NAMES, STAGES, type StageName } from '../../shared/pipeline/machine/stages.ts';
import { loadStage } from '../../shared/pipeline/stages/load.ts';
import type { RunStage } from '../../shared/pipeline/workspace/services.ts';
import type { ObjectStore, Put } from '../../shared/pipeline/workspace/store.ts';
import { MemoryS3 } from '../functions/memory-s3.ts';

let root: string;
/** What was asked for without a grant, and which grants were made use of. */
let refused: string[];
let used: Set<Grant>;
let lastStep: ((stage: StageName) => void) | undefined;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grants-'));
  for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
  refused = [];
  lastStep = undefined;
});
afterEach(() => rm(root, { recursive: true }));

/** A list of a prefix is allowed by a grant of a shorter one. */
const covers = (grant: Grant, { access, bucket, prefix }: Grant): boolean =>
  grant.access === access && grant.bucket === bucket && prefix.startsWith(grant.prefix);

function watched(stage: StageName, store: ObjectStore): ObjectStore {
  const need = (access: Grant['access'], bucket: string, prefix: string): void => {
    const wanted: Grant = { access, bucket: bucket as BucketRole, prefix };
    const grants: readonly Grant[] = STAGES[stage].grants;
    const found = grants.find((grant) => covers(grant, wanted));
    if (found) used.add(found);
    // With the read that may find nothing goes the list that lets S3 say so.
    if (access === 'read')
      for (const grant of grants) if (grant.access === 'list' && grant.bucket === bucket) used.add(grant);
    if (!found) refused.push(`${stage} may not ${access} ${bucket}/${prefix}`);
  };
  /** S3 says that there is no such object only to those who may list; to others it says that they may not read. */
  const reading = async <T>(bucket: string, key: string, read: () => Promise<T>): Promise<T> => {
    need('read', bucket, key);
    const found = await read().catch((error: unknown) => {
      if (isFailure(error) && error.code === 'FileNotFound') need('list', bucket, key);
      throw error;
    });
    if (found === null) need('list', bucket, key);
    return found;
  };
  const writing = ({ bucket, key, tags }: Put): void => {
    need('write', bucket, key);
    if (tags) need('tag', bucket, key);
  };
  return {
    open: (bucket, key, version) => reading(bucket, key, () => store.open(bucket, key, version)),
    read: (bucket, key) => reading(bucket, key, () => store.read(bucket, key)),
    head: (bucket, key, version) => reading(bucket, key, () => store.head(bucket, key, version)),
    putFile: (object) => (writing(object), store.putFile(object)),
    putBytes: (object) => (writing(object), store.putBytes(object)),
    tag: ({ bucket, key }) => Promise.resolve(need('tag', bucket, key)),
    putIfAbsent: (bucket, key, bytes) => (need('write', bucket, key), store.putIfAbsent(bucket, key, bytes)),
    list: (bucket, prefix) => (need('list', bucket, prefix), store.list(bucket, prefix)),
    ...(store.assemble
      ? {
          copies: store.copies!.bind(store),
          assemble: (object) => {
            writing(object);
            if (object.scratch) need('scratch', object.scratch.bucket, object.scratch.prefix);
            return store.assemble!(object);
          },
        }
      : {}),
    ...(store.leadsOut ? { leadsOut: store.leadsOut.bind(store) } : {}),
  };
}

function ferry(store?: ObjectStore): Ferry {
  const stages = Object.fromEntries(
    STAGE_NAMES.map((stage): [StageName, RunStage] => [
      stage,
      async (input, services) => {
        lastStep?.(stage);
        return (await loadStage(stage))(input, { ...services, store: watched(stage, services.store) });
      },
    ]),
  );
  return makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    ...(store ? { store } : {}),
    stages,
    interpret: { random: () => 0 },
  });
}

async function put(key: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, 'input', key)), { recursive: true });
  await writeFile(join(root, 'input', key), content);
}
const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/pipeline/${name}`, import.meta.url));
const request = (key: string, more: Record<string, Json> = {}): Json => ({ bucket: 'input', key, ...more });
const event = (key: string): Json => ({ detail: { bucket: { name: 'input' }, object: { key, size: 104 } } });

used = new Set();

test('of a job that is completed, asked for again and looked at again', async () => {
  for (const name of ['digits.pt2', 'digits.calibration.npz', 'digits.reference.npz', 'digits.test.npz'])
    await put(name, fixture(name));
  expect(await ferry().convert(event('digits.pt2'))).toMatchObject({ status: 'SUCCEEDED' });
  expect(await ferry().convert(event('digits.pt2'))).toMatchObject({ output: { duplicate: true } });
  // A new version of the model: its report compares itself with the last.
  expect(await ferry().convert(request('digits.pt2', { request: 'again' }))).toMatchObject({ status: 'SUCCEEDED' });
  expect(refused).toEqual([]);
});

test('of jobs that fail, are taken over and are redriven', async () => {
  await put('net.pt2', 'no model');
  expect(await ferry().convert(event('net.pt2'))).toMatchObject({ error: 'UnsupportedFormat' });
  let left = 1;
  await put('digits.pt2', fixture('digits.pt2'));
  lastStep = (stage) => {
    if (stage === 'convert' && left-- > 0) throw Object.assign(new Error('no time left'), { name: 'Sandbox.Timedout' });
  };
  const options = { dtype: 'fp32' };
  const failed = await ferry().convert(request('digits.pt2', { options }));
  expect(failed).toMatchObject({ error: 'Sandbox.Timedout' });
  expect(await ferry().redrive(request('digits.pt2', { options }), failed)).toMatchObject({ status: 'SUCCEEDED' });
  left = 1;
  await ferry().convert(request('digits.pt2', { options, request: 'again' }));
  expect(await ferry().convert(request('digits.pt2', { options, request: 'again' }))).toMatchObject({
    status: 'SUCCEEDED',
  });
  expect(refused).toEqual([]);
});

test('of a job that waits for a file', async () => {
  await put('digits.pt2', fixture('digits.pt2'));
  await put('digits.job.json', JSON.stringify({ dtype: 'fp32', test_data: 'late.npz' }));
  expect(await ferry().convert(event('digits.pt2'))).toMatchObject({ status: 'FAILED' });
  await put('late.npz', fixture('digits.test.npz'));
  expect(await ferry().convert(event('late.npz'))).toMatchObject({ status: 'SUCCEEDED' });
  expect(refused).toEqual([]);
});

test('of a job in S3, where objects are made to be copied from', async () => {
  const s3 = new MemoryS3();
  writeProgram(join(root, 'large.pt2'), { layers: 4, width: 1500, weights: 'kept' });
  s3.put('input', 'large.pt2', readFileSync(join(root, 'large.pt2')));
  const options = { dtype: 'fp32', weights: 'embed' };
  expect(await ferry(s3Store(s3.client())).convert(request('large.pt2', { options }))).toMatchObject({
    status: 'SUCCEEDED',
  });
  expect(s3.log).toContain('DeleteObjects');
  expect(refused).toEqual([]);
});

test('of a batch with models that fail, that are not there, and that cannot be read', async () => {
  await put('a.pt2', fixture('digits.pt2'));
  await put('b.pt2', 'no model');
  await put('all.jsonl', '{"key":"a.pt2","options":{"dtype":"fp32"}}\n{"key":"b.pt2"}\n{"key":"c.pt2"}\nno row\n');
  await ferry().batch({ bucket: 'input', manifest: 'all.jsonl' });
  await ferry().batch({ bucket: 'input', prefix: 'b' });
  expect(refused).toEqual([]);
});

test('every grant is made use of', () => {
  const idle = STAGE_NAMES.flatMap((stage) =>
    (STAGES[stage].grants as readonly Grant[])
      .filter((grant) => !used.has(grant))
      .map(({ access, bucket, prefix }) => `${stage}: ${access} ${bucket}/${prefix}`),
  );
  expect(idle).toEqual([]);
});
