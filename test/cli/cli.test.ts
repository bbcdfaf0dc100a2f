/** The command line as a user meets it: output, files, exit codes. */
import { execFile, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { readSamples } from '../../shared/runtime/samples.ts';
import { withSession } from '../../shared/runtime/session.ts';
import { validateModel } from '../../shared/runtime/validate.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIGITS = join(ROOT, 'examples/digits/digits_cnn.pt2');
const EXAMPLE = join(ROOT, 'examples/digits');
const folder = mkdtempSync(join(tmpdir(), 'torchferry-cli-'));
const model = join(folder, 'digits_cnn.pt2');
beforeAll(() => copyFileSync(DIGITS, model));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function torchferry(...args: string[]): Promise<Ran> {
  return new Promise((done) => {
    execFile(process.execPath, [join(ROOT, 'cli/main.ts'), ...args], { cwd: folder }, (error, out, err) => {
      done({ code: error ? ((error as { code?: number }).code ?? null) : 0, out, err });
    });
  });
}
const json = ({ out }: Ran): { results: Record<string, never>[]; error?: { code: string } } => JSON.parse(out);

describe('convert', () => {
  test('writes beside the model and says what it wrote', async () => {
    const ran = await torchferry('convert', model);
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('10 nodes, opset 21') });
    expect(existsSync(join(folder, 'digits_cnn.onnx'))).toBe(true);
  });

  test('link writes no weights, pack writes them beside', async () => {
    await torchferry('convert', model, '-o', join(folder, 'linked.onnx'), '--weights', 'link');
    await torchferry('convert', model, '-o', join(folder, 'packed.onnx'), '--weights', 'pack');
    expect(statSync(join(folder, 'linked.onnx')).size).toBeLessThan(10_000);
    expect(existsSync(join(folder, 'packed.onnx.data'))).toBe(true);
    for (const name of ['linked.onnx', 'packed.onnx']) {
      expect(
        await torchferry('validate', join(folder, name), '--reference', join(EXAMPLE, 'digits_cnn.reference.npz')),
      ).toMatchObject({ code: 0 });
    }
  });

  test('link needs the folder of the model', async () => {
    mkdirSync(join(folder, 'elsewhere'), { recursive: true });
    const ran = await torchferry('convert', model, '-o', join(folder, 'elsewhere', 'm.onnx'), '--weights', 'link');
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('BadOption') });
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });

  test('int8 from a job file', async () => {
    for (const name of ['digits_cnn.calibration.npz', 'digits_cnn.job.json'])
      copyFileSync(join(EXAMPLE, name), join(folder, name));
    const ran = await torchferry(
      'convert',
      model,
      '--dtype',
      'int8',
      '--job',
      join(folder, 'digits_cnn.job.json'),
      '--json',
    );
    expect(ran.code).toBe(0);
    expect(json(ran).results[0]).toMatchObject({ approach: 'static', format: 'QDQ', quantized: 7 });
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('int8 with packed weights leaves the model and its data, nothing else', async () => {
    const out = join(folder, 'packed-int8');
    expect((await torchferry('convert', model, '-o', `${out}/`, '--dtype', 'int8', '--weights', 'pack')).code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['digits_cnn.int8.onnx', 'digits_cnn.int8.onnx.data']);
  });

  test('several files: every one is tried, the failures are told', async () => {
    const models = join(folder, 'models');
    mkdirSync(models, { recursive: true });
    copyFileSync(DIGITS, join(models, 'good.pt2'));
    writeFileSync(join(models, 'bad.pt2'), 'this is no model');
    const ran = await torchferry('convert', models, '-o', join(folder, 'many'), '--json');
    expect(ran.code).toBe(1);
    expect(json(ran)).toMatchObject({
      results: [{ error: { code: 'UnsupportedFormat' } }, { opset: 21 }],
      error: { code: 'UnsupportedFormat' },
    });
    expect(readdirSync(join(folder, 'many'))).toEqual(['good.onnx']);
  });

  test('opset and names', async () => {
    const ran = await torchferry(
      'convert',
      model,
      '-o',
      join(folder, 'named.onnx'),
      '--opset',
      '13',
      '--input-names',
      'image',
      '--output-names',
      'logits',
      '--json',
    );
    expect(json(ran).results[0]).toMatchObject({
      opset: 13,
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 8, 8] }],
      outputs: [{ name: 'logits' }],
    });
  });
});

