/** Pairs of weights that overflow 16 bits, counted in files: ours, PyTorch's, and written by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { overflowIn } from '../../shared/quantize/overflow.ts';
import { transferFile } from '../../shared/steps/transfer-file.ts';
import { type FixtureModel, fixturePath, MODELS, quantizeFixture, workFolder } from './fixture.ts';

const modelOf = (inputs: string, constants: string, nodes: string): string =>
  `<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]>
g (${inputs}) => (float[N,M] y)
<
  float s = {1}, uint8 z = {0}, int8 wz = {0}, int8 iz = {0},
  ${constants}
>
{
  ${nodes}
}`;

// Columns of [4, 2]: the pairs are (100, 29), (127, 2) and (-100, -28), (64, -127).
const MATRIX = 'int8[4,2] w = {100, -100, 29, -28, 127, 64, 2, -127}';
const TURNED = 'int8[2,4] w = {100, 29, 127, 2, -100, -28, 64, -127}';
// [1, 2, 1, 2]: (70, 0), (59, 0) as they lie, (70, 59), (0, 0) with channels last.
const FILTER = 'int8[1,2,1,2] w = {70, 0, 59, 0}';
const DQ = 'f = DequantizeLinear(x, s, z)\n  d = DequantizeLinear(w, s, wz)';

// onnxruntime makes them uint8.
const DQ_INT8 = DQ.replace('x, s, z', 'x, s, iz');

test.each([
  ['MatMulInteger', 'uint8[N,4] x', MATRIX, 'y = MatMulInteger(x, w)', 2, 4],
  ['MatMul', 'uint8[N,4] x', MATRIX, `${DQ}\n  y = MatMul(f, d)`, 2, 4],
  ['Gemm', 'uint8[N,4] x', TURNED, `${DQ}\n  y = Gemm <transB = 1>(f, d)`, 2, 4],
  ['MatMul of a turned matrix', 'uint8[N,4] x', TURNED, `${DQ}\n  t = Transpose(d)\n  y = MatMul(f, t)`, 2, 4],
  ['QGemm', 'uint8[N,4] x', MATRIX, 'y = com.microsoft.QGemm(x, s, z, w, s, wz)', 2, 4],
  ['DynamicQuantizeMatMul', 'float[N,4] x', MATRIX, 'y = com.microsoft.DynamicQuantizeMatMul(x, w, s)', 2, 4],
  ['Conv', 'uint8[N,2,1,2] x', FILTER, `${DQ}\n  y = Conv(f, d)`, 1, 2],
  ['MatMul of int8 activations', 'int8[N,4] x', MATRIX, `${DQ_INT8}\n  y = MatMul(f, d)`, 2, 4],
  ['QLinearConv', 'uint8[N,2,1,2] x', FILTER, 'y = QLinearConv(x, s, z, w, s, wz, s, z)', 1, 2],
])('%s', async (_, inputs, constants, nodes, overflowing, pairs) => {
  expect(await overflowIn(parseModel(modelOf(inputs, constants, nodes)))).toMatchObject([{ overflowing, pairs }]);
});

test.each([
  ['int8 by int8', 'int8[N,4] x', MATRIX, 'y = MatMulInteger(x, w)'],
  ['int8 by int8, rounded', 'int8[N,4] x', MATRIX, 'y = QLinearMatMul(x, s, iz, w, s, wz, s, iz)'],
  [
    'seven-bit activations',
    'uint8[N,4] x',
    `${MATRIX}, uint8 most = {127}`,
    'c = Clip(x, , most)\n  y = MatMulInteger(c, w)',
  ],
  ['ConvInteger', 'uint8[N,2,1,2] x', FILTER, 'y = ConvInteger(x, w)'],
])('%s cannot overflow', async (_, inputs, constants, nodes) => {
  expect(await overflowIn(parseModel(modelOf(inputs, constants, nodes)))).toEqual([]);
});

const overflowOf = async (name: FixtureModel, options: Parameters<typeof quantizeFixture>[1]): Promise<number> => {
  const { path } = await quantizeFixture(name, options);
  const { model, close } = await openModel(path);
  onTestFinished(close);
  return (await overflowIn(model)).length;
};

describe.each(MODELS)('%s', (name) => {
  test.each([
    { approach: 'static', format: 'QDQ' },
    { approach: 'static', format: 'QLinear' },
    { approach: 'dynamic', format: 'QDQ' },
  ] as const)('$approach $format: none for any processor, some at full range', async (how) => {
    expect(await overflowOf(name, how)).toBe(0);
    expect(await overflowOf(name, { ...how, processor: 'vnni' })).toBeGreaterThan(0);
    expect(await overflowOf(name, { ...how, processor: 'vnni', reduceRange: true })).toBe(0);
  });
});

test('what PyTorch chose is counted and said with its cure; U8U8 and seven-bit activations need none', async () => {
  const warningsOf = async (module: string, types: 'U8S8' | 'U8U8'): Promise<string> => {
    const folder = (file: string): string => fixturePath('..', 'inc', module, file);
    const quantized = fileSource(folder('best_model.pt'));
    onTestFinished(() => quantized.close());
    const graph = fixturePath('digits_cnn', 'fp32.onnx');
    const path = join(workFolder(), 'int8.onnx');
    const how = { recipe: 'QDQ_OP_FP32_BIAS', format: 'QDQ', weights: 'embed', types } as const;
    const { warnings } = await transferFile({ graph, quantized, path, ...how });
    expect(readFileSync(path).length).toBeGreaterThan(0);
    return warnings.join();
  };
  expect(await warningsOf('digits_cnn-static', 'U8S8')).toMatch(
    /[\d,]+ of [\d,]+ pairs of weights .* set the session option session.x64quantprecision to 1/,
  );
  expect(await warningsOf('digits_cnn-static', 'U8U8')).not.toContain('overflow');
  expect(await warningsOf('digits_cnn-dynamic', 'U8S8')).not.toContain('overflow');
});
