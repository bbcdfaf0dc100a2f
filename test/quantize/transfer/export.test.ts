/** Neural Compressor's three snippets, in TypeScript; and what it refuses. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { arrayOf, outputsOf } from '../../../bench/inc-case.ts';
import { CONVERT_OPTIONS } from '../../../cli/commands/convert-options.ts';
import { Model, Torch2ONNXConfig } from '../../../library.ts';
import { ASKED_DTYPES, CARRIED_DTYPES } from '../../../shared/choices.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { OPTION_NAMES, OPTIONS } from '../../../shared/pipeline/job/job-schema.ts';
import { withSession } from '../../../shared/runtime/session.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { VERSION } from '../../../shared/version.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const GRAPH = fixturePath('digits_transformer', 'fp32.onnx');
const PROGRAM = join(import.meta.dirname, '../../../examples/digits/digits_cnn.pt2');
const INT8 = fixturePath('..', 'inc', 'digits_transformer-static', 'best_model.pt');

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

test('an INT8 file names the graph and the INT8 model it was made of', async () => {
  const path = join(workFolder(), 'int8-model.onnx');
  await (await Model.open(GRAPH, { quantized: INT8 })).export(path);
  const { model: written, close } = await openModel(path);
  onTestFinished(close);
  expect([written.producerName, written.producerVersion]).toEqual(['torchferry', VERSION]);
  expect(Object.fromEntries(written.metadata)).toMatchObject({
    'torchferry.source': 'fp32.onnx',
    'torchferry.source_sha256': sha256(GRAPH),
    'torchferry.quantized_model': 'best_model.pt',
    'torchferry.quantized_model_sha256': sha256(INT8),
  });
});

async function operatorsOf(path: string): Promise<Record<string, number>> {
  const { model, close } = await openModel(path);
  onTestFinished(close);
  const counts: Record<string, number> = {};
  for (const { op } of model.graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

describe('the snippets of its page', () => {
  test('FP32', async () => {
    const path = join(workFolder(), 'fp32-model.onnx');
    const model = await Model.open(PROGRAM);
    const config = new Torch2ONNXConfig({
      dtype: 'fp32',
      input_names: ['input'],
      output_names: ['output'],
      dynamic_axes: { input: { 0: 'batch_size' }, output: { 0: 'batch_size' } },
    });
    await model.export(path, config);
    const { model: written, close } = await openModel(path);
    onTestFinished(close);
    expect(written.opsets.get('')).toBe(14);
    expect(written.producerVersion).toBe(VERSION);
    expect(Object.fromEntries(written.metadata)).toMatchObject({
      'torchferry.source': 'digits_cnn.pt2',
      'torchferry.source_sha256': sha256(PROGRAM),
    });
    expect(written.graph.inputs.map(({ name, type }) => [name, String(type!.shape[0])])).toEqual([
      ['input', 'batch_size'],
    ]);
    expect(written.graph.outputs.map(({ name }) => name)).toEqual(['output']);
  });

  test.each([
    ['QDQ', 'QDQ_OP_FP32_BIAS', ['QuantizeLinear', 'DequantizeLinear', 'MatMul', 'Add']],
    ['QLinear', 'QDQ_OP_FP32_BIAS', ['QuantizeLinear', 'MatMulIntegerToFloat', 'Add']],
    ['QDQ', 'QDQ_OP_INT32_BIAS', ['QuantizeLinear', 'MatMulInteger', 'Add', 'Cast', 'Mul']],
    ['QLinear', 'QDQ_OP_INT32_BIAS', ['QuantizeLinear', 'MatMulInteger', 'Add', 'Cast', 'Mul']],
    [
      'QDQ',
      'QDQ_OP_FP32_BIAS_QDQ',
      ['QuantizeLinear', 'DequantizeLinear', 'MatMul', 'Add', 'QuantizeLinear', 'DequantizeLinear'],
    ],
    [
      'QLinear',
      'QDQ_OP_FP32_BIAS_QDQ',
      ['QuantizeLinear', 'MatMulIntegerToFloat', 'Add', 'QuantizeLinear', 'DequantizeLinear'],
    ],
  ] as const)('INT8 %s %s: the operators of a quantized Linear', async (quant_format, recipe, chain) => {
    const path = join(workFolder(), 'int8-model.onnx');
    const model = await Model.open(GRAPH, { quantized: INT8 });
    await model.export(path, new Torch2ONNXConfig({ dtype: 'int8', opset_version: 14, quant_format, recipe }));
    const { model: written, close } = await openModel(path);
    onTestFinished(close);
    // The first Linear of an MLP: its input comes rounded from a LayerNorm, a float GELU reads its output.
    const found: string[] = [];
    let value = [...written.graph.nodes].find(
      (node) => node.op === 'QuantizeLinear' && node.inputs[0]!.name.startsWith('/block1/ln2'),
    )!;
    found.push(value.op);
    while (found.length < chain.length) {
      const next = [...value.outputs[0]!.uses].map(({ node }) => node).find(({ op }) => op === chain[found.length]);
      expect(next?.op, `after ${found.join(', ')}`).toBe(chain[found.length]);
      found.push(next!.op);
      value = next!;
    }
    expect(found).toEqual([...chain]);
  });
});

test('dtype names the types of activations and weights', async () => {
  const model = await Model.open(GRAPH, { quantized: INT8 });
  const path = join(workFolder(), 'int8.onnx');
  await model.export(path, new Torch2ONNXConfig({ dtype: 'U8U8' }));
  const { model: written, close } = await openModel(path);
  onTestFinished(close);
  const codes = [...written.graph.initializers].filter(({ name }) => name.endsWith('_quantized'));
  expect(new Set(codes.map(({ type }) => type!.dtype))).toEqual(new Set(['uint8']));
});

test('formats in any case; what is unknown is named', () => {
  expect(new Torch2ONNXConfig({ quant_format: 'qoperator' }).quant_format).toBe('QLinear');
  expect(() => new Torch2ONNXConfig({ quant_format: 'QAT' })).toThrow(expect.objectContaining({ code: 'BadOption' }));
  expect(() => new Torch2ONNXConfig({ opset: 14 } as never)).toThrow(expect.objectContaining({ code: 'BadOption' }));
});

test('an old opset is raised, and said', async () => {
  const model = await Model.open(fixturePath('..', '..', '..', 'examples', 'digits', 'digits_cnn.pt2'), {
    quantized: fixturePath('..', 'inc', 'digits_cnn-static', 'best_model.pt'),
  });
  const { warnings } = await model.export(join(workFolder(), 'int8.onnx'), new Torch2ONNXConfig({ opset_version: 11 }));
  expect(warnings.join()).toContain('raised to 13');
});

/** The fields of Neural Compressor's class with their defaults, as its own __init__ lists them (2.0 to 2.6). */
const FIELDS_OF_INC = {
  dtype: 'int8',
  opset_version: 14,
  quant_format: 'QDQ',
  example_inputs: null,
  input_names: null,
  output_names: null,
  dynamic_axes: null,
  recipe: 'QDQ_OP_FP32_BIAS',
};

