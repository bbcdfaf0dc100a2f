/** What eager mode made of small models, carried over: PyTorch's numbers, or refused in words. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { workFolder } from '../fixture.ts';
import { pairsIn } from './pairs.ts';

const { carriedOver, expectPyTorchsNumbers } = pairsIn('eager');

describe.each(['QDQ', 'QLinear'] as const)('%s', (format) => {
  test.each(['net.pt2', 'net.onnx', 'functions.pt2', 'middle.pt2', 'pool.pt2', 'qat.pt2', 'dynamic.pt2'])(
    '%s',
    async (graph) => {
      const path = join(workFolder(), 'int8.onnx');
      const [name] = graph.split('.') as [string];
      await carriedOver({ graph, quantized: name, path, format });
      await expectPyTorchsNumbers(path, { name });
    },
  );
});

test("dynamic modules with 8 bits compute what PyTorch's qnnpack engine does", async () => {
  const path = join(workFolder(), 'int8.onnx');
  await carriedOver({ graph: 'dynamic.pt2', quantized: 'dynamic', path, format: 'QDQ', activations: 'onnx' });
  await expectPyTorchsNumbers(path, { name: 'dynamic8' });
});

test('functionals and stubs count as operators that run on codes', async () => {
  const path = join(workFolder(), 'int8.onnx');
  const { facts } = await carriedOver({ graph: 'functions.pt2', quantized: 'functions', path, format: 'QDQ' });
  expect(facts.transfer!.modules.map(({ module }) => module).sort()).toEqual(['a', 'b', 'c', 'hs', 'ln']);
  // mul, add, its relu, cat.
  expect(facts.transfer!.operators).toBe(4);
});

test.each([
  ['poolend', '"GlobalAveragePool" is computed on codes, or behind DeQuantStub: the file does not say which'],
  ['twice', '"Mul" may be "f" or "g": the file does not say which'],
  ['lstm', expect.stringMatching(/^module "r" is a quantized LSTM, GRU or RNN, which cannot be carried over/)],
  ['rnncell', expect.stringMatching(/^module "r" is a quantized LSTM, GRU or RNN, which cannot be carried over/)],
  ['gru', expect.stringMatching(/^module "r" is a quantized LSTM, GRU or RNN, which cannot be carried over/)],
] as const)('%s is refused: several places fit, or none', async (name, problem) => {
  const made = carriedOver({ graph: `${name}.pt2`, quantized: name, path: 'never.onnx', format: 'QDQ' });
  await expect(made).rejects.toMatchObject({
    code: 'QuantizedModelDiffers',
    details: { problems: expect.arrayContaining([problem]) },
  });
});
