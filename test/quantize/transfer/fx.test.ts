/** What FX graph mode made of small models, carried over: PyTorch's numbers, or refused in words. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CODE_TYPE_NAMES, CODE_TYPES } from '../../../shared/choices.ts';
import { operatorProblems } from '../../../shared/onnx/check.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { workFolder } from '../fixture.ts';
import { pairsIn } from './pairs.ts';

const { carriedOver, expectPyTorchsNumbers } = pairsIn('fx');

/** Of what QuantizeLinear makes at run time, and of the weights: each has one. */
async function typesOfCodes(path: string): Promise<Record<'activations' | 'weights', string>> {
  const { model, close } = await openModel(path);
  onTestFinished(close);
  const made = new Set<string>();
  for (const { op, inputs } of model.graph.nodes) if (op === 'QuantizeLinear') made.add(inputs[2]!.type!.dtype);
  const weights = [...model.graph.initializers].filter(({ name }) => /_quantized/.test(name));
  const kept = new Set(weights.map(({ type }) => type!.dtype));
  expect([made.size, kept.size]).toEqual([1, 1]);
  return { activations: [...made][0]!, weights: [...kept][0]! };
}

const RIGHT = [
  'shared',
  'sharedrelu',
  'sigmoid',
  'sigmoidmod',
  'softmaxmod',
  'cat',
  'chunk',
  'conv_signed',
  'relu6',
  'qat',
  'embedding',
  'embeddingbag',
];

describe.each(['QDQ', 'QLinear'] as const)('%s', (format) => {
  test.each(RIGHT)('%s', async (name) => {
    const path = join(workFolder(), 'int8.onnx');
    await carriedOver({ graph: `${name}.pt2`, quantized: name, path, format });
    await expectPyTorchsNumbers(path, { name });
  });

  describe.each(CODE_TYPE_NAMES)('%s', (types) => {
    test.each(['cat', 'conv_signed', 'sigmoidmod', 'relu6', 'sharedrelu'])('%s', async (name) => {
      const path = join(workFolder(), 'int8.onnx');
      const { facts } = await carriedOver({ graph: `${name}.pt2`, quantized: name, path, format, types });
      expect(facts.transfer!.types).toBe(types);
      expect(await typesOfCodes(path)).toEqual(CODE_TYPES[types]);
      await expectPyTorchsNumbers(path, { name, types });
    });
  });

  test.each([9, 11])('a graph of opset %i is raised to 13, and said', async (opset) => {
    const path = join(workFolder(), 'int8.onnx');
    const { warnings } = await carriedOver({ graph: `old.opset${opset}.onnx`, quantized: 'old', path, format });
    expect(warnings).toContain(`INT8 models need opset 13 or newer: opset ${opset} of the graph was raised to 13`);
    const { model, close } = await openModel(path);
    onTestFinished(close);
    expect(model.opsets.get('')).toBe(13);
    expect(operatorProblems(model).filter((problem) => !problem.endsWith('has no type'))).toEqual([]);
    await expectPyTorchsNumbers(path, { name: 'old' });
  });

  test.each([
    ['addscalar', 'Add_output_0'],
    ['negmul', 'Mul_output_0'],
  ])('%s is refused: the scale PyTorch computes for it is in no file', async (name, tensor) => {
    const made = carriedOver({ graph: `${name}.pt2`, quantized: name, path: 'never.onnx', format });
    await expect(made).rejects.toMatchObject({
      code: 'QuantizedModelDiffers',
      details: { problems: expect.arrayContaining([`module "l2" reads "${tensor}", for which the file has no scale`]) },
    });
  });
});

test('codes of 4 bits are refused by their name', async () => {
  const made = carriedOver({ graph: 'embedding.pt2', quantized: 'embedding4', path: 'never.onnx', format: 'QDQ' });
  await expect(made).rejects.toMatchObject({ code: 'UnsupportedType', details: { dtype: 'quint4x2' } });
});

test('parameters that training changed are taken from the quantized model, and said', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'qat.pt2', quantized: 'qat', path, format: 'QDQ' });
  expect(warnings.join()).toContain('are not the weights of the FP32 graph rounded');
});

test('weights that were only rounded need no such words, only those of how they are added', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'relu6.pt2', quantized: 'relu6', path, format: 'QDQ' });
  expect(warnings).toEqual([expect.stringContaining('can overflow on x64 without VNNI') as string]);
});

test('a result of a fixed scale is an assumption, and said', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'sigmoidmod.pt2', quantized: 'sigmoidmod', path, format: 'QDQ' });
  expect(warnings.join()).toMatch(/"s\/Sigmoid" is rounded as FX graph mode does by default/);
});