describe('refusals', () => {
  const cases: readonly (readonly [string, readonly string[], number, string])[] = [
    ['no command', ['fly'], 2, 'WrongUsage'],
    ['no file', ['convert'], 2, 'WrongUsage'],
    ['an unknown option', ['convert', 'x.pt2', '--fast'], 2, 'WrongUsage'],
    ['an opset that does not exist', ['convert', DIGITS, '--opset', '99'], 2, 'BadOption'],
    ['a dtype that does not exist', ['convert', DIGITS, '--dtype', 'int3'], 2, 'BadOption'],
    ['a file that is not there', ['inspect', 'missing.pt2'], 1, 'FileNotFound'],
    [
      'a number of names that does not fit',
      ['convert', DIGITS, '-o', 'n.onnx', '--input-names', 'a,b'],
      2,
      'BadOption',
    ],
  ];
  test.each(cases)('%s', async (_, args, code, failure) => {
    const ran = await torchferry(...args);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(`torchferry: ${failure}: `);
    const asJson = await torchferry(...args, '--json');
    expect(json(asJson).error?.code).toBe(failure);
  });
});

describe('inspect, ops, quantize, validate', () => {
  test('inspect names inputs and operators', async () => {
    const { out, code } = await torchferry('inspect', model);
    expect(code).toBe(0);
    expect(out).toContain('float32[s77,1,8,8]');
    expect(out).toContain('every operator can be converted');
  });

  test('ops filters by name', async () => {
    const { out } = await torchferry('ops', 'conv2d', '--json');
    expect((JSON.parse(out) as { operators: { operator: string }[] }).operators.map((o) => o.operator)).toContain(
      'aten::conv2d.padding',
    );
  });

  test('quantize and validate', async () => {
    await torchferry('convert', model, '-o', join(folder, 'f.onnx'));
    const made = await torchferry(
      'quantize',
      join(folder, 'f.onnx'),
      '--approach',
      'dynamic',
      '-o',
      join(folder, 'd.onnx'),
      '--json',
    );
    expect(json(made).results[0]).toMatchObject({
      approach: 'dynamic',
      quantized: 2,
      kernels: [{ operator: 'MatMulInteger' }, { operator: 'MatMulInteger' }],
    });
    const checked = await torchferry(
      'validate',
      join(folder, 'd.onnx'),
      '--against',
      join(folder, 'f.onnx'),
      '--data',
      join(EXAMPLE, 'digits_cnn.test.npz'),
      '--labels',
      'y',
      '--json',
    );
    const { accuracy } = json(checked).results[0] as unknown as { accuracy: { top1: number } };
    const recorded = JSON.parse(readFileSync(join(EXAMPLE, 'recorded.json'), 'utf8')) as { torch_fp32_top1: number };
    expect(Math.abs(accuracy.top1 - recorded.torch_fp32_top1)).toBeLessThanOrEqual(0.01);
  });

  test('options for accuracy', async () => {
    await torchferry('convert', model, '-o', join(folder, 'f.onnx'));
    const calibration = join(EXAMPLE, 'digits_cnn.calibration.npz');
    const quantized = (...how: string[]) =>
      torchferry('quantize', join(folder, 'f.onnx'), '-o', join(folder, 'a.onnx'), '--json', ...how);
    const all = ['--smooth-quant', 'auto', '--bias-correction', '--cross-layer-equalization'];
    const { adjustments } = json(await quantized(...all, '--calibration', calibration)).results[0] as unknown as {
      adjustments: readonly { readonly method: string }[];
    };
    expect([...new Set(adjustments.map(({ method }) => method))].sort()).toEqual([
      'bias_correction',
      'channel_order',
      'cross_layer_equalization',
      'smooth_quant',
    ]);
    expect(await quantized('--smooth-quant', '2')).toMatchObject({ code: 2 });
    const dynamic = await quantized('--approach', 'dynamic', '--bias-correction');
    expect(dynamic).toMatchObject({ code: 1, err: expect.stringContaining('BadCalibrationData') });
  });

  test('an old recipe is the option that took its place', async () => {
    await torchferry('convert', model, '-o', join(folder, 'f.onnx'));
    const made = async (...how: string[]): Promise<Buffer> => {
      const path = join(folder, 'recipe.onnx');
      await torchferry('quantize', join(folder, 'f.onnx'), '--approach', 'dynamic', '-o', path, ...how);
      return readFileSync(path);
    };
    const reduced = await made('--reduce-range');
    expect(reduced.equals(await made('--recipe', 'reduce_range'))).toBe(true);
    expect(reduced.equals(await made())).toBe(false);
    expect(await torchferry('quantize', join(folder, 'f.onnx'), '--recipe', 'none')).toMatchObject({ code: 2 });
  });

  test('a model that differs from its reference fails', async () => {
    await torchferry('convert', model, '-o', join(folder, 'f.onnx'));
    await torchferry('quantize', join(folder, 'f.onnx'), '--approach', 'dynamic', '-o', join(folder, 'd.onnx'));
    const ran = await torchferry(
      'validate',
      join(folder, 'd.onnx'),
      '--reference',
      join(EXAMPLE, 'digits_cnn.reference.npz'),
    );
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('ValidationFailed') });
  });
});

