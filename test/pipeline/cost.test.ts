/** Cost of a job: money from time, memory and transitions, each figure worked out by hand from the price list. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../local/execution.ts';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import { costOf } from '../../shared/pipeline/cost/cost.ts';
import { transitionsOfItem } from '../../shared/pipeline/cost/transitions.ts';
import { fieldsOf } from '../../shared/pipeline/workspace/job-stage.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { MemoryS3 } from '../functions/memory-s3.ts';
import { type CostSummary, costText } from '../../shared/report/cost.ts';
import { formatDollars } from '../../shared/report/format.ts';
import type { Report, ReportedStage } from '../../shared/report/report.ts';
import { fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';

const ran = (name: string, seconds: number, more: Partial<ReportedStage> = {}): ReportedStage => ({
  name,
  variant: null,
  startMs: 5000,
  endMs: 5000 + seconds * 1000,
  status: 'done',
  ...more,
});

describe('of a job on this machine', () => {
  const cost = costOf({
    stages: [
      ran('claim', 1),
      ran('convert', 4),
      ran('validate', 2, { variant: 'fp32' }),
      ran('quantize', 3, { variant: 'int8' }),
      ran('validate', 5, { variant: 'int8' }),
      ran('report', 0.5),
    ],
    verdict: 'pass',
    failedIn: null,
  });
  const part = (name: string) => cost.parts.find((each) => each.name === name);

  it('is memory times time', () => {
    // 1 s and 0.5 s at 1024 MB; 4 + 2 + 3 + 5 s at 3008 MB: 1.5 + 14 x 2.9375.
    expect(cost.gbSeconds).toBeCloseTo(42.625, 9);
    // At $0.0000133334, arm64: 42.625 x 0.0000133334.
    expect(part('gbSeconds')!.usd).toBeCloseTo(0.000568336175, 11);
    // 14 s with 10,240 MB, of which 512 are free: 14 x 9.5 = 133 GB-s at $0.0000000309.
    expect(cost.storageGbSeconds).toBeCloseTo(133, 9);
    expect(part('storageGbSeconds')!.usd).toBeCloseTo(0.0000041097, 12);
  });

  it('has six requests and seventeen transitions', () => {
    expect(part('invocations')).toMatchObject({ quantity: 6 });
    expect(part('invocations')!.usd).toBeCloseTo(0.0000012, 12);
    // Request, IsWanted, Claim, IsDuplicate, Convert, Variants; MustQuantize, Validate, VariantDone of fp32 and
    // Quantize too of int8; Report, HasFailed, NotifyCompleted, Converted: 6 + 3 + 4 + 4.
    expect(cost.transitions).toBe(17);
    // 17 x $0.025 / 1000
    expect(part('transitions')!.usd).toBeCloseTo(0.000425, 12);
  });

  it('adds up to a tenth of a cent, says so, and what it leaves out', () => {
    // 0.000568336175 + 0.0000041097 + 0.0000012 + 0.000425 + 0.000001 for the event
    expect(cost.usd).toBeCloseTo(0.000999645875, 11);
    expect(cost.basis).toBe('local');
    expect(costText(cost)).toBe(
      'about $0.0010 on AWS, from the times on this machine (42.6 GB-s, 17 transitions; prices of us-east-1, arm64, 2026-11)',
    );
    expect(cost.notCounted).toEqual(expect.arrayContaining(['the free tier', 'S3 requests', 'cold starts']));
    expect([cost.s3Reads, cost.s3Writes]).toEqual([null, null]);
  });

  it('takes as long as its longest chain: claim, convert, int8, report', () =>
    expect(cost.seconds).toBeCloseTo(1 + 4 + 3 + 5 + 0.5, 9));
});

describe('of a job on AWS', () => {
  const requests = { s3Writes: 3, s3Reads: 10 } as const;
  const billed = { basis: 'aws', memoryMb: 4096, architecture: 'x86_64', initMs: 0, ...requests } as const;

  it('has the memory of its functions, their cold starts and their requests', () => {
    const cost = costOf({
      stages: [ran('claim', 1, { billed: { ...billed, memoryMb: 1024, initMs: 250 } }), ran('convert', 2, { billed })],
      verdict: 'pass',
      failedIn: null,
    });
    expect(cost.basis).toBe('aws');
    // 1.25 s x 1 GB + 2 s x 4 GB, at $0.0000166667
    expect(cost.gbSeconds).toBeCloseTo(9.25, 9);
    const usd = Object.fromEntries(cost.parts.map(({ name, usd }) => [name, usd]));
    expect(usd['gbSeconds']).toBeCloseTo(0.000154166975, 12);
    // 6 x $0.005 / 1000 and 20 x $0.0004 / 1000
    expect(usd['s3Writes']).toBeCloseTo(0.00003, 12);
    expect(usd['s3Reads']).toBeCloseTo(0.000008, 12);
    expect(cost.notCounted).not.toContain('S3 requests');
  });

  it('in a Fargate task is what the task costs, and not a function of its memory', () => {
    const task = { ...billed, memoryMb: 16_384, architecture: 'arm64' } as const;
    const cost = costOf({
      stages: [ran('convert', 30, { billed: task }), ran('validate', 1800, { variant: 'fp32', billed: task })],
      verdict: 'pass',
      failedIn: null,
    });
    const usd = Object.fromEntries(cost.parts.map(({ name, usd }) => [name, usd]));
    // A minute at least, and half an hour, of 2 vCPUs with 16 GB and 32 GB of storage, 20 of them free: 31 / 60 hours.
    expect(usd['taskVcpuHours']).toBeCloseTo((31 / 60) * 2 * 0.03238, 9);
    expect(usd['taskGbHours']).toBeCloseTo((31 / 60) * 16 * 0.00356, 9);
    expect(usd['taskStorageGbHours']).toBeCloseTo((31 / 60) * 12 * 0.000111, 9);
    expect([cost.gbSeconds, cost.invocations]).toEqual([0, 0]);
  });

  it('that was killed has the memory of the largest that left word', () => {
    const cost = costOf({
      stages: [ran('convert', 1, { billed }), ran('validate', 900, { variant: 'fp32', status: 'failed' })],
      verdict: 'fail',
      failedIn: null,
    });
    expect(cost.gbSeconds).toBeCloseTo(901 * 4, 6);
  });
});

it.each([
  [0.0000123, '$0.000012'],
  [0.00123, '$0.0012'],
  [0.0999, '$0.10'],
  [0.5, '$0.50'],
  [12.345, '$12.35'],
  [1234.5, '$1,235'],
  [0, '$0.00'],
])('%f dollars are %s', (usd, shown) => expect(formatDollars(usd)).toBe(shown));

describe('through the pipeline', () => {
  let root: string;
  let events: FerryEvent[];
  let history: HistoryEvent[];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cost-'));
    for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
    events = [];
    history = [];
  });
  afterEach(() => rm(root, { recursive: true }));

  const ferry = (stages = fakeStages()): Ferry =>
    makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      stages,
      onEvent: (event) => events.push(event),
      interpret: { onEvent: (event) => history.push(event) },
    });
  const convert = async (stages = fakeStages(), options: Record<string, string> = {}) => {
    await writeFile(join(root, 'input', 'net.pt2'), PROGRAM);
    return ferry(stages).convert({ bucket: 'input', key: 'net.pt2', options });
  };
  const result = () => fieldsOf(fieldsOf(events.findLast((e) => e.kind === 'event')?.detail ?? null)['result'] ?? null);
  const report = async (): Promise<Report> => {
    const { folder } = fieldsOf(result()['output'] ?? null);
    return JSON.parse(await readFile(join(root, 'output', String(folder), 'report.json'), 'utf8')) as Report;
  };
  const entered = (): number => history.filter(({ kind }) => kind === 'entered').length;

  it('stands in the report, in the event and in latest.json', async () => {
    await convert();
    const { cost } = await report();
    expect(cost!.usd).toBeGreaterThan(0);
    const { prices: _prices, parts: _parts, notCounted: _notCounted, ...summary } = cost!;
    expect(result()['cost']).toEqual(summary);
    const latest = JSON.parse(await readFile(join(root, 'output', 'net/latest.json'), 'utf8')) as { cost: unknown };
    expect(latest.cost).toEqual(summary);
    const page = await readFile(
      join(root, 'output', String(fieldsOf(result()['output'] ?? null)['folder']), 'report.html'),
      'utf8',
    );
    expect(page).toContain(costText(cost!));
  });

  it.each([
    ['a job that passes', fakeStages(), {}],
    ['FP32 alone', fakeStages(), { dtype: 'fp32' }],
    ['a conversion that fails', fakeStages((stage) => void (stage === 'convert' && unsupported())), {}],
    ['a variant that fails', fakeStages((stage) => void (stage === 'quantize' && unsupported())), {}],
    ['every variant failed', fakeStages((stage) => void (stage === 'validate' && unsupported())), {}],
    ['a failed claim', fakeStages(), { dtypo: 'x' }],
  ])('counts the states that the machine enters: %s', async (_, stages, options) => {
    await convert(stages, options);
    expect((await report()).cost!.transitions).toBe(entered());
  });

  it('counts about as many requests as S3 would be asked', async () => {
    const s3 = new MemoryS3();
    s3.put('input', 'net.pt2', PROGRAM);
    const asked = { reads: 0, writes: 0 };
    s3.disturb = (_request, operation) => {
      asked[/^(Get|Head)/.test(operation) ? 'reads' : 'writes']++;
      return undefined;
    };
    const outcome = await makeFerry({
      buckets: { input: '', output: '', work: '' },
      store: s3Store(s3.client()),
      temporaryFolder: join(root, 'temporary'),
      stages: fakeStages(),
    }).convert({ bucket: 'input', key: 'net.pt2' });
    const { cost } = (outcome as unknown as { output: { cost: CostSummary } }).output;
    expect(cost.s3Writes).toBe(asked.writes);
    expect(cost.s3Reads! / asked.reads).toBeGreaterThan(0.8);
    expect(cost.s3Reads! / asked.reads).toBeLessThan(1.25);
  });

  it('of a batch counts what its items enter besides', async () => {
    await writeFile(join(root, 'input', 'list.jsonl'), '"net.pt2"\n');
    await writeFile(join(root, 'input', 'net.pt2'), PROGRAM);
    await ferry().batch({ bucket: 'input', manifest: 'list.jsonl' });
    const inItems = history.filter(
      ({ kind, path, state }) => kind === 'entered' && state.startsWith('Manifest') && path.length === 1,
    );
    expect(inItems).toHaveLength(transitionsOfItem());
  });
});
