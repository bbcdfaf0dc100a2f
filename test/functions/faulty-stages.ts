/**
 * A whole job on a way that breaks: whichever of its requests fails, it ends with the same models, or with a failure
 * that has a name and a report, and the next start of it succeeds. For any server that speaks S3.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3Client } from '../../functions/s3-client.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { makeFerry } from '../../local/ferry.ts';
import { FAILURE_CODES } from '../../shared/errors.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import type { ObjectStore } from '../../shared/pipeline/workspace/store.ts';
import type { Report } from '../../shared/report/report.ts';
import { virtualClock } from '../local/virtual-clock.ts';
import { type Asked, type Fault, FaultyWay } from './faulty-way.ts';
import type { S3Server } from './s3-server.ts';

export interface FaultsInTurn {
  /** Each of them at each request; one request after the other meets another one of a group. */
  readonly faults: readonly (readonly Fault[])[];
  /** A job that failed is started again for one request of so many. */
  readonly againEvery: number;
}

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/pipeline/${name}`, import.meta.url));
const OPTIONS = { dtype: ['fp32', 'int8'], approach: 'dynamic' };

type FaultFor = FaultyWay['faultFor'];

/** At a request, by how many there were before it. */
const faultAt =
  (faults: Readonly<Record<number, Fault>>): FaultFor =>
  ({ index }) =>
    faults[index] ?? null;

interface Outcome {
  readonly status: string;
  readonly error?: string;
  readonly output?: Json;
}

interface Ran {
  readonly outcome: Outcome;
  readonly asked: readonly Asked[];
  /** The models by the name of their file. */
  readonly models: Readonly<Record<string, string>>;
  readonly report: Report | null;
  /** The same request again, on a good way. */
  again(): Promise<Outcome>;
}

/** `start` gives a server with empty buckets `input`, `output` and `work`. */
export function faultyStages(name: string, start: () => Promise<S3Server>, { faults, againEvery }: FaultsInTurn): void {
  describe(`a job in ${name}`, { timeout: 900_000 }, () => {
    let server: S3Server;
    let temporaryFolder: string;
    let direct: S3Client;
    let undisturbed: Ran;
    let runs = 0;
    beforeAll(async () => {
      temporaryFolder = await mkdtemp(join(tmpdir(), 'faulty-stages-'));
      server = await start();
      direct = clientOf(server.url);
      const described = { bucket: 'input', contentType: 'application/octet-stream' };
      for (const name of ['digits.pt2', 'digits.test.npz'])
        await s3Store(direct).putBytes({ ...described, key: name, bytes: fixture(name) });
      // The second finds what the first has made, as all that follow.
      await run(() => null);
      undisturbed = await run(() => null);
      expect(undisturbed.outcome).toMatchObject({ status: 'SUCCEEDED', output: { failed: [] } });
    });
    afterAll(async () => {
      direct.destroy();
      server.close();
      await rm(temporaryFolder, { recursive: true });
    });

    /** The same model each time, which is another job by the word that goes along. */
    const convert = (store: ObjectStore, request: string): Promise<Outcome> =>
      makeFerry({
        buckets: { input: '', output: '', work: '' },
        store,
        temporaryFolder,
        interpret: { clock: virtualClock(Date.now()), random: () => 0 },
      }).convert({ bucket: 'input', key: 'digits.pt2', options: OPTIONS, request });

    async function run(faultFor: FaultFor): Promise<Ran> {
      const store = s3Store(direct);
      const request = `run ${runs++}`;
      const way = await FaultyWay.to(server.url);
      way.faultFor = faultFor;
      const client = clientOf(way.url);
      try {
        const outcome = await convert(s3Store(client), request);
        const results = await resultsOf(store, way.asked);
        return { outcome, asked: way.asked, ...results, again: () => convert(store, request) };
      } finally {
        client.destroy();
        await way.close();
      }
    }

    test.each(faults.map((group) => [group.join(' or '), group] as const))(
      'is right or a failure with a report, whichever request is %s',
      async (_, group) => {
        for (let index = 0; index < undisturbed.asked.length; index++) {
          const fault = group[index % group.length]!;
          const ran = await run(faultAt({ [index]: fault }));
          const { operation, path } = undisturbed.asked[index]!;
          const at = `${fault} at request ${index}, ${operation} ${path}`;
          if (fault !== 'denied')
            expect(ran.outcome, at).toMatchObject({ status: 'SUCCEEDED', output: { failed: [] } });
          await check(ran, at, { starts: index % againEvery === 0 });
        }
      },
    );

    test.each([
      ['claimed', '/job.json'],
      ['converted', '/model.onnx'],
    ])('that fails while it is %s is not lost, whichever request is denied then', async (_, name) => {
      const index = undisturbed.asked.findIndex(
        ({ operation, path }) => operation === 'PutObject' && path.endsWith(name),
      );
      const failed = await run(faultAt({ [index]: 'denied' }));
      expect(failed.outcome).toMatchObject({ status: 'FAILED', error: 'AccessDenied' });
      expect(failed.asked.length).toBeGreaterThan(index + 5);
      for (let next = index + 1; next < failed.asked.length; next++) {
        const { operation, path } = failed.asked[next]!;
        const ran = await run(faultAt({ [index]: 'denied', [next]: 'denied' }));
        expect(ran.outcome, `${operation} ${path}`).toMatchObject({ status: 'FAILED', error: 'AccessDenied' });
        await startAgain(ran, `${operation} ${path}`);
      }
    });

    test('of which nothing may be written down is not lost', async () => {
      const ran = await run(({ operation, path }) =>
        operation === 'PutObject' && path.startsWith('/work/jobs/') ? 'denied' : null,
      );
      expect(ran.outcome).toMatchObject({ status: 'FAILED', error: 'AccessDenied' });
      await startAgain(ran, 'the records of the job');
    });

    async function check(ran: Ran, at: string, { starts }: { readonly starts: boolean }): Promise<void> {
      const { outcome, models, report } = ran;
      expect(report, at).not.toBeNull();
      const { failed = [] } = (outcome.output ?? {}) as { failed?: readonly { code: string }[] };
      const codes = outcome.status === 'SUCCEEDED' ? failed.map(({ code }) => code) : [outcome.error];
      for (const code of codes) expect(FAILURE_CODES, at).toContain(code);
      const reported = [report!.failure, ...report!.variants.map(({ failure }) => failure)].flatMap(
        (f) => f?.code ?? [],
      );
      expect([...new Set(reported)], at).toEqual([...new Set(codes)]);
      // What there is of models is right.
      expect(undisturbed.models, at).toMatchObject(models);
      if (codes.length === 0) expect(models, at).toEqual(undisturbed.models);
      if (outcome.status !== 'SUCCEEDED' && starts) await startAgain(ran, at);
    }

    async function startAgain(ran: Ran, at: string): Promise<void> {
      const again = await ran.again();
      expect(again, at).toMatchObject({ status: 'SUCCEEDED', output: { failed: [] } });
      expect(again.output, at).not.toHaveProperty('duplicate', true);
    }
  });
}

/** What lies where something was written. */
async function resultsOf(store: ObjectStore, asked: readonly Asked[]): Promise<Pick<Ran, 'models' | 'report'>> {
  const models: Record<string, string> = {};
  let report: Report | null = null;
  for (const { operation, path } of asked) {
    const [, key] = /^\/output\/(.*)/.exec(decodeURIComponent(path)) ?? [];
    const bytes = operation === 'PutObject' && key !== undefined ? await store.read('output', key) : null;
    if (bytes && path.endsWith('.onnx')) models[path.split('/').at(-1)!] = hashed(bytes);
    if (bytes && path.endsWith('/report.json')) report = JSON.parse(Buffer.from(bytes).toString()) as Report;
  }
  return { models, report };
}

const hashed = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const clientOf = (endpoint: string): S3Client =>
  s3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
