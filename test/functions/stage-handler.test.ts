/**
 * What every stage gets on Lambda and what is left of it: a folder, S3, logs that name the job, and the error as it was
 * thrown.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stageHandler } from '../../functions/stage-handler.ts';
import { fail } from '../../shared/errors.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import type { RunStage, Services } from '../../shared/pipeline/workspace/services.ts';
import { MemoryS3 } from './memory-s3.ts';

const CONTEXT = {
  functionName: 'Convert',
  memoryLimitInMB: '3008',
  functionVersion: '1',
  awsRequestId: 'request-1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:Convert',
  getRemainingTimeInMillis: () => 900_000,
};
const INPUT = { job: { id: 'a1b2' }, request: { size: 4096 } };

let folder = '';
let lines: Record<string, unknown>[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stage-handler-'));
  lines = [];
  const keep = (chunk: unknown): boolean => {
    lines.push(
      ...String(chunk)
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    );
    return true;
  };
  vi.stubEnv('TMPDIR', folder);
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'torchferry');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Torchferry');
  vi.spyOn(process.stdout, 'write').mockImplementation(keep as never);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep as never);
  vi.spyOn(console, 'log').mockImplementation(keep as never);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

// Each function has a folder of its own there.
const left = (): string[] =>
  readdirSync(join(folder, 'torchferry')).flatMap((own) => readdirSync(join(folder, 'torchferry', own)));
const invoke = (run: RunStage, input: Json = INPUT, context = CONTEXT): Promise<Json> =>
  stageHandler('convert', run, new MemoryS3().client())(input, context as never);

describe('a stage', () => {
  it('gets a folder of its own, a store and the time; its answer is the answer', async () => {
    let given: Services | undefined;
    const answer = await invoke(async (input, services) => {
      given = services;
      writeFileSync(join(services.temporaryFolder, 'model.onnx'), 'half');
      expect(await services.store.head('b', 'none')).toBeNull();
      return { got: input };
    });
    expect(answer).toEqual({ got: INPUT });
    expect(Math.abs(given!.now() - Date.now())).toBeLessThan(1000);
    expect(given!.temporaryFolder.startsWith(join(folder, 'torchferry'))).toBe(true);
    expect(left()).toEqual([]);
    // What Lambda says of the function, and the request above.
    expect(given!.billed!()).toMatchObject({ memoryMb: 3008, s3Reads: 1, s3Writes: 0 });
  });

  it('reads of a bucket that is scanned only what was found clean', async () => {
    const s3 = new MemoryS3();
    s3.put('in', 'new.pt2', Buffer.from('x'));
    vi.stubEnv('SCANNED_BUCKET', 'in');
    const run: RunStage = async (_, { store }) => (await store.read('in', 'new.pt2'))!.byteLength;
    await expect(stageHandler('convert', run, s3.client())(INPUT, CONTEXT)).rejects.toThrow(
      expect.objectContaining({ name: 'ScanPending' }),
    );
    vi.unstubAllEnvs();
    vi.stubEnv('TMPDIR', folder);
    expect(await stageHandler('convert', run, s3.client())(INPUT, CONTEXT)).toBe(1);
  });

  it('is billed for the memory of its row where nobody says how much it has', async () => {
    let memoryMb: number | undefined;
    const claim: RunStage = async (_, { billed }) => {
      ({ memoryMb } = billed!());
      return null;
    };
    await stageHandler('claim', claim, new MemoryS3().client())(INPUT, { ...CONTEXT, memoryLimitInMB: '' } as never);
    expect(memoryMb).toBe(1024);
  });

  it('leaves no files when it fails', async () => {
    await expect(
      invoke(async (_, { temporaryFolder }) => {
        writeFileSync(join(temporaryFolder, 'half'), 'x');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(left()).toEqual([]);
  });

  it('clears what a stopped function left in the same environment, whichever number its process had', () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const before = new Date(performance.timeOrigin - 60_000);
    for (const pid of [gone, process.pid]) {
      const leftover = join(folder, 'torchferry', `convert-${pid}-stopped`);
      mkdirSync(leftover, { recursive: true });
      utimesSync(leftover, before, before);
      stageHandler('convert', async () => null, new MemoryS3().client());
      expect(existsSync(leftover), String(pid)).toBe(false);
    }
  });

  it('leaves the folders of other functions and of other processes alone', () => {
    const others = [`quantize-${process.pid}-busy`, `convert-${process.ppid}-busy`, `convert-${process.pid}-busy`];
    for (const name of others) mkdirSync(join(folder, 'torchferry', name), { recursive: true });
    const old = new Date(performance.timeOrigin - 60_000);
    utimesSync(join(folder, 'torchferry', others[0]!), old, old);
    stageHandler('convert', async () => null, new MemoryS3().client());
    expect(readdirSync(join(folder, 'torchferry'))).toEqual(expect.arrayContaining(others));
  });

  it('does not share its folder with one that runs at the same time', async () => {
    const handler = stageHandler('convert', async (_, { temporaryFolder }) => temporaryFolder, new MemoryS3().client());
    const [one, two] = await Promise.all([handler(INPUT, CONTEXT), handler(INPUT, CONTEXT)]);
    expect(one).not.toBe(two);
  });

  it('is told when its time is over, as a failure with a name', async () => {
    const untilStopped: RunStage = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason as Error));
      });
    await expect(
      invoke(untilStopped, INPUT, { ...CONTEXT, getRemainingTimeInMillis: () => 5_020 }),
    ).rejects.toMatchObject({
      name: 'LimitExceeded',
      details: { file: 'convert', what: 'the time of the stage' },
    });
  });
});

describe('an error', () => {
  // Lambda's runtime answers { errorType: error.name, errorMessage: error.message, trace } for an instance of Error;
  // Step Functions matches errorType.
  it.each<[string, () => never, string]>([
    [
      'UnsupportedType',
      () => fail('UnsupportedType', { what: 'weight', dtype: 'float8', hint: 'save it as float32' }),
      'weight: dtype float8 is not supported; save it as float32',
    ],
    [
      'TypeError',
      () => {
        throw new TypeError('x is not a function');
      },
      'x is not a function',
    ],
    [
      'NoSuchBucket',
      () => {
        throw Object.assign(new Error('The bucket does not exist'), { name: 'NoSuchBucket' });
      },
      'The bucket does not exist',
    ],
  ])('goes out under its name: %s', async (name, thrower, message) => {
    const error = await invoke(async () => thrower()).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, message });
    expect(lines.find(({ level }) => level === 'ERROR')).toMatchObject({
      stage: 'convert',
      correlation_id: 'a1b2',
      service: 'torchferry',
      error: { name, message },
    });
  });
});

describe('what is written', () => {
  it('names job and stage in every line, and forgets them afterwards', async () => {
    const handler = stageHandler(
      'convert',
      async (_, { log }) => {
        log('converted', { nodes: 12 });
        return null;
      },
      new MemoryS3().client(),
    );
    await handler(INPUT, CONTEXT);
    await handler({ execution: 'arn:aws:states:::execution:x' }, CONTEXT);
    await handler({}, CONTEXT);
    const converted = lines.filter(({ message }) => message === 'converted');
    expect(converted).toMatchObject([
      { nodes: 12, stage: 'convert', correlation_id: 'a1b2' },
      { nodes: 12, stage: 'convert', correlation_id: 'arn:aws:states:::execution:x' },
      { nodes: 12, stage: 'convert' },
    ]);
    expect(converted[2]).not.toHaveProperty('correlation_id');
  });

  it('measures every stage, also one that fails', async () => {
    await expect(
      invoke(async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow();
    expect(lines).toContainEqual(
      expect.objectContaining({ StageTime: expect.any(Number), stage: 'convert', service: 'torchferry' }),
    );
    expect(lines.some((line) => 'ModelBytes' in line)).toBe(false);
  });

  it('measures the model once, when it is claimed', async () => {
    await stageHandler('claim', async () => null, new MemoryS3().client())(INPUT, CONTEXT);
    expect(lines).toContainEqual(expect.objectContaining({ ModelBytes: 4096, service: 'torchferry' }));
  });

  it.each([
    ['UnsupportedOperator', 'RefusedUploads'],
    ['BadJob', 'RefusedUploads'],
    ['StorageUnavailable', 'FaultedJobs'],
    ['AccessDenied', 'FaultedJobs'],
    ['Sandbox.Timedout', 'FaultedJobs'],
    ['TypeError', 'FaultedJobs'],
  ])('counts a job that failed of %s among %s', async (error, metric) => {
    const release = stageHandler('release', async () => null, new MemoryS3().client());
    await release({ failure: { error }, redriven: false }, CONTEXT);
    const counted = (): string[] =>
      lines.flatMap((line) => ['RefusedUploads', 'FaultedJobs'].filter((name) => line[name] === 1));
    expect(counted()).toEqual([metric]);
    await release({ failure: { error }, redriven: true }, CONTEXT);
    expect(counted()).toEqual([metric]);
  });
});