describe('fields of Torch2ONNXConfig', () => {
  test('with the names and defaults they have there, and one of ours', () => {
    expect({ ...new Torch2ONNXConfig() }).toEqual({ ...FIELDS_OF_INC, dynamic_activations: 'torch' });
  });

  const all = Object.keys(new Torch2ONNXConfig());
  test('in a job', () => expect(OPTION_NAMES).toEqual(expect.arrayContaining(all)));
  test('on the command line', () =>
    expect(Object.keys(CONVERT_OPTIONS)).toEqual(expect.arrayContaining(all.map((name) => name.replaceAll('_', '-')))));

  test('dtype takes the same words everywhere', () => {
    expect(OPTIONS.dtype.check.read([...ASKED_DTYPES], '$', [])).toEqual(ASKED_DTYPES);
    for (const dtype of CARRIED_DTYPES) expect(new Torch2ONNXConfig({ dtype }).dtype).toBe(dtype);
    expect(CONVERT_OPTIONS.dtype.value.split('|')).toEqual(ASKED_DTYPES);
    expect(ASKED_DTYPES.filter((dtype) => !CARRIED_DTYPES.includes(dtype))).toEqual(['int4']);
    expect(() => new Torch2ONNXConfig({ dtype: 'int4' })).toThrow(/option dtype: "int4" is not valid/);
  });
});

