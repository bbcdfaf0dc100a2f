/** A failed job is recovered: by a new start, by a redrive, by the file it was missing; and never twice at once. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import { StatesError } from '../../local/states-error.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { PROGRAM, type Before, fakeStages, unsupported } from './fake-stages.ts';

const NPZ = await writeNpz([['x', memoryData('float32', [1], new Uint8Array(4))]]);

let root: string;
let events: FerryEvent[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'recovery-'));
  for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
  events = [];
});
afterEach(() => rm(root, { recursive: true }));

const ferry = (before?: Before): Ferry =>
  makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    stages: fakeStages(before),
    interpret: { random: () => 0 },
    onEvent: (event) => events.push(event),
  });
const put = (key: string, content: Uint8Array | string = PROGRAM) => writeFile(join(root, 'input', key), content);
const request = (more: Record<string, Json> = {}): Json => ({ bucket: 'input', key: 'net.pt2', ...more });
const s3Event = (key: string): Json => ({ detail: { bucket: { name: 'input' }, object: { key, size: 104 } } });
const started = (): string[] =>
  events.flatMap((e) =>
    e.kind === 'stage' && e.status === 'started' ? [e.variant === null ? e.stage : `${e.stage} ${e.variant}`] : [],
  );
const bus = (): string[] => events.flatMap((e) => (e.kind === 'event' ? [e.type] : []));
const latest = async (): Promise<unknown> =>
  JSON.parse(await readFile(join(root, 'output', 'net/latest.json'), 'utf8')) as unknown;
/** Fails in a stage, by the name of an error of AWS, so many times. */
const failing = (stage: string, times = 1): Before => {
  let left = times;
  return (name) => {
    if (name === stage && left-- > 0) throw new StatesError('Sandbox.Timedout', 'Task timed out after 900.00 seconds');
  };
};

describe('a new start', () => {
  it('takes a failed job over, and a completed one not', async () => {
    await put('net.pt2');
    const one = ferry(failing('convert'));
    expect(await one.convert(s3Event('net.pt2'))).toMatchObject({ status: 'FAILED', error: 'Sandbox.Timedout' });
    expect(await one.convert(request())).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'pass' } });
    expect(bus()).toEqual(['model.conversion.failed', 'model.conversion.completed']);
    expect(await latest()).toMatchObject({ verdict: 'pass' });
    expect(await one.convert(request())).toMatchObject({ status: 'SUCCEEDED', output: { duplicate: true } });
  });

  it('of ten at a time is one', async () => {
    await put('net.pt2');
    const one = ferry(failing('quantize'));
    await one.convert(request({ options: { dtype: 'int8' } }));
    const before = started().length;
    await Promise.all(Array.from({ length: 10 }, () => one.convert(request({ options: { dtype: 'int8' } }))));
    expect(
      started()
        .slice(before)
        .filter((stage) => stage === 'convert'),
    ).toHaveLength(1);
  });

  it('may fail and be taken over as often as it takes', async () => {
    await put('net.pt2');
    const one = ferry(failing('convert', 3));
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await one.convert(request())).status);
    expect(statuses).toEqual(['FAILED', 'FAILED', 'FAILED', 'SUCCEEDED']);
  });

  it('is not what a second delivery of the same event is', async () => {
    await put('net.pt2', 'no model');
    const one = ferry();
    expect(await one.convert(s3Event('net.pt2'))).toMatchObject({ status: 'FAILED', error: 'UnsupportedFormat' });
    expect(await one.convert(s3Event('net.pt2'))).toMatchObject({ output: { duplicate: true } });
    expect(bus()).toEqual(['model.conversion.failed']);
  });

  it('takes over from an execution that ended without a word when it is told which', async () => {
    await put('net.pt2');
    const stop = new AbortController();
    const stopped = await ferry((stage) => {
      if (stage === 'convert') stop.abort(new Error('killed'));
    }).convert(request(), { signal: stop.signal, name: 'killed' });
    expect(stopped.status).toBe('ABORTED');
    expect(await ferry().convert(request())).toMatchObject({ output: { duplicate: true } });
    const replaces = 'arn:aws:states:local:000000000000:execution:conversion:killed';
    expect(await ferry().convert(request({ replaces: 'another' }))).toMatchObject({ output: { duplicate: true } });
    expect(await ferry().convert(request({ replaces }))).toMatchObject({ output: { verdict: 'pass' } });
    expect(await ferry().convert(request({ replaces }))).toMatchObject({ output: { duplicate: true } });
  });

  it('by a redriven item of a batch takes over what its first start left', async () => {
    await put('net.pt2');
    const batch = { AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: 'item-1' };
    const stop = new AbortController();
    await ferry((stage) => {
      if (stage === 'convert') stop.abort(new Error('killed'));
    }).convert(request(batch), { signal: stop.signal });
    expect(await ferry().convert(request(batch))).toMatchObject({ output: { verdict: 'pass' } });
  });
});

