/** `recipe: auto` on real models: what it takes, where it goes on from, and what it refuses. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { Trial } from '../../shared/report/quantization.ts';
import { readSamples } from '../../shared/runtime/samples.ts';
import { validateModel } from '../../shared/runtime/validate.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { trialsFile } from '../../shared/steps/trials-file.ts';
import { tuneFile, type TuneFileRequest } from '../../shared/steps/tune-file.ts';
import { readNpz, writeNpz } from '../../shared/tensor/npz.ts';
import { inputsOf } from '../quantize/fixture.ts';
import { modelFile, npz } from '../runtime/models.ts';

const LONG = 120_000;
const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const now = (): number => performance.now();

const root = mkdtempSync(join(tmpdir(), 'torchferry-tune-'));
afterAll(() => rmSync(root, { recursive: true }));

function folder(): string {
  const path = mkdtempSync(join(root, 'work-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const opened = (path: string) => {
  const source = fileSource(fixture(path));
  onTestFinished(() => source.close());
  return source;
};

/** Some arrays of a fixture under other names. */
async function arraysOf(path: string, names: Readonly<Record<string, string>>) {
  const arrays = await readNpz(opened(path));
  const renamed = Object.entries(names).map(([name, from]) => [name, arrays.get(from)!.data] as const);
  return memorySource(path, await writeNpz(renamed));
}

type Rest = Omit<TuneFileRequest, 'model' | 'path' | 'workFolder' | 'weights' | 'now'>;

function tuned(model: string, rest: Rest, trials: Trial[] = []) {
  const workFolder = folder();
  const path = join(workFolder, 'int8.onnx');
  return tuneFile({ model, path, workFolder, weights: 'embed', now, onTrial: (each) => trials.push(each), ...rest });
}

describe('a transformer', () => {
  test('loses less than half a point of top-1', { timeout: LONG }, async () => {
    const model = fixture('quantize/digits_transformer/fp32.onnx');
    const data = await arraysOf('inc/digits_transformer.npz', { x: 'x', y: 'y' });
    const { facts, written } = await tuned(model, {
      asked: {},
      calibration: { name: 'calib', source: await arraysOf('quantize/digits_transformer/data.npz', { x: 'calib' }) },
      data: { source: data, labels: 'y' },
      accuracy: { metric: 'top1', max_drop: 0.005 },
    });
    const tuning = facts.tuning!;
    // PyTorch's FP32 recognizes 329 of 360.
    expect(tuning).toMatchObject({ metric: 'top1', maxDrop: 0.005, fp32: { measured: 329 / 360 }, endedBy: null });
    const chosen = tuning.trials[tuning.chosen]!;
    expect(chosen).toMatchObject({ met: true, layers: { kind: 'all' } });
    const names = tuning.trials.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['static QDQ', 'static QLinear', 'dynamic', 'weights alone']));
    // What was written is what was measured.
    const after = await accuracyOf(written.files[0]!.path, model, data);
    expect(after.correct / 360).toBe(chosen.measured);
    expect(329 - after.correct).toBeLessThanOrEqual(0.005 * 360);
    expect(readdirSync(join(written.files[0]!.path, '..'))).toEqual(['int8.onnx']);
  });
});

async function accuracyOf(model: string, fp32: string, data: Awaited<ReturnType<typeof arraysOf>>) {
  const samples = await readSamples(data, await inputsOf(model), { code: 'BadReferenceData', labels: 'y' });
  return (await validateModel({ model, fp32, samples, now })).accuracy!;
}

