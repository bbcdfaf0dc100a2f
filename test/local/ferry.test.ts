/**
 * The deployed machine, run here over folders with small stages: what an upload becomes, and what becomes of trouble.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../local/execution.ts';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import { folderStore } from '../../local/folder-store.ts';
import { StatesError } from '../../local/states-error.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { messageOf } from '../../shared/pipeline/report/failures.ts';
import type { Report } from '../../shared/report/report.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { PROGRAM, type Before, fakeStages, unsupported } from './fake-stages.ts';
import { virtualClock } from './virtual-clock.ts';

/** What Claim looks at: an archive of arrays. */
const NPZ = await writeNpz([['x', memoryData('float32', [1], new Uint8Array(4))]]);

let root: string;
let history: HistoryEvent[];
let events: FerryEvent[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ferry-'));
  for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
  history = [];
  events = [];
});
afterEach(() => rm(root, { recursive: true }));

const ferry = (before?: Before): Ferry =>
  makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    stages: fakeStages(before),
    interpret: { random: () => 0.5, onEvent: (event) => history.push(event) },
    onEvent: (event) => events.push(event),
  });

const upload = async (key: string, content: Uint8Array | string = PROGRAM): Promise<void> => {
  await mkdir(join(root, 'input', key, '..'), { recursive: true });
  await writeFile(join(root, 'input', key), content);
};
const saved = (name: string): Buffer => readFileSync(new URL(`../fixtures/torch-save/${name}`, import.meta.url));
const job = (key: string, options: unknown): Promise<void> => upload(key, JSON.stringify(options));
const request = (key: string, more: Record<string, Json> = {}): Json => ({ bucket: 'input', key, ...more });
const s3Event = (key: string, version?: string): Json => ({
  source: 'aws.s3',
  'detail-type': 'Object Created',
  detail: {
    bucket: { name: 'input' },
    object: { key, size: 104, etag: 'abc', ...(version === undefined ? {} : { 'version-id': version }) },
    reason: 'CompleteMultipartUpload',
  },
});
const outputs = async (): Promise<string[]> =>
  (await readdir(join(root, 'output'), { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(join(root, 'output').length + 1))
    .sort();
const folderOf = async (): Promise<string> =>
  (await outputs()).find((path) => path.endsWith('report.json'))!.slice(0, -'report.json'.length);
const report = async (): Promise<Report> =>
  JSON.parse(await readFile(join(root, 'output', await folderOf(), 'report.json'), 'utf8')) as Report;
const busEvents = (): [string, Record<string, Json>][] =>
  events.flatMap((e) =>
    e.kind === 'event' ? [[e.type, e.detail as Record<string, Json>] as [string, Record<string, Json>]] : [],
  );
const startedStages = (): string[] =>
  events.flatMap((e) =>
    e.kind === 'stage' && e.status === 'started' ? [e.variant === null ? e.stage : `${e.stage} ${e.variant}`] : [],
  );

describe('an upload', () => {
  it('becomes models, a report and an event', async () => {
    await upload('nets/my net+1.pt2');
    const outcome = await ferry().convert(s3Event('nets/my net+1.pt2'));
    expect(outcome.status).toBe('SUCCEEDED');
    const folder = await folderOf();
    expect(folder).toMatch(/^nets\/my net\+1\/[0-9a-f]{12}\/$/);
    expect(await outputs()).toEqual([
      ...['model.int8.onnx', 'model.onnx', 'report.html', 'report.json'].map((name) => folder + name),
      'nets/my net+1/latest.json',
    ]);
    expect(startedStages().sort()).toEqual([
      'claim',
      'convert',
      'quantize int8',
      'report',
      'validate fp32',
      'validate int8',
    ]);
    expect(busEvents()).toEqual([
      [
        'model.conversion.completed',
        expect.objectContaining({
          model: { bucket: 'input', key: 'nets/my net+1.pt2' },
          result: expect.objectContaining({
            verdict: 'pass',
            chosen: 'int8',
            report: `${folder}report.json`,
            sizeRatio: 0.25,
            latencyRatio: null,
            accuracy: {
              against: 'pytorch',
              sqnr: 90,
              maxAbsDiff: 1e-6,
              top1Agreement: 1,
              top1: null,
              top1Drop: null,
            },
          }) as unknown,
        }),
      ],
    ]);
    expect(await report()).toMatchObject({
      verdict: { status: 'pass' },
      chosen: 'int8',
      model: { key: 'nets/my net+1.pt2', bytes: 104, torchVersion: '2.13.0' },
      variants: [
        { name: 'fp32', bytes: 600, failure: null },
        { name: 'int8', bytes: 150, sizeRatio: 0.25 },
      ],
      job: { config: null },
      failure: null,
      warnings: [{ message: 'a note' }],
    });
    expect(await readFile(join(root, 'output', folder, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
    expect(JSON.parse(await readFile(join(root, 'output', 'nets/my net+1/latest.json'), 'utf8'))).toMatchObject({
      folder,
      verdict: 'pass',
      chosen: 'int8',
    });
    expect(await readdir(join(root, 'temporary'))).toEqual([]);
  });

  it('reports when its stages ran', async () => {
    await upload('net.pt2');
    await ferry().convert(request('net.pt2'));
    const { stages } = await report();
    expect(stages.map((s) => (s.variant === null ? s.name : `${s.name} ${s.variant}`)).sort()).toEqual([
      'claim',
      'convert',
      'quantize int8',
      'validate fp32',
      'validate int8',
    ]);
    for (const { startMs, endMs, status } of stages)
      expect([startMs >= 0, endMs >= startMs, status]).toEqual([true, true, 'done']);
  });

  it('is done once, however often it is delivered', async () => {
    await upload('net.pt2');
    const one = ferry();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => one.convert(s3Event('net.pt2'))));
    expect(
      outcomes.map((o) => (o.status === 'SUCCEEDED' ? ((o.output as { duplicate?: boolean }).duplicate ?? false) : o)),
    ).toEqual(expect.arrayContaining([false, true]));
    expect(startedStages().filter((s) => s === 'convert')).toHaveLength(1);
    expect(busEvents()).toHaveLength(1);
    await one.convert(s3Event('net.pt2'));
    expect(startedStages().filter((s) => s === 'convert')).toHaveLength(1);
  });

  it('of a new version goes to a folder of its own, and latest.json follows', async () => {
    await upload('net.pt2');
    await ferry().convert(s3Event('net.pt2'));
    const first = await folderOf();
    await writeFile(join(root, 'input', 'net.pt2'), Buffer.concat([PROGRAM, PROGRAM]));
    await utimes(join(root, 'input', 'net.pt2'), new Date(), new Date());
    await ferry().convert(s3Event('net.pt2'));
    const reports = (await outputs()).filter((path) => path.endsWith('report.json'));
    expect(reports).toHaveLength(2);
    const { folder } = JSON.parse(await readFile(join(root, 'output', 'net/latest.json'), 'utf8')) as {
      folder: string;
    };
    expect(folder).not.toBe(first);
    // Of the job that latest.json named until then.
    const newest = JSON.parse(await readFile(join(root, 'output', folder, 'report.json'), 'utf8')) as Report;
    expect(newest.changes!.since.job.startsWith(first.split('/').at(-2)!)).toBe(true);
  });

  it('can be asked for again by name', async () => {
    await upload('net.pt2');
    for (const again of ['monday', 'monday', 'tuesday']) await ferry().convert(request('net.pt2', { request: again }));
    expect(startedStages().filter((s) => s === 'convert')).toHaveLength(2);
  });

  it('is continued, not refused, when the claim has to be made twice by the same execution', async () => {
    await upload('net.pt2');
    const { convert: _, ...stages } = fakeStages();
    const claims: Json[] = [];
    const { run: claim } = await import('../../shared/pipeline/stages/claim.ts');
    const flaky = makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      // The claim was made, its answer was lost, and Step Functions tries again.
      stages: {
        ...fakeStages(),
        ...stages,
        claim: async (input, services) => {
          const result = await claim(input, services);
          claims.push(result);
          if (claims.length === 1) throw new StatesError('Lambda.ServiceException');
          return result;
        },
      },
      interpret: { clock: virtualClock(), random: () => 0 },
    });
    const outcome = await flaky.convert(request('net.pt2'));
    expect(claims).toMatchObject([{ duplicate: false }, { duplicate: false }]);
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'pass' } });
  });
});