describe('a program that PyTorch quantized', () => {
  const quantized = join(import.meta.dirname, '../convert/programs/quantized-static/program.pt2');

  test('is the INT8 model as it is', async () => {
    const ran = await torchferry('convert', quantized, '--dtype', 'int8', '-o', join(folder, 'q.int8.onnx'), '--json');
    expect(ran.code).toBe(0);
    expect(json(ran).results[0]).toMatchObject({ warnings: [expect.stringMatching(/quantized already/)] });
  });

  test('runs, and the report says that nothing was there to compare it with', async () => {
    const ran = await torchferry('run', quantized, '-o', join(folder, 'quantized'), '--json');
    expect(ran.code).toBe(0);
    expect(json(ran).results[0]).toMatchObject({
      verdict: 'warn',
      sentence: 'Not proven: INT8 runs in onnxruntime but was not compared.',
      chosen: 'int8',
    });
  });
});

describe('run', () => {
  test('the digits example: FP32 and INT8 accuracy agree with what PyTorch recorded', async () => {
    const ran = await torchferry('run', DIGITS, '-o', join(folder, 'out'), '--json');
    expect(ran.code).toBe(0);
    const report = JSON.parse(readFileSync(join(folder, 'out', 'report.json'), 'utf8')) as {
      variants: {
        name: string;
        dtype: string;
        files: { path: string }[];
        validation: { accuracy: { samples: number } };
      }[];
    };
    const recorded = JSON.parse(readFileSync(join(EXAMPLE, 'recorded.json'), 'utf8')) as Record<string, number>;
    expect(report.variants.map((v) => v.name)).toEqual(['fp32', 'int8.qdq', 'int8.qlinear']);
    for (const { dtype, files, validation } of report.variants) {
      const expected = dtype === 'fp32' ? recorded['torch_fp32_top1']! : recorded['torch_int8_static_top1']!;
      expect(validation.accuracy.samples).toBe(recorded['samples']);
      expect(Math.abs((await topOneOf(join(folder, 'out', files[0]!.path))) - expected)).toBeLessThanOrEqual(0.005);
    }
  });

  test('a model that cannot be converted gets a report and its code', async () => {
    const bad = join(folder, 'broken.pt2');
    writeFileSync(bad, readFileSync(DIGITS).subarray(0, 30_000));
    const ran = await torchferry('run', bad, '-o', join(folder, 'failed'), '--json');
    expect(ran.code).toBe(1);
    expect(json(ran).error?.code).toBe('CorruptArchive');
    expect(readdirSync(join(folder, 'failed')).sort()).toEqual(['report.html', 'report.json']);
  });
});

/** What the file computes, which is the same on every processor. */
async function topOneOf(model: string): Promise<number> {
  const source = fileSource(join(EXAMPLE, 'digits_cnn.test.npz'));
  try {
    const inputs = await withSession(model, {}, (session) => Promise.resolve(session.inputs));
    const samples = await readSamples(source, inputs, { code: 'BadCalibrationData', labels: 'y' });
    return (await validateModel({ model, samples, products: 'precise', now: () => performance.now() })).accuracy!.top1;
  } finally {
    await source.close();
  }
}

test.each([0, 5, 10, 20, 40])('Ctrl-C %i ms after the work began: a whole file or none', async (delay) => {
  const out = join(folder, `interrupted-${delay}`);
  const child = spawn(process.execPath, [join(ROOT, 'cli/main.ts'), 'run', DIGITS, '-o', out], { cwd: folder });
  child.stderr.once('data', () => setTimeout(() => child.kill('SIGINT'), delay));
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  const left = existsSync(out) ? readdirSync(out) : [];
  // The work may have ended before the signal came.
  if (code === 0) expect(left).toContain('report.html');
  else expect({ code, left }).toEqual({ code: 130, left: [] });
});

test('help for everything', async () => {
  const general = await torchferry('--help');
  for (const command of ['convert', 'inspect', 'quantize', 'validate', 'run', 'ops']) {
    expect(general.out).toContain(command);
    expect((await torchferry(command, '--help')).out).toContain(`torchferry ${command}`);
  }
  expect((await torchferry('--version')).out.trim()).toBe(
    (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version,
  );
});
