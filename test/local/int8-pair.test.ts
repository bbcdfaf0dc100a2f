/** The INT8 model that Neural Compressor 1.x saved, in a bucket: weights and record are two files beside the FP32 model. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runLocal } from '../../local/run.ts';
import { readJson } from '../../shared/report/json.ts';
import type { Report } from '../../shared/report/report.ts';
import { fixturePath, workFolder } from '../quantize/fixture.ts';

const yaml = (name: string): Buffer => readFileSync(fixturePath('..', 'inc', 'yaml', name));

async function reported(folder: string): Promise<Report> {
  const outDir = workFolder();
  const options = { dtype: ['int8'], quantized_model: 'saved/best_model_weights.pt' } as const;
  await runLocal({ model: join(folder, 'net.onnx'), outDir, options: { ...options, dtype: [...options.dtype] } });
  return readJson(readFileSync(join(outDir, 'report.json'), 'utf8')) as Report;
}

function bucket(record: string | null): string {
  const folder = workFolder();
  mkdirSync(join(folder, 'saved'));
  writeFileSync(join(folder, 'net.onnx'), readFileSync(fixturePath('digits_cnn', 'fp32.onnx')));
  writeFileSync(join(folder, 'saved', 'best_model_weights.pt'), yaml('best_model_weights.pt'));
  if (record !== null) writeFileSync(join(folder, 'saved', 'best_configure.yaml'), record);
  return folder;
}

describe('best_model_weights.pt in a folder below the model', () => {
  test('with best_configure.yaml beside it: the record counts, and where it says otherwise that is told', async () => {
    const record = yaml('plain.yaml').toString('utf8').replace('0.020920386537909508', '0.5');
    const { variants, warnings } = await reported(bucket(record));
    expect(variants[0]!.quantization!.transfer!.modules.map(({ module }) => module)).toContain('fc1');
    expect(warnings.map(({ message }) => message).join()).toMatch(
      /output of "conv1": .*the operator in best_configure says scale 0.5/,
    );
  });

  test('without: what the weights say is enough, and nothing is told', async () => {
    const { variants, warnings } = await reported(bucket(null));
    expect(variants[0]!.failure).toBeNull();
    expect(variants[0]!.quantization!.transfer!.modules.map(({ module }) => module)).toContain('fc1');
    expect(warnings.map(({ message }) => message).join()).not.toContain('best_configure');
  });

  test('with a record that is none: the failure names it', async () => {
    const { failure } = await reported(bucket('op: ['));
    expect(failure).toMatchObject({ code: 'BadJob', stage: 'claim' });
    expect(failure!.message).toContain('best_configure.yaml');
  });
});
