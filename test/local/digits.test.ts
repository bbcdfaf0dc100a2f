/**
 * A real model through the real stages: a digit recognizer exported by PyTorch, with the outputs PyTorch computes for
 * it.
 */
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalRun, runLocal } from '../../local/run.ts';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { readNpz, writeNpz } from '../../shared/tensor/npz.ts';
import type { JobFile } from '../../shared/pipeline/job/job-schema.ts';
import { readJson } from '../../shared/report/json.ts';
import type { Report, Variant } from '../../shared/report/report.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/pipeline');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'digits-'));
  for (const name of await readdir(FIXTURES)) await copyFile(join(FIXTURES, name), join(root, name));
});
afterAll(() => rm(root, { recursive: true }));

async function convert(
  model: string,
  options: JobFile,
): Promise<{ run: LocalRun; report: Report; out: string; variant: (name: string) => Variant }> {
  const out = await mkdtemp(join(root, 'out-'));
  const run = await runLocal({ model: join(root, model), outDir: out, options });
  const report = readJson(await readFile(join(out, 'report.json'), 'utf8')) as Report;
  return { run, report, out, variant: (name) => report.variants.find((v) => v.name === name)! };
}

describe('static', () => {
  it('both INT8 forms keep what PyTorch recognizes', async () => {
    const { run, report, out, variant } = await convert('digits.pt2', {
      calibration: 'digits.calibration.npz',
      test_data: 'digits.test.npz',
      quant_format: ['QDQ', 'QLinear'],
    });
    expect(run).toMatchObject({ verdict: 'pass', failure: null });
    expect((await readdir(out)).sort()).toEqual([
      'graph.html',
      'model.int8.qdq.onnx',
      'model.int8.qlinear.onnx',
      'model.onnx',
      'report.html',
      'report.json',
    ]);
    // The reference beside the model was found by its name: 20 samples that PyTorch computed.
    const fp32 = variant('fp32').validation!;
    expect(fp32.comparisons[0]).toMatchObject({
      against: 'pytorch',
      samples: 20,
      outputs: [{ withinTolerance: true, top1Agreement: 1 }],
    });
    // PyTorch's own FP32 and its INT8 model both recognize 57 of these 60.
    expect(fp32.accuracy).toEqual({ top1: 0.95, correct: 57, samples: 60 });
    for (const name of ['int8.qdq', 'int8.qlinear']) {
      const { validation, quantization, sizeRatio } = variant(name);
      expect(Math.abs(validation!.accuracy!.correct - 57)).toBeLessThanOrEqual(1);
      // Two convolutions and two Linears at least: the operators with weights.
      expect(quantization!.quantized).toBeGreaterThanOrEqual(4);
      expect(quantization!.calibration).toMatchObject({ samples: 32, file: 'digits.calibration.npz' });
      expect(sizeRatio).toBeLessThan(0.6);
    }
    expect(report.conversion).toMatchObject({ opset: 21, inputs: [{ name: 'x', shape: ['batch', 1, 8, 8] }] });
    expect(report.model).toMatchObject({
      format: 'torch.export archive',
      sha256: '14d6769774200cb14d1ea226871995b98049e0191f5a87ee2cb8464397c84e87',
    });
    expect(report.job.options.find((o) => o.name === 'reference')).toEqual({
      name: 'reference',
      value: 'digits.reference.npz',
      from: 'found',
    });
  });
});

describe('weights', () => {
  it.each<[JobFile['weights'], string[]]>([
    ['embed', ['model.onnx']],
    ['pack', ['model.onnx', 'model.onnx.data']],
    ['link', ['digits.pt2', 'model.onnx']],
  ])('%s', async (weights, files) => {
    const { run, report, out } = await convert('digits.pt2', { dtype: ['fp32'], weights: weights! });
    expect(run.verdict).toBe('pass');
    expect((await readdir(out)).sort()).toEqual(['graph.html', ...files, 'report.html', 'report.json'].sort());
    expect(report.variants[0]!.files.map((f) => f.path).sort()).toEqual(files);
  });
});

describe('ONNX', () => {
  it('can be what is given: it is quantized and compared', async () => {
    const { out } = await convert('digits.pt2', { dtype: ['fp32'] });
    await copyFile(join(out, 'model.onnx'), join(root, 'plain.onnx'));
    const { report, run } = await convert('plain.onnx', { reference: 'digits.reference.npz', dtype: ['int8'] });
    expect(run).toMatchObject({ verdict: 'pass', chosen: 'int8' });
    expect(report.conversion).toBeNull();
    expect(report.variants[0]!.validation!.comparisons.map((c) => c.against)).toEqual(['pytorch', 'fp32']);
  });

  it('that is quantized already is the INT8 variant', async () => {
    const { out } = await convert('digits.pt2', { dtype: ['int8'], calibration: 'digits.calibration.npz' });
    await copyFile(join(out, 'model.int8.onnx'), join(root, 'quantized.onnx'));
    const { report } = await convert('quantized.onnx', { reference: 'digits.reference.npz' });
    expect(report.variants.map((v) => [v.name, v.dtype, v.files.map((f) => f.path), v.quantization])).toEqual([
      ['int8', 'int8', ['model.int8.onnx'], null],
    ]);
    expect(report.warnings[0]!.message).toMatch(/quantized already/);
  });
});

describe('a program that PyTorch quantized', () => {
  const PT2E = join(import.meta.dirname, '../fixtures/pt2e');

  it('equals PyTorch in the form that is asked for, on integer kernels', async () => {
    const name = 'digits_cnn-x86-static';
    await copyFile(join(PT2E, `${name}.pt2`), join(root, 'pt2e.pt2'));
    const arrays = await readNpz(memorySource('digits_cnn.npz', await readFile(join(PT2E, 'digits_cnn.npz'))));
    const [x, expected] = ['x', name].map((key) => arrays.get(key)!.data);
    await writeFile(
      join(root, 'pt2e.reference.npz'),
      await writeNpz([
        ['x', x!],
        ['linear_1', expected!],
      ]),
    );
    // Codes that PyTorch chose saturate where products are added in 16 bits: judged is what the others compute.
    const { run, report, variant } = await convert('pt2e.pt2', { quant_format: ['QLinear'], processor: 'vnni' });
    expect(run).toMatchObject({ verdict: 'pass', chosen: 'int8' });
    expect(report.warnings.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('quantized already: its codes and scales are kept'),
    );
    const { validation, operators } = variant('int8');
    expect(validation!.comparisons[0]).toMatchObject({
      against: 'pytorch',
      outputs: [{ withinTolerance: true, top1Agreement: 1 }],
    });
    expect(validation!.kernels).toHaveLength(4);
    expect(validation!.kernels!.filter(({ kernel }) => kernel === null)).toEqual([]);
    expect(operators.map(({ operator }) => operator)).not.toContain('DequantizeLinear');
  });
});

describe('data that does not fit', () => {
  it('is refused for the variant that needs it, by name', async () => {
    await writeFile(join(root, 'other.npz'), await writeNpz([['z', memoryData('float32', [1], new Uint8Array(4))]]));
    const { run, variant } = await convert('digits.pt2', { calibration: 'other.npz' });
    expect(run.verdict).toBe('warn');
    expect(run.failed).toMatchObject([{ variant: 'int8', code: 'BadCalibrationData' }]);
    expect(variant('fp32').failure).toBeNull();
    expect(variant('int8').failure).toMatchObject({
      stage: 'quantize',
      message: expect.stringContaining('other.npz') as string,
    });
  });
});
