/** The deployed machine with tasks: chosen by size, run as processes, killed, silent, redriven. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { s3Store } from '../../functions/s3-store.ts';
import type { Clock } from '../../local/clock.ts';
import { systemClock } from '../../local/clock.ts';
import { type Ferry, type FerryOptions, makeFerry } from '../../local/ferry.ts';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { StatesError } from '../../local/states-error.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { HEARTBEAT_SECONDS } from '../../shared/pipeline/machine/fargate-container.ts';
import type { Report } from '../../shared/report/report.ts';
import { type Started, type TaskFleet, taskFleet } from './task-fleet.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/pipeline/${name}`, import.meta.url));
const MODEL = fixture('digits.pt2');
/** The same with a megabyte of what torch.export.save calls extra files. */
const LARGER = await padded(MODEL);
// Validation takes 512 MB and 1.35 times the model: these hold a model of 0.74 MiB, and none at all.
const SMALL_FUNCTIONS = 513;
const NO_FUNCTIONS = 512;

let fleet: TaskFleet;
let temporaryFolder: string;
let events: FerryEvent[];
beforeAll(async () => {
  fleet = await taskFleet();
  temporaryFolder = mkdtempSync(join(tmpdir(), 'fargate-ferry-'));
}, 120_000);
afterAll(() => {
  fleet.close();
  rmSync(temporaryFolder, { recursive: true });
});
beforeEach(() => {
  fleet.onStart = () => {};
  fleet.started();
  events = [];
});

async function padded(archive: Uint8Array): Promise<Uint8Array> {
  const { entries } = await openZip(memorySource('digits.pt2', archive));
  const records = await Promise.all(entries.map(async (entry) => [entry.name, await entry.read()] as const));
  const root = entries[0]!.name.split('/')[0]!;
  return zipBytes([...records, [`${root}/extra/padding`, new Uint8Array(2 ** 20)]]);
}

/** Time that goes on by itself, and further when the test says so. */
function leapingClock(): Clock & { leap(seconds: number): void } {
  let ahead = 0;
  let leapt = new AbortController();
  const now = (): number => Date.now() + ahead;
  return {
    now,
    leap: (seconds) => {
      ahead += seconds * 1000;
      leapt.abort(new Error('time has leapt'));
      leapt = new AbortController();
    },
    sleep: async (ms, signal) => {
      for (const until = now() + ms; now() < until;)
        await systemClock.sleep(until - now(), AbortSignal.any([signal, leapt.signal])).catch((error: unknown) => {
          if (signal.aborted) throw error;
        });
    },
  };
}

const clock = leapingClock();
const ferry = (memoryMb = NO_FUNCTIONS, stages: FerryOptions['stages'] = {}): Ferry =>
  makeFerry({
    stages,
    buckets: { input: 'input', output: 'output', work: 'work' },
    store: s3Store(fleet.s3.client()),
    temporaryFolder,
    fargate: fleet.fargate(memoryMb),
    interpret: { random: () => 0, clock, timeouts: true },
    onEvent: (event) => events.push(event),
  });

const put = (key: string, bytes: Uint8Array | string): unknown => fleet.s3.put('input', key, Buffer.from(bytes));
const request = (key: string, options: Json = { calibration: 'digits.calibration.npz' }): Json => ({
  bucket: 'input',
  key,
  options,
});
const stagesOf = (tasks: readonly Started[]): string[] => tasks.map(({ stage }) => stage).sort();
const inFunctions = (): string[] =>
  events.flatMap((e) => (e.kind === 'stage' && e.status === 'started' ? [e.stage] : []));
/** Names of the models below a folder of the output, and hashes of all but the names and versions of files. */
const models = (prefix: string): Record<string, string> =>
  Object.fromEntries(
    [...fleet.s3.objects]
      .filter(([name]) => name.startsWith(`output/${prefix}/`) && name.endsWith('.onnx'))
      .map(([name, versions]) => [name.split('/').at(-1)!, hashOf(versions.at(-1)!.bytes)]),
  );
const hashOf = (bytes: Uint8Array): string =>
  createHash('sha256')
    .update(
      Buffer.from(bytes)
        .toString('latin1')
        .replaceAll(/(small|large)\.(pt2|reference\.npz)|v\.\d+_Zq/g, ''),
    )
    .digest('hex');
const reportOf = (prefix: string): Report => {
  const found = [...fleet.s3.objects].filter(
    ([name]) => name.startsWith(`output/${prefix}/`) && name.endsWith('/report.json'),
  );
  return JSON.parse(Buffer.from(found.at(-1)![1].at(-1)!.bytes).toString()) as Report;
};
/** The process of a task's stage. */
async function stageProcess({ process: { pid } }: Started): Promise<number> {
  const file = `/proc/${pid}/task/${pid}/children`;
  for (;;) {
    const [child] = readFileSync(file, 'utf8').split(' ').filter(Boolean);
    if (child) return Number(child);
    await sleep(5);
  }
}