describe('a model that two layers break in INT8', () => {
  const facts = JSON.parse(readFileSync(fixture('tuning/two_layers.json'), 'utf8')) as {
    fp32: number;
    broken: string[];
    int8_weights: Record<string, number>;
  };
  const model = join(root, 'two_layers.onnx');
  beforeAll(async () => {
    const source = fileSource(fixture('tuning/two_layers.pt2'));
    await convertFile({ source, path: model, options: {}, weights: 'embed' });
    source.close();
  });

  const data = () => ({ source: opened('tuning/two_layers.test.npz'), labels: 'y' });
  const calibration = () => ({ name: 'calibration', source: opened('tuning/two_layers.calibration.npz') });
  const accuracy = { max_drop: 0.005 };
  const layerOf = (node: string): string => node.split('/')[0]!;

  test('keeps exactly those in float', { timeout: LONG }, async () => {
    // In PyTorch too: each of them alone ruins it, and no other does.
    const ruins = Object.entries(facts.int8_weights).filter(([, top1]) => top1 < facts.fp32 - 0.005);
    expect(ruins.map(([name]) => name)).toEqual(facts.broken);
    const trials: Trial[] = [];
    const made = await tuned(model, { asked: {}, calibration: calibration(), data: data(), accuracy }, trials);
    const tuning = made.facts.tuning!;
    expect(tuning.fp32.measured).toBe(facts.fp32);
    const { layers, met, drop } = tuning.trials[tuning.chosen]!;
    expect([met, drop! <= 0.005]).toEqual([true, true]);
    expect(layers.kind === 'without' && layers.float.map(layerOf).toSorted()).toEqual(facts.broken.toSorted());
    expect(
      made.facts.skipped.filter(({ reason }) => /for accuracy/.test(reason)).map(({ node }) => layerOf(node)),
    ).toEqual(facts.broken);
    expect(made.facts.quantized).toBe(4);
    // What was taken stands in the file, as a job says it.
    const { model: written, close } = await openModel(made.written.files[0]!.path);
    close();
    const job = JSON.parse(written.metadata.get('torchferry.job')!) as { approach: string; keep_float: string[] };
    expect([job.approach, job.keep_float.map(layerOf).toSorted()]).toEqual([
      made.facts.approach,
      facts.broken.toSorted(),
    ]);
    expect(trials).toEqual(tuning.trials);
  });

  const narrow = { approach: 'static', format: 'QDQ', recipe: 'QDQ_OP_FP32_BIAS', observer: 'MinMax' } as const;

  test('what is asked holds in every trial', { timeout: LONG }, async () => {
    const made = await tuned(model, { asked: narrow, calibration: calibration(), data: data(), accuracy });
    expect(made.facts).toMatchObject({ approach: 'static', format: 'QDQ', calibration: { method: 'MinMax' } });
    const names = made.facts.tuning!.trials.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['static QDQ', 'static QDQ, all operators', 'static QDQ, U8U8']);
    const others = /QLinear|int32 bias|codes from Linear|dynamic|alone|Percentile|MSE|auto|Entropy/;
    expect(names.filter((name) => others.test(name))).toEqual([]);
  });

  test('another start goes on from the trials of the one before', { timeout: LONG }, async () => {
    const place = folder();
    const history = trialsFile(place, 'int8');
    const start = (bounds: Rest['bounds'], made: Trial[]) =>
      tuned(model, { asked: narrow, calibration: calibration(), data: data(), accuracy, bounds, history }, made);
    const [first, second, third]: [Trial[], Trial[], Trial[]] = [[], [], []];
    await expect(start({ trials: 7 }, first)).rejects.toMatchObject({
      code: 'AccuracyNotMet',
      message: expect.stringMatching(/the nearest of 7 trials .* the trials of the tuning are used up/),
    });
    expect(first).toHaveLength(7);
    const { facts: whole } = await start({}, second);
    const { trials } = whole.tuning!;
    expect(trials).toEqual([...first, ...second]);
    const { layers } = trials[whole.tuning!.chosen]!;
    expect(layers.kind === 'without' && layers.float.map(layerOf).toSorted()).toEqual(facts.broken.toSorted());
    // Of another goal nothing is known.
    const other = { asked: narrow, calibration: calibration(), data: data(), history };
    await expect(
      tuned(model, { ...other, accuracy: { max_drop: 0.004 }, bounds: { trials: 1 } }, third),
    ).rejects.toThrow();
    expect(third).toHaveLength(1);
    await history.remove();
    expect(readdirSync(place)).toEqual([]);
  });

  test('the time is a bound, within a trial too', { timeout: LONG }, async () => {
    const began = now();
    const rest = { asked: {}, calibration: calibration(), data: data(), accuracy };
    await expect(tuned(model, { ...rest, bounds: { seconds: 0 } })).rejects.toMatchObject({
      code: 'AccuracyNotMet',
      message: expect.stringMatching(/nothing was tried; the seconds of the tuning are used up/),
    });
    const trials: Trial[] = [];
    await expect(tuned(model, { ...rest, bounds: { seconds: 0.5 } }, trials)).rejects.toThrow(/the seconds of/);
    expect(trials.length).toBeLessThan(20);
    expect(now() - began).toBeLessThan(10_000);
  });

  test('SQNR and the mean squared error are goals as well', { timeout: LONG }, async () => {
    const rest = { asked: narrow, calibration: calibration() };
    const sqnr = await tuned(model, { ...rest, accuracy: { metric: 'sqnr', min: 30 } });
    const mse = await tuned(model, { ...rest, accuracy: { metric: 'mse', max_drop: 0.05 } });
    for (const { facts: found } of [sqnr, mse]) {
      const { trials, chosen, data: judged } = found.tuning!;
      expect(judged).toEqual({ file: 'calibration', samples: 64 });
      const { layers } = trials[chosen]!;
      expect(layers.kind === 'without' && layers.float.map(layerOf).toSorted()).toEqual(facts.broken.toSorted());
    }
    expect(sqnr.facts.tuning!.trials[sqnr.facts.tuning!.chosen]!.measured).toBeGreaterThan(30);
  });

  test('a goal that FP32 itself misses is refused before any trial', async () => {
    const trials: Trial[] = [];
    const rest = { asked: {}, calibration: calibration(), data: data() };
    await expect(tuned(model, { ...rest, accuracy: { metric: 'top1', min: 0.99 } }, trials)).rejects.toMatchObject({
      code: 'AccuracyNotMet',
      message: expect.stringMatching(/Top-1 of at least 99.0 %: FP32 itself has 96.5 %; ask for less/),
    });
    expect(trials).toEqual([]);
  });

  test('without data there is nothing to judge by', async () => {
    await expect(tuned(model, { asked: {} })).rejects.toMatchObject({ code: 'NothingToJudgeBy' });
    const top1 = { asked: {}, calibration: calibration(), accuracy: { metric: 'top1' } } as const;
    await expect(tuned(model, top1)).rejects.toMatchObject({
      code: 'NothingToJudgeBy',
      message: expect.stringMatching(/have no top1 to measure/),
    });
  });
});

test('a model that needs all its layers in float is refused, with how near it came', { timeout: LONG }, async () => {
  const weights = Array.from({ length: 16 }, (_, i) => (i % 4 === 3 ? 1e5 : (i % 3) - 1));
  const graph = `g (float[N,4] x) => (float[N,4] y) <float[4,4] w = {${weights.join()}}> { y = MatMul(x, w) }`;
  const model = await modelFile(graph);
  const x = Array.from({ length: 40 }, (_, i) => ((i * 7) % 11) - 5);
  const source = await npz({ x: ['float32', [10, 4], x] });
  const rest = { asked: { approach: 'static' }, calibration: { name: 'x', source } } as const;
  await expect(tuned(model, { ...rest, accuracy: { metric: 'sqnr', min: 300 } })).rejects.toMatchObject({
    code: 'AccuracyNotMet',
    message: expect.stringMatching(
      /SQNR from FP32 of at least 300 dB.*the nearest of \d+ trials .*allow more, or use FP32/,
    ),
  });
  expect(existsSync(model)).toBe(true);
});
