/** Many models: manifest and prefix, items that fail, tolerance, and the manifest of those to run again. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type Ferry, makeFerry } from '../../local/ferry.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { messageOf } from '../../shared/pipeline/report/failures.ts';
import { relative } from '../../shared/pipeline/stages/batch-report.ts';
import { type BatchCost, costText } from '../../shared/report/cost.ts';
import type { BatchItem } from '../../shared/report/batch.ts';
import { PROGRAM, fakeStages } from './fake-stages.ts';

let root: string;
let events: FerryEvent[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'batch-'));
  for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
  events = [];
});
afterEach(() => rm(root, { recursive: true }));

const ferry = (): Ferry =>
  makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    stages: fakeStages(),
    onEvent: (event) => events.push(event),
  });
const put = async (key: string, content: Uint8Array | string = PROGRAM): Promise<void> => {
  await mkdir(join(root, 'input', key, '..'), { recursive: true });
  await writeFile(join(root, 'input', key), content);
};
const text = (path: string): Promise<string> => readFile(join(root, 'output', path), 'utf8');
const items = async (folder: string): Promise<BatchItem[]> =>
  (JSON.parse(await text(`${folder}/batch-report.json`)) as { items: BatchItem[] }).items;
const brief = (found: readonly BatchItem[]): unknown[] => found.map(({ key, status, code }) => [key, status, code]);
const bus = (): string[] =>
  events.flatMap((e) => (e.kind === 'event' && e.type.startsWith('model.batch') ? [e.type] : []));

const MANIFEST = [
  '"m/a.pt2"',
  '{"key": "m/bad.pt2"}',
  '',
  '{"key": "m/b.pt2", "options": {"dtype": "fp32"}}',
  '{"key": "m/gone.pt2"}',
  '"m/a.pt2"',
].join('\n');

describe('a manifest', () => {
  beforeEach(async () => {
    await put('m/a.pt2');
    await put('m/b.pt2');
    await put('m/bad.pt2', 'no model');
    await put('lists/nightly.jsonl', MANIFEST);
  });
  const start = (more: Record<string, Json> = {}, name = 'run-1') =>
    ferry().batch({ bucket: 'input', manifest: 'lists/nightly.jsonl', maxConcurrency: 1, ...more }, { name });

  it('converts what it can and lists the rest', async () => {
    expect(await start()).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        batch: 'run-1',
        models: 5,
        pass: 2,
        warn: 1,
        fail: 2,
        output: { bucket: 'output', folder: 'lists/nightly/run-1/' },
      },
    });
    const found = await items('lists/nightly/run-1');
    expect(brief(found)).toEqual([
      ['m/a.pt2', 'pass', null],
      ['m/b.pt2', 'pass', null],
      ['m/a.pt2', 'warn', null],
      ['m/bad.pt2', 'fail', 'UnsupportedFormat'],
      ['m/gone.pt2', 'fail', 'FileNotFound'],
    ]);
    expect(found[3]!.sentence).toMatch(/a text file/);
    expect(bus()).toEqual(['model.batch.completed']);
    // Every link leads to a report that is there.
    for (const { report } of found)
      if (report !== null) expect(await text(join('lists/nightly/run-1', report))).toMatch(/^<!doctype html>/);
    expect(found.filter((item) => item.report !== null)).toHaveLength(4);
    expect(await text('lists/nightly/run-1/batch-report.html')).toMatch(/UnsupportedFormat/);
  });

  it('says of each model its size against FP32 and its cost, of failed ones too, and adds up', async () => {
    const outcome = await start();
    const { items: found, cost } = JSON.parse(await text('lists/nightly/run-1/batch-report.json')) as {
      items: BatchItem[];
      cost: BatchCost;
    };
    // INT8 of 150 bytes is chosen beside FP32 of 600; b.pt2 asks for FP32 alone. (Of fakeStages.)
    expect(found.map(({ key, sizeRatio, cost: usd }) => [key, sizeRatio, usd !== null && usd > 0])).toEqual([
      ['m/a.pt2', 0.25, true],
      ['m/b.pt2', null, true],
      ['m/a.pt2', null, false],
      ['m/bad.pt2', null, true],
      ['m/gone.pt2', null, true],
    ]);
    const conversions = found.reduce((sum, { cost: usd }) => sum + (usd ?? 0), 0);
    // Every item has four transitions of its own, at $0.025 / 1000.
    expect(cost.usd).toBeCloseTo(conversions + 5 * 4 * 0.000025, 9);
    expect(cost.models).toBe(4);
    expect(outcome).toMatchObject({ output: { cost: { usd: cost.usd, models: 4, gbSeconds: cost.gbSeconds } } });
    expect(await text('lists/nightly/run-1/batch-report.html')).toContain(costText(cost));
  });

  it('writes a manifest of what failed, which runs again when the cause is gone', async () => {
    await start();
    const again = await text('lists/nightly/run-1/failed.jsonl');
    expect(
      again
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Json),
    ).toEqual([
      { bucket: 'input', key: 'm/bad.pt2' },
      { bucket: 'input', key: 'm/gone.pt2' },
    ]);
    await put('m/bad.pt2');
    await put('m/gone.pt2');
    await put('lists/nightly.jsonl', again);
    expect(await start({}, 'run-2')).toMatchObject({ status: 'SUCCEEDED', output: { models: 2, pass: 2, fail: 0 } });
  });

  it('fails when more fail than are tolerated, and still reports', async () => {
    expect(await start({ toleratedFailurePercentage: 10 })).toMatchObject({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
    });
    const found = await items('lists/nightly/run-1');
    expect(brief(found)).toEqual([
      ['m/a.pt2', 'pass', null],
      ['m/bad.pt2', 'fail', 'UnsupportedFormat'],
      ['m/b.pt2', 'fail', null],
      ['m/gone.pt2', 'fail', null],
      ['m/a.pt2', 'fail', null],
    ]);
    expect((await text('lists/nightly/run-1/failed.jsonl')).trim().split('\n')).toHaveLength(4);
    expect(bus()).toEqual(['model.batch.failed']);
  });

  it('gives its options to every model, and a row may say otherwise', async () => {
    await start({ options: { dtype: 'int8' } });
    const reports = (await items('lists/nightly/run-1'))
      .filter((item) => item.status === 'pass')
      .map((item) => join('lists/nightly/run-1', item.report!.replace('.html', '.json')));
    const variants = await Promise.all(
      reports.map(async (path) =>
        (JSON.parse(await text(path)) as { variants: { name: string }[] }).variants.map((v) => v.name),
      ),
    );
    expect(variants).toEqual([['int8'], ['fp32']]);
  });

  it('that is not there fails with a report of nothing', async () => {
    expect(await start({ manifest: 'lists/none.jsonl' })).toMatchObject({
      status: 'FAILED',
      error: 'FileNotFound',
    });
    expect(bus()).toEqual(['model.batch.failed']);
    expect(await items('lists/none/run-1')).toEqual([]);
  });
});

describe('the first line of a manifest', () => {
  beforeEach(async () => {
    for (const key of ['a.pt2', 'b.pt2', 'c.pt2', 'd.pt2']) await put(key);
    await put('bad.pt2', 'no model');
  });
  const start = (list: string, more: Record<string, Json> = {}) =>
    put('list.jsonl', list).then(() =>
      ferry().batch({ bucket: 'input', manifest: 'list.jsonl', ...more }, { name: 'run-1' }),
    );

  it('may say how many failures are tolerated, and the options of all', async () => {
    const settings = { toleratedFailurePercentage: 10, maxConcurrency: 1, options: { dtype: 'fp32' } };
    const list = `\n${JSON.stringify({ batch: settings })}\n"a.pt2"\n"bad.pt2"\n"b.pt2"\n`;
    expect(await start(list)).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' });
    expect(brief(await items('list/run-1'))).toEqual([
      ['a.pt2', 'pass', null],
      ['bad.pt2', 'fail', 'UnsupportedFormat'],
      ['b.pt2', 'fail', null],
    ]);
    expect(await text('list/run-1/failed.jsonl')).toContain('"options":{"dtype":"fp32"}');
    // What the batch is started with wins.
    expect(await start(list, { toleratedFailurePercentage: 50 })).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('may say how many models are converted at a time', async () => {
    const running = new Set<string>();
    let most = 0;
    const counting = fakeStages(() => new Promise((resolve) => setTimeout(resolve, 20)));
    const many = makeFerry({
      buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
      temporaryFolder: join(root, 'temporary'),
      stages: counting,
      concurrency: 10,
      onEvent: (event) => {
        if (event.kind !== 'stage' || event.job === null) return;
        if (event.stage === 'convert' && event.status === 'started') running.add(event.job);
        if (event.stage === 'report' && event.status === 'done') running.delete(event.job);
        most = Math.max(most, running.size);
      },
    });
    await put('list.jsonl', '{"batch": {"maxConcurrency": 2}}\n"a.pt2"\n"b.pt2"\n"c.pt2"\n"d.pt2"\n');
    expect(await many.batch({ bucket: 'input', manifest: 'list.jsonl' })).toMatchObject({ output: { pass: 4 } });
    expect(most).toBe(2);
  });

  it.each([
    ['{"batch": {"maxConcurrency": "4"}}', /"maxConcurrency" is "4", expected a whole number.*mend line 1/],
    ['{"batch": {"tolerated": 4}}', /"tolerated" is none of options, maxConcurrency, toleratedFailurePercentage/],
    ['{"batch": 4}', /"batch" is 4, expected an object/],
  ])('that says %s fails the batch with a report and an event', async (line, message) => {
    const outcome = await start(`${line}\n"a.pt2"\n`);
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'WrongUsage' });
    expect(messageOf(outcome.status === 'FAILED' ? outcome.cause : '')).toMatch(message);
    expect(bus()).toEqual(['model.batch.failed']);
    expect(await items('list/run-1')).toEqual([]);
  });

  it('says it in the first line only', async () => {
    expect(await start('"a.pt2"\n{"batch": {"maxConcurrency": 2}}\n')).toMatchObject({ output: { pass: 1, fail: 1 } });
    expect((await items('list/run-1'))[1]).toMatchObject({ key: '(line 2)', code: 'BadManifestRow' });
  });
});

describe('a broken line', () => {
  it.each([
    ['null', /line 2 of the manifest is null, expected a key or an object/],
    ['[]', /line 2 of the manifest is .*expected a key or an object/],
    ['{"key": "m/b.pt2"', /line 2 of the manifest is no JSON/],
    ['m/b.pt2', /line 2 of the manifest is no JSON/],
    ['{"name": "m/b.pt2"}', /line 2 of the manifest has no "key"/],
    ['{"key": 7}', /line 2 of the manifest "key" is 7/],
    ['{"key": "m/b.pt2", "options": "fp32"}', /line 2 of the manifest "options" is "fp32"/],
    [`"${'x'.repeat(300_000)}"`, /line 2 of the manifest has 300002 bytes/],
  ])('%.40s is a row of failed.jsonl with its number, and costs no other', async (line, problem) => {
    await put('m/a.pt2');
    await put('m/c.pt2');
    await put('list.jsonl', `\ufeff"m/a.pt2"\r\n${line}\n\n{"key": "m/c.pt2"}`);
    expect(await ferry().batch({ bucket: 'input', manifest: 'list.jsonl' }, { name: 'run-1' })).toMatchObject({
      status: 'SUCCEEDED',
      output: { models: 3, pass: 2, fail: 1 },
    });
    const broken = (await items('list/run-1')).find(({ status }) => status === 'fail')!;
    expect(broken).toMatchObject({ key: '(line 2)', code: 'BadManifestRow', report: null });
    expect(broken.sentence).toMatch(problem);
    const again = await text('list/run-1/failed.jsonl');
    expect(JSON.parse(again)).toMatchObject({ line: 2, problem: broken.sentence, text: line.slice(0, 500) });
    expect(again.trim().split('\n')).toHaveLength(1);
  });
});

it.each([
  [{ maxConcurrency: '4' }, /"maxConcurrency" is "4", expected a whole number/],
  [{ maxConcurrency: 0 }, /"maxConcurrency" is 0/],
  [{ toleratedFailurePercentage: 120 }, /"toleratedFailurePercentage" is 120/],
  [{ options: 'fp32' }, /"options" is "fp32"/],
  [{ bucket: null }, /"bucket" is null/],
  [{ manifest: 7 }, /"manifest" is 7/],
])('a batch with %j fails with a report and an event', async (more, message) => {
  await put('list.jsonl', '"a.pt2"');
  const outcome = await ferry().batch({ bucket: 'input', manifest: 'list.jsonl', ...more }, { name: 'run-1' });
  expect(outcome).toMatchObject({ status: 'FAILED', error: 'WrongUsage' });
  expect(messageOf(outcome.status === 'FAILED' ? outcome.cause : '')).toMatch(message);
  expect(bus()).toEqual(['model.batch.failed']);
  expect(await items('manifest' in more ? 'batch/run-1' : 'list/run-1')).toEqual([]);
});

describe('a prefix', () => {
  it('converts every model under it and passes over the rest', async () => {
    for (const key of ['p/a.pt2', 'p/deep/B.PTH', 'p/c.PT2', 'q/d.pt2']) await put(key);
    await put('p/a.job.json', '{"dtype": "fp32"}');
    await put('p/data.npz', 'x');
    const outcome = await ferry().batch({ bucket: 'input', prefix: 'p/' }, { name: 'run-1' });
    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { models: 3, pass: 3, output: { folder: 'p/run-1/' } },
    });
    expect(brief(await items('p/run-1')).map((row) => (row as string[])[0])).toEqual([
      'p/a.pt2',
      'p/c.PT2',
      'p/deep/B.PTH',
    ]);
  });

  it('may be empty', async () => {
    expect(await ferry().batch({ bucket: 'input', prefix: 'none/' }, { name: 'run-1' })).toMatchObject({
      status: 'SUCCEEDED',
      output: { models: 0 },
    });
  });
});

it('a batch of neither is refused', async () => {
  expect(await ferry().batch({ bucket: 'input' })).toMatchObject({
    status: 'FAILED',
    error: 'WrongUsage',
    cause: expect.stringContaining('manifest') as string,
  });
});

it.each([
  ['a/b/', 'a/b/c', 'c'],
  ['a/b/', 'a/c/d', '../c/d'],
  ['a/b/', 'x/y', '../../x/y'],
  ['', 'x/y', 'x/y'],
  ['a/', 'a', '../a'],
])('from %j to %j is %j', (folder, key, expected) => {
  expect(relative(folder, key)).toBe(expected);
});
