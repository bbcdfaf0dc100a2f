/** One model on this machine: what lies in the output folder afterwards, whatever happened. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FerryEvent } from '../../local/ferry-event.ts';
import { type LocalRun, runLocal } from '../../local/run.ts';
import type { Report } from '../../shared/report/report.ts';
import { PROGRAM, type Before, fakeStages, unsupported } from './fake-stages.ts';

let root: string;
let outDir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'run-'));
  outDir = join(root, 'out');
  await mkdir(join(root, 'models'));
  await writeFile(join(root, 'models', 'net.pt2'), PROGRAM);
});
afterEach(() => rm(root, { recursive: true }));

const run = (more: Partial<Parameters<typeof runLocal>[0]> & { before?: Before } = {}): Promise<LocalRun> => {
  const { before, ...options } = more;
  return runLocal({ model: join(root, 'models', 'net.pt2'), outDir, stages: fakeStages(before), ...options });
};
const report = async (): Promise<Report> => JSON.parse(await readFile(join(outDir, 'report.json'), 'utf8')) as Report;

describe('a run', () => {
  it('leaves models and report under plain names, and nothing else', async () => {
    const result = await run();
    expect(result).toMatchObject({
      verdict: 'pass',
      chosen: 'int8',
      failure: null,
      report: join(outDir, 'report.html'),
    });
    expect((await readdir(outDir)).sort()).toEqual(['model.int8.onnx', 'model.onnx', 'report.html', 'report.json']);
    expect(result.files.map((file) => basename(file))).toEqual([
      'model.int8.onnx',
      'model.onnx',
      'report.html',
      'report.json',
    ]);
    expect((await report()).variants.flatMap((v) => v.files.map((f) => f.path))).toEqual([
      'model.onnx',
      'model.int8.onnx',
    ]);
    expect((await report()).reproduce).toEqual(['torchferry run net.pt2']);
    expect(await readdir(join(root, 'models'))).toEqual(['net.pt2']);
  });

  it('says what changed since the one before, and nothing the first time', async () => {
    await run();
    expect((await report()).changes).toBeUndefined();
    const { created } = (await report()).job;
    await run();
    expect((await report()).changes).toMatchObject({ since: { created }, added: [], removed: [] });
    await writeFile(join(outDir, 'report.json'), 'not ours');
    await run();
    expect((await report()).changes).toBeUndefined();
  });

  it('tells what it is doing', async () => {
    const events: FerryEvent[] = [];
    await run({ onEvent: (event) => events.push(event) });
    const stages = events.flatMap((e) =>
      e.kind === 'stage' ? [`${e.stage}${e.variant ? ` ${e.variant}` : ''} ${e.status}`] : [],
    );
    expect(stages.slice(0, 4)).toEqual(['claim started', 'claim done', 'convert started', 'convert done']);
    expect(stages.slice(-2)).toEqual(['report started', 'report done']);
    expect(stages).toHaveLength(12);
  });

  it('takes options from a job file elsewhere, and options that win over it', async () => {
    await writeFile(join(root, 'other.json'), '{"dtype": "int8", "seed": 3}');
    await run({ job: join(root, 'other.json'), options: { seed: 4 } });
    const options = Object.fromEntries((await report()).job.options.map((o) => [o.name, o]));
    expect([options['dtype'], options['seed']]).toMatchObject([
      { value: ['int8'], from: 'job' },
      { value: 4, from: 'job' },
    ]);
  });

  it('again replaces what the last one made, and only that', async () => {
    await run();
    await writeFile(join(outDir, 'mine.txt'), 'keep');
    await run({ options: { dtype: ['fp32'] } });
    expect((await readdir(outDir)).sort()).toEqual(['mine.txt', 'model.onnx', 'report.html', 'report.json']);
  });

  it.each([
    'inc/digits_cnn-static/best_model.pt',
    'inc/yaml/best_model_weights.pt',
    'quantized-state-dicts/eager-static.pt',
    'quantized-state-dicts/eager-dynamic.pt',
    'fx/cat.int8.pt',
  ])('of %s, INT8 without its FP32 graph, says which file to add, and how', async (name) => {
    const int8 = join(root, 'models', 'best_model.pt');
    await copyFile(join(import.meta.dirname, '../fixtures', name), int8);
    const result = await runLocal({ model: int8, outDir });
    const hint = 'name it <model>.int8.pt beside <model>.pt2 (or .onnx), or set "quantized_model"';
    expect(result).toMatchObject({
      verdict: 'fail',
      failure: { code: 'UnsupportedFormat', message: expect.stringContaining(hint) as string },
    });
    expect(await readFile(join(outDir, 'report.html'), 'utf8')).toContain('name it &lt;model&gt;.int8.pt beside');
  });

  it('that fails leaves the report', async () => {
    const result = await run({ before: (stage) => void (stage === 'convert' && unsupported()) });
    expect(result).toMatchObject({
      verdict: 'fail',
      chosen: null,
      failure: { code: 'UnsupportedOperator', message: expect.stringContaining('aten::mystery') as string },
    });
    expect((await readdir(outDir)).sort()).toEqual(['report.html', 'report.json']);
  });

  it.each<[string, () => Promise<Partial<Parameters<typeof runLocal>[0]> & { before?: Before }>]>([
    ['in a stage', () => Promise.resolve({ before: (stage) => void (stage === 'convert' && unsupported()) })],
    ['with a variant', () => Promise.resolve({ before: (stage) => void (stage === 'validate' && unsupported()) })],
    [
      'for a typo in its job',
      async () => {
        await writeFile(join(root, 'models', 'net.job.json'), '{"dtypes": 1}');
        return {};
      },
    ],
  ])('that fails %s leaves the good results before it, and reports beside them', async (_, prepare) => {
    await run();
    const names = ['model.int8.onnx', 'model.onnx', 'report.html', 'report.json'];
    const contents = (): Promise<string[]> => Promise.all(names.map((name) => readFile(join(outDir, name), 'latin1')));
    const good = await contents();
    for (let times = 0; times < 2; times++) {
      const result = await run(await prepare());
      expect(result).toMatchObject({ verdict: 'fail', report: join(outDir, 'failed', 'report.html') });
      expect(await contents()).toEqual(good);
      expect(result.files.every((file) => file.startsWith(join(outDir, 'failed')))).toBe(true);
    }
    await rm(join(root, 'models', 'net.job.json'), { force: true });
    await run();
    expect((await readdir(outDir)).sort()).toEqual(names);
  });

  it('that fails replaces the report of another failure, and leaves a folder that is not its own', async () => {
    await mkdir(join(outDir, 'failed'), { recursive: true });
    await writeFile(join(outDir, 'failed', 'mine.txt'), 'keep');
    for (let times = 0; times < 2; times++)
      await run({ before: (stage) => void (stage === 'convert' && unsupported()) });
    expect((await readdir(outDir)).sort()).toEqual(['failed', 'report.html', 'report.json']);
    await run();
    expect(await readdir(join(outDir, 'failed'))).toEqual(['mine.txt']);
  });

  it('with a bad job file beside the model leaves the report', async () => {
    await writeFile(join(root, 'models', 'net.job.json'), '{"dtypes": 1}');
    expect(await run()).toMatchObject({ verdict: 'fail', failure: { code: 'BadJob' } });
    expect((await report()).failure?.message).toMatch(/did you mean "dtype"/);
  });
});

describe('refused before anything is written', () => {
  it.each<[string, () => Partial<Parameters<typeof runLocal>[0]>, string]>([
    ['a model that is not there', () => ({ model: join(root, 'none.pt2') }), 'FileNotFound'],
    ['a folder', () => ({ model: root }), 'FileNotFound'],
    ['a file for a folder', () => ({ outDir: join(root, 'models', 'net.pt2') }), 'BadOutput'],
    ['a job file that is not there', () => ({ job: join(root, 'none.json') }), 'FileNotFound'],
  ])('%s', async (_name, options, code) => {
    await expect(run(options())).rejects.toMatchObject({ name: code });
    expect(await readdir(root)).toEqual(['models']);
  });
});

describe('the folder of the model as output folder', () => {
  const models = (): string => join(root, 'models');

  it('keeps the model, also when a report names it', async () => {
    await writeFile(
      join(models(), 'report.json'),
      JSON.stringify({ reportVersion: 1, verdict: { status: 'pass' }, variants: [{ files: [{ path: 'net.pt2' }] }] }),
    );
    await run({ outDir: models() });
    expect(await readFile(join(models(), 'net.pt2'))).toEqual(PROGRAM);
  });

  it('is refused when a result would replace the model', async () => {
    await writeFile(join(models(), 'model.onnx'), PROGRAM);
    await expect(run({ model: join(models(), 'model.onnx'), outDir: models() })).rejects.toMatchObject({
      name: 'BadOutput',
    });
    expect(await readFile(join(models(), 'model.onnx'))).toEqual(PROGRAM);
  });

  it('is refused when a folder has the name of a result', async () => {
    await mkdir(join(outDir, 'report.html'), { recursive: true });
    await expect(run()).rejects.toMatchObject({ name: 'BadOutput' });
  });
});

describe('an abort', () => {
  it.each(['convert', 'quantize', 'validate'] as const)(
    'during %s leaves nothing, and waits for the stage to stop',
    async (during) => {
      const stop = new AbortController();
      let ended = false;
      const before: Before = async (stage) => {
        if (stage !== during) return;
        stop.abort(new DOMException('interrupted', 'AbortError'));
        // Work that does not look at the signal, as inside onnxruntime.
        await new Promise((resolve) => setTimeout(resolve, 50));
        ended = true;
      };
      await expect(run({ before, signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(ended).toBe(true);
      expect(await readdir(outDir)).toEqual([]);
    },
  );

  it('keeps the results of the run before', async () => {
    await run();
    const before = await readFile(join(outDir, 'report.json'), 'utf8');
    const stop = new AbortController();
    await expect(run({ signal: stop.signal, before: () => stop.abort(new Error('stop')) })).rejects.toThrow('stop');
    expect(await readFile(join(outDir, 'report.json'), 'utf8')).toBe(before);
    expect(await readdir(outDir)).toHaveLength(4);
  });

  it('that came first starts nothing', async () => {
    await expect(run({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });
});

it('a process that is killed leaves no results, and the next run removes what it began', async () => {
  const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { runLocal } = await import(${here('../../local/run.ts')});
    const { fakeStages } = await import(${here('./fake-stages.ts')});
    const before = (stage, variant) => variant === 'int8' && stage === 'validate' ? (console.log('ready'), new Promise((resolve) => setTimeout(resolve, 60000))) : undefined;
    await runLocal({ model: ${JSON.stringify(join(root, 'models', 'net.pt2'))}, outDir: ${JSON.stringify(outDir)}, stages: fakeStages(before) });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await readdir(outDir)).sort()).toEqual([
    '.torchferry-lock',
    expect.stringMatching(/^\.torchferry-unfinished-/) as string,
  ]);
  await run();
  expect((await readdir(outDir)).sort()).toEqual(['model.int8.onnx', 'model.onnx', 'report.html', 'report.json']);
});
