/** What FX graph mode made of small models, carried over: PyTorch's numbers, or refused in words. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { arrayOf, outputsOf } from '../../../bench/inc-case.ts';
import { fileSource } from '../../../shared/bytes/byte-source.ts';
import { CODE_TYPE_NAMES, CODE_TYPES, type CodeTypes, type QuantFormat } from '../../../shared/choices.ts';
import { operatorProblems } from '../../../shared/onnx/check.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { withSession } from '../../../shared/runtime/session.ts';
import { transferFile, type TransferredFile } from '../../../shared/steps/transfer-file.ts';
import { asFloat32 } from '../../../shared/tensor/arithmetic.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const fx = (file: string): string => fixturePath('..', 'fx', file);

interface Pair {
  /** The FP32 model, a file of the folder. */
  readonly graph: string;
  /** Name of a case: whose INT8 model. */
  readonly quantized: string;
  readonly path: string;
  readonly format: QuantFormat;
  readonly types?: CodeTypes;
}

function carriedOver({ graph, quantized, path, format, types = 'U8S8' }: Pair): Promise<TransferredFile> {
  const source = fileSource(fx(`${quantized}.int8.pt`));
  onTestFinished(() => source.close());
  return transferFile({
    graph: fx(graph),
    quantized: source,
    path,
    format,
    types,
    recipe: 'QDQ_OP_FP32_BIAS',
    weights: 'embed',
  });
}

/** What the INT8 model of the case computed, as far as float32 sums fall on the same side of a border. */
async function expectPyTorchsNumbers(
  path: string,
  { name, format, types = 'U8S8' }: Pick<Pair, 'format' | 'types'> & { readonly name: string },
): Promise<void> {
  // Integer kernels are exact on every processor only where the optimizer may replace them.
  // Products of U8U8 are exact as they stand, and fused ones add the bias in another order.
  const isExact = format === 'QDQ' || types === 'U8U8';
  const options = isExact ? ({ optimize: 'none' } as const) : ({ products: 'precise' } as const);
  const x = await arrayOf(fx(`${name}.npz`), 'x');
  const actual = await withSession(path, options, (session) => outputsOf(session, x));
  const expected = asFloat32(await (await arrayOf(fx(`${name}.npz`), 'int8')).read());
  const equal = actual.filter((v, i) => Math.abs(v - expected[i]!) <= 1e-5).length;
  // A float32 sum on the border of two codes may fall on either side: one in a thousand.
  expect(equal / expected.length).toBeGreaterThan(0.999);
}

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
];

describe.each(['QDQ', 'QLinear'] as const)('%s', (format) => {
  test.each(RIGHT)('%s', async (name) => {
    const path = join(workFolder(), 'int8.onnx');
    await carriedOver({ graph: `${name}.pt2`, quantized: name, path, format });
    await expectPyTorchsNumbers(path, { name, format });
  });

  describe.each(CODE_TYPE_NAMES)('%s', (types) => {
    test.each(['cat', 'conv_signed', 'sigmoidmod', 'relu6', 'sharedrelu'])('%s', async (name) => {
      const path = join(workFolder(), 'int8.onnx');
      const { facts } = await carriedOver({ graph: `${name}.pt2`, quantized: name, path, format, types });
      expect(facts.transfer!.types).toBe(types);
      expect(await typesOfCodes(path)).toEqual(CODE_TYPES[types]);
      await expectPyTorchsNumbers(path, { name, format, types });
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
    await expectPyTorchsNumbers(path, { name: 'old', format });
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

test('parameters that training changed are taken from the quantized model, and said', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'qat.pt2', quantized: 'qat', path, format: 'QDQ' });
  expect(warnings.join()).toContain('are not the weights of the FP32 graph rounded');
});

test('weights that were only rounded need no such words', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'relu6.pt2', quantized: 'relu6', path, format: 'QDQ' });
  expect(warnings).toEqual([]);
});

test('a result of a fixed scale is an assumption, and said', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { warnings } = await carriedOver({ graph: 'sigmoidmod.pt2', quantized: 'sigmoidmod', path, format: 'QDQ' });
  expect(warnings.join()).toMatch(/"s\/Sigmoid" is rounded as FX graph mode does by default/);
});