describe('a redrive', () => {
  it.each([
    ['convert', ['convert', 'quantize int8', 'report', 'validate fp32', 'validate int8']],
    ['report', ['report']],
  ])('enters %s again, with what was there', async (stage, stages) => {
    await put('net.pt2');
    let left = 1;
    const { run: report } = await import('../../shared/pipeline/stages/report.ts');
    const one = makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      stages: {
        ...fakeStages(failing(stage)),
        report: (input, services) =>
          stage === 'report' && left-- > 0
            ? Promise.reject(new StatesError('Sandbox.Timedout'))
            : report(input, services),
      },
      onEvent: (event) => events.push(event),
    });
    const failed = await one.convert(request());
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Sandbox.Timedout' });
    events.length = 0;
    expect(await one.redrive(request(), failed)).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'pass' } });
    expect(started().sort()).toEqual(['release', ...stages].sort());
    expect(await latest()).toMatchObject({ verdict: 'pass', chosen: 'int8' });
    expect(await one.convert(request())).toMatchObject({ output: { duplicate: true } });
  });

  it('of a claim that failed looks again', async () => {
    await put('net.pt2');
    await put('net.job.json', '{"opset": 3}');
    const failed = await ferry().convert(request());
    expect(failed).toMatchObject({ status: 'FAILED', error: 'BadJob' });
    const second = await ferry().redrive(request(), failed);
    expect(second).toMatchObject({ status: 'FAILED', error: 'BadJob' });
    await put('net.job.json', '{}');
    expect(await ferry().redrive(request(), second)).toMatchObject({ output: { verdict: 'pass' } });
  });

  it('of variants that all failed makes them again', async () => {
    await put('net.pt2');
    let broken = true;
    const one = ferry((stage) => void (stage === 'quantize' && broken && unsupported()));
    const failed = await one.convert(request({ options: { dtype: 'int8' } }));
    expect(failed).toMatchObject({ status: 'FAILED', error: 'UnsupportedOperator' });
    broken = false;
    expect(await one.redrive(request(), failed)).toMatchObject({ output: { verdict: 'pass', chosen: 'int8' } });
  });

  it('does not disturb an execution that has taken the job over', async () => {
    await put('net.pt2');
    const one = ferry(failing('convert'));
    const failed = await one.convert(request());
    await one.convert(request());
    events.length = 0;
    expect(await one.redrive(request(), failed)).toMatchObject({ status: 'FAILED', error: 'JobTakenOver' });
    expect(started()).toEqual(['release']);
    expect(await latest()).toMatchObject({ verdict: 'pass' });
  });
});

describe('a file that comes after its model', () => {
  it('starts the job that failed for want of it, once', async () => {
    await put('net.pt2');
    await put('net.job.json', '{"calibration": "c.npz"}');
    expect(await ferry().convert(s3Event('net.pt2'))).toMatchObject({ status: 'FAILED', error: 'BadJob' });
    await put('c.npz', NPZ);
    expect(await ferry().convert(s3Event('c.npz'))).toMatchObject({ status: 'SUCCEEDED', output: { started: 1 } });
    expect(bus()).toEqual(['model.conversion.failed', 'model.conversion.completed']);
    await ferry().convert(s3Event('c.npz'));
    expect(started().filter((stage) => stage === 'convert')).toHaveLength(1);
  });

  it('starts every job that waited for it', async () => {
    for (const name of ['net', 'other']) {
      await put(`${name}.pt2`);
      await put(`${name}.job.json`, '{"calibration": "c.npz"}');
      await ferry().convert(s3Event(`${name}.pt2`));
    }
    await put('c.npz', NPZ);
    expect(await ferry().convert(s3Event('c.npz'))).toMatchObject({ output: { started: 2 } });
    expect(started().filter((stage) => stage === 'convert')).toHaveLength(2);
  });

  it('may be the job file itself, corrected', async () => {
    await put('net.pt2');
    await put('net.job.json', '{"opset": 3}');
    expect(await ferry().convert(s3Event('net.pt2'))).toMatchObject({ error: 'BadJob' });
    await put('net.job.json', '{}');
    await ferry().convert(s3Event('net.job.json'));
    expect(await latest()).toMatchObject({ verdict: 'pass' });
  });

  it('starts nothing where nothing waits', async () => {
    await put('net.pt2');
    await put('c.npz', NPZ);
    for (const key of ['c.npz', 'job.json'])
      expect(await ferry().convert(s3Event(key))).toMatchObject({ status: 'SUCCEEDED', output: { started: 0 } });
    expect([...new Set(started())]).toEqual(['claim']);
    expect(bus()).toEqual([]);
  });
});