describe('Neural Compressor 1.x: weights and record in two files', () => {
  const yaml = (name: string): string => fixturePath('..', 'inc', 'yaml', name);
  const PAIR = { graph: fixturePath('digits_cnn', 'fp32.onnx'), path: join('out', 'int8.onnx') };

  function savedFolder(record = readFileSync(yaml('plain.yaml'), 'utf8')): string {
    const folder = workFolder();
    copyFileSync(yaml('best_model_weights.pt'), join(folder, 'best_model_weights.pt'));
    writeFileSync(join(folder, 'best_configure.yaml'), record);
    mkdirSync(join(folder, 'out'));
    return folder;
  }

  test.each(['', 'best_model_weights.pt'])('opened as the folder/%s: the numbers of PyTorch', async (name) => {
    const folder = savedFolder();
    const path = join(folder, PAIR.path);
    const model = await Model.open(PAIR.graph, { quantized: join(folder, name) });
    await model.export(path);
    const x = await arrayOf(fixturePath('..', 'inc', 'digits_cnn.npz'), 'x');
    const actual = await withSession(path, { optimize: 'none' }, (session) => outputsOf(session, x));
    const int8 = await arrayOf(fixturePath('..', 'inc', 'digits_cnn-static', 'int8.npz'), 'int8');
    const expected = asFloat32(await int8.read());
    const rows = actual.length / 360;
    const equal = Array.from({ length: 360 }, (_, i) => i).filter((i) =>
      expected.subarray(i * rows, (i + 1) * rows).every((v, j) => Math.abs(v - actual[i * rows + j]!) <= 1e-6),
    );
    expect(equal.length / 360).toBeGreaterThanOrEqual(0.98);
  });

  test('the record is read: what it says otherwise than the weights is told', async () => {
    const folder = savedFolder(readFileSync(yaml('plain.yaml'), 'utf8').replace('0.020920386537909508', '0.5'));
    const model = await Model.open(PAIR.graph, { quantized: folder });
    const { warnings } = await model.export(join(folder, PAIR.path));
    expect(warnings.join()).toMatch(/output of "conv1": .*the operator in best_configure says scale 0.5/);
  });

  test('a folder without weights', async () => {
    await expect(Model.open(PAIR.graph, { quantized: workFolder() })).rejects.toMatchObject({
      code: 'UnsupportedFormat',
      details: { found: 'a folder without best_model.pt or best_model_weights.pt' },
    });
  });
});

describe('refused before anything is written', () => {
  test('INT8 without the INT8 model', async () => {
    const model = await Model.open(GRAPH);
    await expect(model.export('never.onnx')).rejects.toMatchObject({ code: 'BadOption' });
  });

  test('the INT8 model of another network: both sides are named', async () => {
    const folder = workFolder();
    copyFileSync(fixturePath('..', 'inc', 'token_classifier-static', 'best_model.pt'), join(folder, 'other.pt'));
    const model = await Model.open(GRAPH, { quantized: join(folder, 'other.pt') });
    const failure = model.export(join(folder, 'never.onnx'));
    await expect(failure).rejects.toMatchObject({ code: 'QuantizedModelDiffers' });
    await expect(failure).rejects.toThrow(/module "fc1" is quantized in the file and has no operator in the graph/);
  });
});

describe('dynamic Linear, a Gemm too, runs on integers', () => {
  const pair = [
    fixturePath('digits_cnn', 'fp32.onnx'),
    { quantized: fixturePath('..', 'inc', 'digits_cnn-dynamic', 'best_model.pt') },
  ] as const;

  test('with 7 bits, as PyTorch computes it', async () => {
    const path = join(workFolder(), 'int8.onnx');
    await (await Model.open(...pair)).export(path);
    const operators = await operatorsOf(path);
    expect(operators).toMatchObject({ MatMulInteger: 2, QuantizeLinear: 2 });
    expect(operators).not.toHaveProperty('DynamicQuantizeLinear');
  });

  test('with 8 bits, by one operator', async () => {
    const path = join(workFolder(), 'int8.onnx');
    await (await Model.open(...pair)).export(path, new Torch2ONNXConfig({ dynamic_activations: 'onnx' }));
    expect(await operatorsOf(path)).toMatchObject({ MatMulInteger: 2, DynamicQuantizeLinear: 2 });
  });
});