describe('a job file', () => {
  it('chooses what is made, and the report marks defaults', async () => {
    await upload('net.pt2');
    await job('net.job.json', { dtype: 'int8', opset_version: 17 });
    await ferry().convert(request('net.pt2'));
    const found = await report();
    expect(found.job.config).toBe('net.job.json');
    expect(found.job.options).toContainEqual({ name: 'opset_version', value: 17, from: 'job' });
    expect(found.job.options).toContainEqual({ name: 'weights', value: 'embed', from: 'default' });
    expect(found.variants.map((v) => v.name)).toEqual(['int8']);
    // The FP32 model that nobody asked for is no result.
    expect((await outputs()).filter((path) => path.endsWith('.onnx'))).toEqual([
      expect.stringMatching(/model\.int8\.onnx$/) as string,
    ]);
  });

  it('gives way to the options of the request', async () => {
    await upload('net.pt2');
    await job('net.job.json', { opset_version: 17, seed: 5 });
    await ferry().convert(request('net.pt2', { options: { opset_version: 18 } }));
    const options = Object.fromEntries((await report()).job.options.map((o) => [o.name, o.value]));
    expect([options['opset_version'], options['seed']]).toEqual([18, 5]);
  });

  it('with one variant and with three', async () => {
    await upload('a.pt2');
    await upload('b.pt2');
    await upload('c.npz', NPZ);
    await job('a.job.json', { dtype: 'fp32' });
    await job('b.job.json', { calibration: 'c.npz', quant_format: ['QDQ', 'QLinear'] });
    await ferry().convert(request('a.pt2', { folder: 'a/' }));
    await ferry().convert(request('b.pt2', { folder: 'b/' }));
    expect(await outputs()).toEqual([
      'a/model.onnx',
      'a/report.html',
      'a/report.json',
      'b/model.int8.qdq.onnx',
      'b/model.int8.qlinear.onnx',
      'b/model.onnx',
      'b/report.html',
      'b/report.json',
    ]);
  });
});

