/** `status` and `reprocess`: of the folders on this machine, and of a stack through the AWS CLI. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stackPlace } from '../../cli/job-places.ts';
import { makeFerry } from '../../local/ferry.ts';
import { type Before, fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';
import { printed } from './in-process.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'recover-'));
  for (const name of ['in', 'out/.torchferry', 'temporary']) mkdirSync(join(root, name), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const convert = (key: string, before?: Before, signal?: AbortSignal) =>
  makeFerry({
    buckets: { input: join(root, 'in'), output: join(root, 'out'), work: join(root, 'out/.torchferry') },
    temporaryFolder: join(root, 'temporary'),
    stages: fakeStages(before),
  }).convert({ bucket: 'input', key }, signal ? { signal, name: 'killed' } : {});

interface Status {
  readonly counts: unknown;
  readonly jobs: readonly { job: string; status: string; code: string | null; request: { key: string } }[];
}
const status = async (...more: string[]): Promise<Status> =>
  JSON.parse((await printed('status', join(root, 'out'), '--json', ...more)).out) as Status;

describe('on this machine', () => {
  beforeEach(async () => {
    for (const key of ['good.pt2', 'bad.pt2', 'dead.pt2']) writeFileSync(join(root, 'in', key), PROGRAM);
    await convert('good.pt2');
    await convert('bad.pt2', (stage) => void (stage === 'convert' && unsupported()));
    const stop = new AbortController();
    await convert('dead.pt2', () => stop.abort(new Error('killed')), stop.signal);
  });

  it('status lists what failed and what did not finish, each with its next step', async () => {
    const { counts, jobs } = await status();
    expect(counts).toEqual({ completed: 1, failed: 1, unfinished: 1 });
    expect(jobs.map(({ status: state, code, request }) => [request.key, state, code])).toEqual([
      ['bad.pt2', 'failed', 'UnsupportedOperator'],
      ['dead.pt2', 'unfinished', null],
    ]);
    expect((await status('--all')).jobs).toHaveLength(3);
    const { code, out } = await printed('status', join(root, 'out'));
    expect(code).toBe(0);
    expect(out).toMatch(
      /failed {2}[0-9a-f]{32} {2}bad\.pt2 {2}UnsupportedOperator: no converter for 1 operator:\n {2}/,
    );
    expect(out).toMatch(/Replace the operators.*"torchferry reprocess [0-9a-f]{32}"/);
    expect(out).toMatch(/1 completed, 1 failed, 1 unfinished/);
  });

  it('reprocess takes both over, by key, by job or all that failed', async () => {
    const places = ['--models', join(root, 'in'), '--results', join(root, 'out')];
    // The files are no programs: the real stages refuse them, in an attempt of their own.
    const [, dead] = (await status()).jobs;
    const { code, out } = await printed('reprocess', 'bad.pt2', dead!.job, ...places);
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(2);
    const after = await status();
    expect(after.counts).toEqual({ completed: 1, failed: 2, unfinished: 0 });
    expect(after.jobs.map((job) => (job as unknown as { attempts: number }).attempts)).toEqual([2, 2]);
    const all = JSON.parse((await printed('reprocess', '--failed', '--json', ...places)).out) as { jobs: unknown[] };
    expect(all.jobs).toHaveLength(2);
  });

  it('reprocess refuses what is not there', async () => {
    const places = ['--models', join(root, 'in'), '--results', join(root, 'out')];
    expect(await printed('reprocess', 'none.pt2', ...places)).toMatchObject({ code: 1 });
    expect(await printed('reprocess', ...places)).toMatchObject({ code: 2 });
    expect(await printed('reprocess', 'bad.pt2')).toMatchObject({ code: 2 });
    const { out } = await printed('reprocess', 'good.pt2', ...places);
    expect(out).toMatch(/nothing to start again/);
  });
});

it('a stack is asked through the AWS CLI', async () => {
  const log = join(root, 'calls.log');
  const answers = {
    'describe-stacks': {
      Stacks: [
        {
          Outputs: [
            { OutputKey: 'WorkBucketName', OutputValue: 'the-work' },
            { OutputKey: 'ConversionStateMachineArn', OutputValue: 'arn:machine' },
          ],
        },
      ],
    },
    'describe-execution': { status: 'RUNNING' },
    'start-execution': { executionArn: 'arn:execution:new' },
  };
  const script = join(root, 'aws');
  writeFileSync(
    script,
    `#!${process.execPath}\nconst args = process.argv.slice(2);` +
      `require('fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(args) + '\\n');` +
      `console.log(JSON.stringify(${JSON.stringify(answers)}[args[1]]));`,
  );
  chmodSync(script, 0o755);
  vi.stubEnv('PATH', `${root}${delimiter}${process.env['PATH']!}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  const place = await stackPlace('Torchferry');
  expect(place.work).toBe('the-work');
  expect(await place.isRunning('arn:execution:old')).toBe(true);
  expect(await place.start({ bucket: 'b', key: 'net.pt2' }, 'job-2')).toBe('started arn:execution:new');
  const calls = readFileSync(log, 'utf8').trim().split('\n');
  expect(JSON.parse(calls.at(-1)!)).toEqual([
    'stepfunctions',
    'start-execution',
    '--state-machine-arn',
    'arn:machine',
    '--name',
    'job-2',
    '--input',
    '{"bucket":"b","key":"net.pt2"}',
    '--output',
    'json',
  ]);
});
