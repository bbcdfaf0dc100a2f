/** Inputs and outputs are called as the author calls them, and data may use the names of PyTorch's graph as well. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runLocal } from '../../local/run.ts';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import type { ConvertOptions } from '../../shared/convert/convert.ts';
import type { Report, Validation } from '../../shared/report/report.ts';
import { convertFile, type ConvertedFile } from '../../shared/steps/convert-file.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';
import { readNpz, writeNpz } from '../../shared/tensor/npz.ts';

const FOLDER = join(import.meta.dirname, 'named');

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'torchferry-names-'))));
afterAll(() => rmSync(folder, { recursive: true }));

async function converted(name: string, options: ConvertOptions = {}): Promise<ConvertedFile> {
  const source = fileSource(join(FOLDER, `${name}.pt2`));
  try {
    return await convertFile({ source, path: at(`${name}.onnx`), options, weights: 'embed' });
  } finally {
    source.close();
  }
}
const names = ({ facts }: ConvertedFile): { inputs: string[]; outputs: string[] } => ({
  inputs: facts.inputs.map(({ name }) => name),
  outputs: facts.outputs.map(({ name }) => name),
});

const NAMES: Readonly<Record<string, { readonly inputs: readonly string[]; readonly outputs: readonly string[] }>> = {
  dict: { inputs: ['x'], outputs: ['logits', 'score'] },
  dataclass: { inputs: ['x'], outputs: ['logits', 'score'] },
  nested: {
    inputs: ['batch.image', 'batch.mask', 'extras.0', 'extras.1', 'scale'],
    outputs: ['out.logits', 'boxes.0', 'boxes.1', 'pair.0', 'pair.1', 'image'],
  },
  clash: { inputs: ['x', 'y'], outputs: ['x_out_2', 'x_out', 'weight', 'x.a', 'x_2', 'n.a', 'n.a_2'] },
};

/** The reference with its arrays under other names: `input_0` becomes the first of them. */
async function reference(name: string, inputs: readonly string[], outputs: readonly string[]): Promise<Uint8Array> {
  const source = fileSource(join(FOLDER, `${name}.reference.npz`));
  const arrays = await readNpz(source);
  const renamed = (stem: string, all: readonly string[]) =>
    all.map((called, i) => [called, arrays.get(`${stem}_${i}`)!.data] as const);
  const bytes = await writeNpz([...renamed('input', inputs), ...renamed('output', outputs)]);
  source.close();
  return bytes;
}

async function validated(name: string, bytes: Uint8Array): Promise<Validation> {
  const data = memorySource('reference', bytes);
  return validateFile({ model: at(`${name}.onnx`), reference: data, now: () => performance.now() });
}
function requireEqual({ checks, comparisons }: Validation, outputs: readonly string[]): void {
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(comparisons[0]!.outputs.map(({ output, withinTolerance }) => [output, withinTolerance])).toEqual(
    outputs.map((output) => [output, true]),
  );
}

describe.each(Object.keys(NAMES))('%s', (name) => {
  const { inputs, outputs } = NAMES[name]!;

  test('has the names of its structure, and PyTorch computes the same', async () => {
    expect(names(await converted(name))).toEqual({ inputs, outputs });
    requireEqual(await validated(name, await readFile(join(FOLDER, `${name}.reference.npz`))), outputs);
    requireEqual(await validated(name, await reference(name, inputs, outputs)), outputs);
  });
});

describe('data', () => {
  const graph = {
    inputs: ['batch_image', 'batch_mask', 'extras_0', 'extras_1', 'scale'],
    outputs: ['add', 'add_1', 'sub', 'mul_1', 'mul_2', 'mul_3'],
  };

  test('may use the names of the graph, and a mixture', async () => {
    await converted('nested');
    const { outputs } = NAMES['nested']!;
    requireEqual(await validated('nested', await reference('nested', graph.inputs, graph.outputs)), outputs);
    const mixed = graph.inputs.with(0, 'batch.image');
    requireEqual(await validated('nested', await reference('nested', mixed, graph.outputs.with(5, 'image'))), outputs);
  });

  test('may use all of them beside names that the user chose', async () => {
    const chosen = ['a', 'b', 'c', 'd', 'e', 'f'];
    const made = await converted('nested', { output_names: chosen });
    expect(names(made).outputs).toEqual(chosen);
    expect(made.facts.outputs[0]!.named).toEqual({ from: 'job', aliases: ['out.logits', 'add'] });
    for (const outputs of [NAMES['nested']!.outputs, graph.outputs, chosen])
      requireEqual(await validated('nested', await reference('nested', graph.inputs, outputs)), chosen);
  });

  test('may use them for an INT8 model as well', async () => {
    await converted('nested');
    await quantizeFile({
      model: at('nested.onnx'),
      path: at('nested.int8.onnx'),
      approach: 'dynamic',
      format: 'QDQ',
      weights: 'embed',
      workFolder: folder,
    });
    const data = memorySource('reference', await reference('nested', graph.inputs, graph.outputs));
    const { comparisons } = await validateFile({
      model: at('nested.int8.onnx'),
      reference: data,
      now: () => performance.now(),
    });
    expect(comparisons[0]!.outputs.map(({ output }) => output)).toEqual(NAMES['nested']!.outputs);
  });
});

describe('names that are chosen', () => {
  test('win over those of the structure', async () => {
    const options = { input_names: ['image'], output_names: ['a', 'b'] };
    expect(names(await converted('dict', options))).toEqual({ inputs: ['image'], outputs: ['a', 'b'] });
  });

  test('may not be those of an input', async () => {
    await expect(converted('dict', { output_names: ['x', 'b'] })).rejects.toMatchObject({
      code: 'BadOption',
      details: { option: 'output_names' },
    });
  });

  test('are in the report with their origin and the other names', async () => {
    const model = at('dict.pt2');
    writeFileSync(model, await readFile(join(FOLDER, 'dict.pt2')));
    await runLocal({ model, outDir: at('out'), options: { dtype: ['fp32'], input_names: ['image'] } });
    const { conversion } = JSON.parse(await readFile(at('out/report.json'), 'utf8')) as Report;
    expect(conversion!.inputs[0]).toMatchObject({ name: 'image', named: { from: 'job', aliases: ['x'] } });
    expect(conversion!.outputs).toMatchObject([
      { name: 'logits', named: { from: 'program', aliases: ['linear'] } },
      { name: 'score', named: { from: 'program', aliases: ['sum_1'] } },
    ]);
    const html = await readFile(at('out/report.html'), 'utf8');
    expect(html).toContain('<small>chosen in the job; also x</small>');
    expect(html).toContain('<small>also linear</small>');
  });
});