describe('trouble ends with a report, an event and the code', () => {
  const cases: readonly [
    string,
    { upload?: Uint8Array | string; job?: unknown; before?: Before; request?: Json },
    { code: string; stage: string; message: RegExp },
  ][] = [
    [
      'a job file with mistakes',
      { job: { opsetversion: 17 } },
      { code: 'BadJob', stage: 'claim', message: /did you mean "opset_version"/ },
    ],
    [
      'a job file that names a missing file',
      { job: { calibration: 'none.npz' } },
      { code: 'BadJob', stage: 'claim', message: /there is no file "none.npz"/ },
    ],
    ['an empty file', { upload: '' }, { code: 'UnsupportedFormat', stage: 'claim', message: /an empty file/ }],
    [
      'something that is no model',
      { upload: 'hello' },
      { code: 'UnsupportedFormat', stage: 'claim', message: /a text file/ },
    ],
    [
      'weights without a graph',
      { upload: Buffer.from([0x80, 2, 0x8a]) },
      { code: 'UnsupportedFormat', stage: 'claim', message: /pickle/ },
    ],
    [
      'TorchScript',
      { upload: saved('torchscript.pt') },
      { code: 'UnsupportedFormat', stage: 'claim', message: /TorchScript/ },
    ],
    [
      'a state dict',
      { upload: saved('protocol4.pt') },
      { code: 'UnsupportedFormat', stage: 'claim', message: /a checkpoint of 27 tensors/ },
    ],
    [
      'a Git LFS pointer',
      { upload: 'version https://git-lfs.github.com/spec/v1\n' },
      { code: 'UnsupportedFormat', stage: 'claim', message: /git lfs pull/ },
    ],
    [
      'a model that is not there',
      { request: { bucket: 'input', key: 'gone.pt2' } },
      { code: 'FileNotFound', stage: 'claim', message: /gone\.pt2/ },
    ],
    [
      'a key that leaves the bucket',
      { request: { bucket: 'input', key: '../x.pt2' } },
      { code: 'BadKey', stage: 'claim', message: /"\.\."/ },
    ],
    [
      'a request without a key',
      { request: { bucket: 'input' } },
      { code: 'WrongUsage', stage: 'claim', message: /no "key"/ },
    ],
    [
      'a request that is no object',
      { request: 'net.pt2' },
      { code: 'WrongUsage', stage: 'claim', message: /no "bucket"|no "key"/ },
    ],
    [
      'operators without a converter',
      { before: (stage) => void (stage === 'convert' && unsupported()) },
      { code: 'UnsupportedOperator', stage: 'convert', message: /aten::mystery/ },
    ],
    [
      'a bug',
      {
        before: (stage) => {
          if (stage === 'convert') throw new TypeError('x is undefined');
        },
      },
      { code: 'TypeError', stage: 'convert', message: /x is undefined/ },
    ],
  ];
  it.each(cases)('%s', async (_name, given, expected) => {
    await upload('net.pt2', given.upload ?? PROGRAM);
    if (given.job) await job('net.job.json', given.job);
    const outcome = await ferry(given.before).convert(given.request ?? request('net.pt2'));
    expect(outcome).toMatchObject({ status: 'FAILED', error: expected.code });
    expect(messageOf(outcome.status === 'FAILED' ? outcome.cause : '')).toMatch(expected.message);
    const found = await report();
    expect(found).toMatchObject({
      verdict: { status: 'fail' },
      chosen: null,
      failure: {
        code: expected.code,
        stage: expected.stage,
        message: expect.stringMatching(expected.message) as string,
      },
    });
    expect((await outputs()).some((path) => path.endsWith('report.html'))).toBe(true);
    expect((await outputs()).some((path) => path.endsWith('latest.json'))).toBe(false);
    expect(busEvents()).toEqual([
      [
        'model.conversion.failed',
        expect.objectContaining({ failure: expect.objectContaining({ error: expected.code }) as unknown }),
      ],
    ]);
    expect(history.filter((e) => e.kind === 'retried')).toEqual([]);
    expect(startedStages().filter((s) => s.startsWith('validate'))).toEqual([]);
    expect(await readdir(join(root, 'temporary'))).toEqual([]);
  });

  it('keeps the details of a failure for the report', async () => {
    await upload('net.pt2');
    await ferry((stage) => void (stage === 'convert' && unsupported())).convert(request('net.pt2'));
    expect((await report()).failure?.details).toEqual({
      operators: [{ name: 'aten::mystery', count: 2, at: 'layer1.0 (net.py:12)' }],
    });
    expect((await report()).stages.map((s) => [s.name, s.status])).toEqual([
      ['claim', 'done'],
      ['convert', 'failed'],
    ]);
  });
});

