/** A `.int8.reference.npz`: the report and the command line say how many samples equal PyTorch's INT8. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { arrayOf } from '../../../bench/inc-case.ts';
import { type Ceiling, readCeilings } from '../../../bench/inc-case.ts';
import { runLocal } from '../../../local/run.ts';
import { readJson } from '../../../shared/report/json.ts';
import type { EqualSamples, Report } from '../../../shared/report/report.ts';
import { memoryData } from '../../../shared/tensor/data.ts';
import { writeNpz } from '../../../shared/tensor/npz.ts';
import { printed } from '../../cli/in-process.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const inc = (...parts: readonly string[]): string => fixturePath('..', 'inc', ...parts);
const CEILINGS = readCeilings(inc('ceilings.json'));

/** A folder with the graph of a model, its INT8 form, and what PyTorch computed with that. */
async function folderOf(name: string, int8Changed: (values: Float32Array) => void = () => {}): Promise<string> {
  const [model] = name.split('-') as [string];
  const folder = workFolder();
  copyFileSync(fixturePath(model, 'fp32.onnx'), join(folder, 'net.onnx'));
  copyFileSync(inc(name, 'best_model.pt'), join(folder, 'net.int8.pt'));
  const int8 = await arrayOf(inc(name, 'int8.npz'), 'int8');
  const bytes = Uint8Array.from(await int8.read());
  int8Changed(new Float32Array(bytes.buffer));
  const arrays = [
    ['x', await arrayOf(inc(`${model}.npz`), 'x')],
    ['output_0', memoryData('float32', int8.shape, bytes)],
  ] as const;
  writeFileSync(join(folder, 'net.int8.reference.npz'), await writeNpz(arrays));
  return folder;
}

async function reported(folder: string, options: object = {}): Promise<{ report: Report; html: string }> {
  const outDir = join(folder, 'out');
  await runLocal({ model: join(folder, 'net.onnx'), outDir, options: { dtype: ['int8'], ...options } });
  const read = (name: string): string => readFileSync(join(outDir, name), 'utf8');
  return { report: readJson(read('report.json')) as Report, html: read('report.html') };
}

function expectReached(found: EqualSamples | undefined, ceiling: Ceiling, step: number | null): void {
  expect(found!.samples).toBe(360);
  expect(found!.share).toBeGreaterThanOrEqual((ceiling['equal_1e-5'] ?? ceiling['equal_1e-6']) - 0.02);
  expect(found!.share).toBe(found!.equal / 360);
  if (step !== null) expect(found!.maxAbsDiff).toBeLessThanOrEqual(ceiling.max_abs_diff + step * 1.001);
}

describe('beside the model', () => {
  test('is found by its name, and stands in the report', async () => {
    const { report, html } = await reported(await folderOf('digits_cnn-static'));
    expect(report.job.options.find(({ name }) => name === 'int8_reference')).toMatchObject({
      value: 'net.int8.reference.npz',
      from: 'found',
    });
    const { step, bias_float } = CEILINGS['digits_cnn-static']!;
    const found = report.variants.find(({ name }) => name === 'int8')!.validation!.int8!;
    expectReached(found, bias_float!, step);
    expect(found.atol).toBe(1e-6);
    expect(html).toMatch(/PyTorch(?:'|&#39;)s INT8.*% of 360 samples equal/);
  });

  test('counts each sample: one that differs is one less', async () => {
    const same = (await reported(await folderOf('digits_cnn-static'))).report.variants[0]!.validation!.int8!;
    const folder = await folderOf('digits_cnn-static', (values) => (values[0]! += 100));
    const changed = (await reported(folder)).report.variants[0]!.validation!.int8!;
    expect(changed.equal).toBe(same.equal - 1);
    expect(changed.maxAbsDiff).toBeGreaterThan(99);
  });

  test('of dynamic modules: ranges found at run time are equal within 1e-5', async () => {
    const { report } = await reported(await folderOf('digits_cnn-dynamic'));
    const found = report.variants[0]!.validation!.int8!;
    expectReached(found, CEILINGS['digits_cnn-dynamic']!.activation_bits_7!, null);
    expect(found.atol).toBe(1e-5);
  });

  test('is not for codes of ours', async () => {
    const folder = await folderOf('digits_cnn-static');
    const { report } = await reported(folder, { quantized_model: undefined, dtype: ['fp32'] });
    expect(report.variants[0]!.validation).not.toHaveProperty('int8');
  });
});

describe('convert --int8-reference', () => {
  test('says how many equal', async () => {
    const folder = await folderOf('digits_cnn-static');
    const at = (name: string): string => join(folder, name);
    const args = ['convert', at('net.onnx'), '--quantized', at('net.int8.pt'), '-o', at('int8.onnx')];
    const reference = ['--int8-reference', at('net.int8.reference.npz')];
    const { code, out } = await printed(...args, ...reference, '--json');
    expect(code).toBe(0);
    const { results } = JSON.parse(out) as { results: [{ int8: EqualSamples }] };
    const { step, bias_float } = CEILINGS['digits_cnn-static']!;
    expectReached(results[0].int8, bias_float!, step);
    const said = await printed(...args, ...reference);
    expect(said.out).toMatch(/% of 360 samples equal PyTorch's INT8 within 1e-6, largest difference 0/);
  });

  test('needs an INT8 model', async () => {
    const folder = await folderOf('digits_cnn-static');
    const npz = join(folder, 'net.int8.reference.npz');
    const { code, err } = await printed('convert', join(folder, 'net.onnx'), '--int8-reference', npz);
    expect(code).toBe(2);
    expect(err).toContain('--quantized best_model.pt');
  });
});
