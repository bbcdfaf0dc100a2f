/** A graph of an older opset, raised to 13: onnxruntime computes the same of both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkModel } from '../../shared/onnx/check.ts';
import { inferModel } from '../../shared/onnx/infer.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { raiseOpset } from '../../shared/onnx/raise-opset.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { inMemory, withSession } from '../../shared/runtime/session.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';

const X = Float64Array.from({ length: 24 }, (_, i) => ((i * 7) % 24) / 6 - 2);

async function outputsOf(model: Model): Promise<Record<string, Buffer>> {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'model.onnx');
  await writeModel(model, path, { weights: 'embed' });
  const x = inMemory('float32', [1, 2, 3, 4], encodeNumbers('float32', X));
  const outputs = await withSession(path, { optimize: 'none' }, (session) => session.run(new Map([['x', x]])));
  return Object.fromEntries([...outputs].map(([name, { memory }]) => [name, Buffer.from(memory)]));
}

const modelOf = (opset: number, body: string): Model =>
  parseModel(`<ir_version: 4, opset_import: ["": ${opset}]> g (float[1,2,3,4] x) => (y) ${body}`);

test.each([
  [9, 'Slice', '{ y = Slice <axes = [2, 3], starts = [1, -2], ends = [3, 9223372036854775807]> (x) }'],
  [9, 'Upsample', '< float[4] s = {1, 1, 2, 3} > { y = Upsample <mode = "nearest"> (x, s) }'],
  [9, 'Upsample, linear', '< float[4] s = {1, 1, 2, 2} > { y = Upsample <mode = "linear"> (x, s) }'],
  [10, 'Resize', '< float[4] s = {1, 1, 2, 1.5} > { y = Resize <mode = "nearest"> (x, s) }'],
  [9, 'TopK', '{ v, i = TopK <k = 2, axis = -1> (x)\n y = Identity(v) }'],
  [9, 'Clip', '{ y = Clip <max = 0.5> (x) }'],
  [9, 'Pad', '{ y = Pad <mode = "constant", pads = [0, 0, 1, 0, 0, 0, 0, 2], value = 1.5> (x) }'],
  [9, 'Dropout', '{ y = Dropout <ratio = 0.3> (x) }'],
  [9, 'Scatter', '< int64[1,1,1,2] i = {2, 0}, float[1,1,1,2] u = {7, 8} > { y = Scatter <axis = 2> (x, i, u) }'],
  [12, 'Split', '{ a, b = Split <axis = 3, split = [1, 3]> (x)\n y = Concat <axis = 3> (b, a) }'],
  [12, 'Squeeze', '{ y = Squeeze <axes = [0]> (x) }'],
  [12, 'Unsqueeze', '{ y = Unsqueeze <axes = [1, 3]> (x) }'],
  [12, 'ReduceSum', '{ y = ReduceSum <axes = [1, 2], keepdims = 0> (x) }'],
  [12, 'ReduceMean', '{ y = ReduceMean <axes = [1, 2], keepdims = 0> (x) }'],
  [11, 'Softmax', '{ y = Softmax <axis = 3> (x) }'],
  [11, 'Softmax of a matrix', '{ f = Flatten(x)\n y = LogSoftmax(f) }'],
  [9, 'BatchNormalization', '< float[2] a = {1, 2} > { y = BatchNormalization(x, a, a, a, a) }'],
] as const)('opset %i: %s', async (opset, _name, body) => {
  const raised = modelOf(opset, body);
  raiseOpset(raised, 'old.onnx');
  expect([raised.opsets.get(''), raised.irVersion]).toEqual([13, 7]);
  inferModel(raised);
  checkModel(raised);
  expect(await outputsOf(raised)).toEqual(await outputsOf(modelOf(opset, body)));
});

test('a graph that is new enough stays as it is', () => {
  const model = modelOf(14, '{ y = Softmax(x) }');
  expect(raiseOpset(model, 'new.onnx')).toEqual([]);
  expect(model.opsets.get('')).toBe(14);
});

test.each([
  [11, 'Softmax', '{ y = Softmax <axis = 2> (x) }', /normalized several axes together/],
  [10, 'Resize', '< float[4] s = {1, 1, 0.5, 0.5} > { y = Resize <mode = "nearest"> (x, s) }', /sizes that shrink/],
  [8, 'ai.onnx', '{ y = Relu(x) }', /"old.onnx" cannot be written for opset 8; export the graph again for opset 13/],
] as const)('opset %i: %s without a form in opset 13 is refused', (opset, operator, body, message) => {
  const raise = (): unknown => raiseOpset(modelOf(opset, body), 'old.onnx');
  expect(raise).toThrow(
    expect.objectContaining({
      code: 'UnsupportedOpset',
      details: expect.objectContaining({ operator: expect.stringContaining(operator) }),
    }),
  );
  expect(raise).toThrow(message);
});