it('an ONNX file that cannot be read is called by its name, not by where a stage keeps its copy', async () => {
  // A ModelProto that ends inside its graph.
  await upload('nets/broken.onnx', Buffer.from([0x08, 0x08, 0x3a, 0x7f, 0x01]));
  const { convert: _, ...others } = fakeStages();
  const outcome = await makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    stages: others,
    onEvent: (event) => events.push(event),
  }).convert(request('nets/broken.onnx'));
  expect(outcome).toMatchObject({ status: 'FAILED', error: 'CorruptModel' });
  const { failure } = await report();
  // Where it lies, as of a .pt2.
  const file = join(root, 'input/nets/broken.onnx');
  expect(failure).toMatchObject({ stage: 'convert', details: { file } });
  expect(failure!.message).toContain(`"${file}" is not a valid model`);
  expect(JSON.stringify([outcome, events])).not.toContain(join(root, 'temporary'));
});

it('a model that no function can hold is refused before it is read', async () => {
  await upload('net.pt2');
  const { run: claim } = await import('../../shared/pipeline/stages/claim.ts');
  const services = {
    store: folderStore({ input: join(root, 'input'), work: join(root, 'work') }),
    now: Date.now,
    temporaryFolder: root,
    log: () => {},
  };
  const input = {
    request: request('net.pt2'),
    execution: 'e',
    buckets: { output: 'output', work: 'work' },
    tiers: [{ name: 'standard', memoryMb: 512, temporaryMb: 10_240 }],
  };
  await expect(claim(input, services)).rejects.toMatchObject({
    name: 'ModelTooLarge',
    details: { bytes: 104, limit: 0, stage: 'quantize', what: 'memory', needed: 513, there: 512 },
  });
});

describe('one variant that fails', () => {
  const before: Before = (stage, variant) => void (stage === 'quantize' && variant === 'int8.qdq' && unsupported());
  it('keeps the others', async () => {
    await upload('net.pt2');
    await upload('c.npz', NPZ);
    const outcome = await ferry(before).convert(
      request('net.pt2', { options: { calibration: 'c.npz', quant_format: ['QDQ', 'QLinear'] } }),
    );
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'warn', chosen: 'int8.qlinear' } });
    const { variants } = await report();
    expect(variants.map((v) => [v.name, v.failure?.code ?? null])).toEqual([
      ['fp32', null],
      ['int8.qdq', 'UnsupportedOperator'],
      ['int8.qlinear', null],
    ]);
    expect(variants[1]!.failure).toMatchObject({
      stage: 'quantize',
      details: { operators: [{ name: 'aten::mystery' }] },
    });
    expect(busEvents()[0]![0]).toBe('model.conversion.completed');
  });

  it('and leaves none, fails the job', async () => {
    await upload('net.pt2');
    const outcome = await ferry((stage) => void (stage === 'quantize' && unsupported())).convert(
      request('net.pt2', { options: { dtype: 'int8' } }),
    );
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'UnsupportedOperator' });
    expect(busEvents().map(([type]) => type)).toEqual(['model.conversion.failed']);
  });
});