describe('where a model is converted', { timeout: 120_000 }, () => {
  it('follows from its size, and makes no difference to what comes out', async () => {
    // One after the other, so that their versions are numbers of as many digits.
    put('small.pt2', MODEL);
    put('large.pt2', LARGER);
    put('digits.calibration.npz', fixture('digits.calibration.npz'));
    for (const model of ['small', 'large']) put(`${model}.reference.npz`, fixture('digits.reference.npz'));
    expect(await ferry(SMALL_FUNCTIONS).convert(request('small.pt2'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(stagesOf(fleet.started())).toEqual([]);
    expect(inFunctions()).toContain('convert');
    events = [];

    expect(await ferry(SMALL_FUNCTIONS).convert(request('large.pt2'))).toMatchObject({
      status: 'SUCCEEDED',
      output: { chosen: 'int8' },
    });
    expect(stagesOf(fleet.started())).toEqual(['convert', 'quantize', 'validate', 'validate']);
    expect(inFunctions().sort()).toEqual(['claim', 'report']);
    expect(Object.keys(models('large')).sort()).toEqual(['model.int8.onnx', 'model.onnx']);
    expect(models('large')).toEqual(models('small'));
  });

  it('is a task where a function was ended over it, though its size let expect that it holds the model', async () => {
    put('heavy.pt2', MODEL);
    const ended = new StatesError('Runtime.ExitError', '{"errorType":"Runtime.ExitError","errorMessage":"killed"}');
    const one = ferry(SMALL_FUNCTIONS, { quantize: () => Promise.reject(ended) });
    expect(await one.convert(request('heavy.pt2'))).toMatchObject({ status: 'SUCCEEDED', output: { chosen: 'int8' } });
    expect(stagesOf(fleet.started())).toEqual(['quantize']);
    expect(inFunctions().sort()).toEqual(['claim', 'convert', 'quantize', 'report', 'validate', 'validate']);
  });

  it('makes no difference to how a failure is named and reported', async () => {
    put('broken.onnx', Buffer.from([0x08, 0x08, 0x3a, 0x7f, 0x01]));
    const outcome = await ferry().convert(request('broken.onnx', { dtype: 'fp32' }));
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'CorruptModel' });
    expect(stagesOf(fleet.started())).toEqual(['convert']);
    expect(reportOf('broken').failure).toMatchObject({
      code: 'CorruptModel',
      stage: 'convert',
      details: { file: 's3://input/broken.onnx' },
    });
  });
});

// What a process is the child of is read where only Linux has it.
describe.runIf(existsSync('/proc/self/task'))('a task that is killed', { timeout: 120_000 }, () => {
  it('in its stage, as for want of memory, says so at once, and a redrive makes it again', async () => {
    put('killed.pt2', MODEL);
    let left = 1;
    fleet.onStart = (started) => {
      if (started.stage === 'convert' && left-- > 0)
        void stageProcess(started).then((pid) => process.kill(pid, 'SIGKILL'));
    };
    const failed = await ferry().convert(request('killed.pt2', { dtype: 'fp32' }));
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Runtime.ExitError' });
    expect(reportOf('killed').failure).toMatchObject({
      code: 'Runtime.ExitError',
      stage: 'convert',
      message: 'the process of the stage ended with SIGKILL',
    });
    expect(stagesOf(fleet.started())).toEqual(['convert']);
    expect(await ferry().redrive(request('killed.pt2', { dtype: 'fp32' }), failed)).toMatchObject({
      status: 'SUCCEEDED',
      output: { chosen: 'fp32' },
    });
    expect(stagesOf(fleet.started())).toEqual(['convert', 'validate']);
  });

  it('as a whole is missed after its silence, and a redrive goes on where it was', async () => {
    put('silent.pt2', MODEL);
    let left = 1;
    fleet.onStart = (started) => {
      if (started.stage !== 'validate' || left-- < 1) return;
      void stageProcess(started).then((pid) => {
        started.process.kill('SIGKILL');
        process.kill(pid, 'SIGKILL');
        clock.leap(HEARTBEAT_SECONDS);
      });
    };
    const failed = await ferry().convert(request('silent.pt2', { dtype: 'fp32' }));
    expect(failed).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
    const [variant] = reportOf('silent').variants;
    expect(variant!.failure).toMatchObject({ code: 'States.HeartbeatTimeout', stage: 'validate' });
    expect(stagesOf(fleet.started())).toEqual(['convert', 'validate']);
    expect(await ferry().redrive(request('silent.pt2', { dtype: 'fp32' }), failed)).toMatchObject({
      status: 'SUCCEEDED',
      output: { chosen: 'fp32' },
    });
    expect(stagesOf(fleet.started())).toEqual(['validate']);
  });
});

/** Granted for what does not happen here. */
const IDLE = [
  // An upload that is given up, an object that is missing.
  /s3:(AbortMultipartUpload|ListBucket) /,
  // Weights of 8 MiB and more, copied where they lie.
  / <WorkBucket\.Arn>\/parts\//,
  // Uploads are read by version here, records of a job without.
  /^convert s3:GetObject <InputBucket/,
  /s3:GetObjectVersion <WorkBucket/,
];

describe('of what the roles of tasks may do', () => {
  it('nothing more was asked', () => expect(fleet.policies.refused).toEqual([]));

  it('everything of S3 was asked', () => {
    const { granted, used } = fleet.policies;
    expect(used.size).toBeGreaterThan(15);
    expect(granted.filter((line) => !used.has(line) && !IDLE.some((idle) => idle.test(line)))).toEqual([]);
  });
});