describe('trouble of AWS', () => {
  const failTimes = (stage: string, error: string, times: number): Before => {
    let left = times;
    return (name) => {
      if (name === stage && left-- > 0)
        throw new StatesError(error, `{"errorType":"${error}","errorMessage":"not now"}`);
    };
  };
  const virtual = (before: Before): Ferry =>
    makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      stages: fakeStages(before),
      interpret: { clock: virtualClock(Date.now()), random: () => 0.5, onEvent: (event) => history.push(event) },
    });

  it.each([
    'Lambda.TooManyRequestsException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
  ])('%s is tried again', async (error) => {
    await upload('net.pt2');
    expect(await virtual(failTimes('convert', error, 3)).convert(request('net.pt2'))).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(history.filter((e) => e.kind === 'retried')).toHaveLength(3);
  });

  it.each(['Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown', 'States.Timeout', 'Runtime.OutOfMemory'])(
    '%s is not, and the report says so',
    async (error) => {
      await upload('net.pt2');
      const outcome = await virtual((stage) => {
        if (stage === 'convert') throw new StatesError(error, 'Task timed out after 900.00 seconds');
      }).convert(request('net.pt2'));
      expect(outcome).toMatchObject({ status: 'FAILED', error });
      expect(history.filter((e) => e.kind === 'retried')).toEqual([]);
      expect(await report()).toMatchObject({ failure: { code: error, stage: 'convert' } });
    },
  );

  it('gives up after the last attempt, with a report', async () => {
    await upload('net.pt2');
    expect(
      await virtual(failTimes('convert', 'Lambda.ServiceException', 99)).convert(request('net.pt2')),
    ).toMatchObject({ status: 'FAILED', error: 'Lambda.ServiceException' });
    expect(await report()).toMatchObject({ failure: { code: 'Lambda.ServiceException' } });
  });

  it('a report that cannot be written still ends with the event and the first error', async () => {
    await upload('net.pt2');
    const broken = makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      stages: {
        ...fakeStages((stage) => void (stage === 'convert' && unsupported())),
        report: () => Promise.reject(new Error('no report')),
      },
      onEvent: (event) => events.push(event),
    });
    expect(await broken.convert(request('net.pt2'))).toMatchObject({ status: 'FAILED', error: 'UnsupportedOperator' });
    expect(busEvents().map(([type]) => type)).toEqual(['model.conversion.failed']);
  });

  it('facts that cannot be read end in a report of the failure alone', async () => {
    await upload('net.pt2');
    const spoil = ferry(async (stage) => {
      if (stage !== 'validate') return;
      const [id] = await readdir(join(root, 'work', 'jobs'));
      await writeFile(join(root, 'work', 'jobs', id!, 'facts', 'convert.json'), '{');
    });
    expect(await spoil.convert(request('net.pt2'))).toMatchObject({ status: 'FAILED', error: 'SyntaxError' });
    expect(await report()).toMatchObject({
      verdict: { status: 'fail' },
      failure: { code: 'SyntaxError', stage: 'report' },
    });
  });
});

describe('between states', () => {
  it('travels little: outputs under 4 KB with the longest key, every variant failing, long messages', async () => {
    const key = `${'ü'.repeat(100)}/${'模'.repeat(80)}/${'k'.repeat(200)}/${'"'.repeat(200)}/net.pt2`;
    await upload(key);
    const long = 'a message with "quotes", \n lines and ünïcode; '.repeat(500);
    const before: Before = (stage) => {
      if (stage === 'quantize') throw new Error(long);
    };
    await upload(`${key.slice(0, key.lastIndexOf('/'))}/c.npz`, NPZ);
    const options = {
      calibration: 'c.npz',
      quant_format: ['QDQ', 'QLinear'],
      keep_float: Array.from({ length: 500 }, (_, i) => `layer.${i}.conv`),
    };
    expect(await ferry(before).convert({ ...(s3Event(key) as object), options } as Json)).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(await ferry(before).convert(request(key, { options }))).toMatchObject({ status: 'SUCCEEDED' });
    expect(
      await ferry((stage) => {
        if (stage === 'convert') throw new Error(long);
      }).convert(request(key, { request: 'again' })),
    ).toMatchObject({ status: 'FAILED' });
    // The first state passes on what the caller gave.
    const sizes = history.flatMap((e) =>
      e.kind === 'exited' && e.state !== 'Request' ? [{ state: e.state, bytes: e.bytes }] : [],
    );
    expect(sizes.length).toBeGreaterThan(20);
    expect(sizes.filter(({ bytes }) => bytes >= 4096)).toEqual([]);
  });
});
