/** What onnxruntime makes of operators on codes, told from its own optimized model. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { integerKernels } from '../../shared/steps/integer-kernels.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';
import { modelFile } from '../runtime/models.ts';

function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** `x` as codes and back in front of the nodes under test, with a stored weight `b` of one scale. */
const graph = (body: string, { input = 'float[N,4] x', weight = 'int8[4,2] w = {1,2,3,4,5,6,7,8}', more = '' } = {}) =>
  `g (${input}) => (y) <float s = {0.5}, uint8 z = {7}, ${weight}, float ws = {0.25}, int8 wz = {0}${more}> {
    q = QuantizeLinear(x, s, z) a = DequantizeLinear(q, s, z) b = DequantizeLinear(w, ws, wz) ${body} }`;

const image = { input: 'float[N,1,4,4] x', weight: 'int8[1,1,2,2] w = {1,2,3,4}' };
const ROUNDED = 'r = QuantizeLinear(c, s, z) y = DequantizeLinear(r, s, z)';

const rows = async (text: string) => integerKernels(await modelFile(text), workFolder());

test.each([
  ['a product read as float', 'y = MatMul(a, b)', {}, 'MatMulIntegerToFloat'],
  ['a product that gives codes', `c = MatMul(a, b) ${ROUNDED}`, {}, 'QLinearMatMul'],
  ['Gemm', 'y = Gemm(a, b)', {}, 'QGemm'],
  ['a convolution that gives codes', `c = Conv(a, b) ${ROUNDED}`, image, 'QLinearConv'],
  ['a sum', `c = Add(a, a) ${ROUNDED}`, {}, 'QLinearAdd'],
  [
    'a stored matrix behind Transpose',
    't = Transpose(b) y = MatMul(a, t)',
    { weight: 'int8[2,4] w = {1,2,3,4,5,6,7,8}' },
    'MatMulIntegerToFloat',
  ],
  [
    'sums of codes, merged with their scale',
    'c, cs, cz = DynamicQuantizeLinear(x) m = MatMulInteger(c, w, cz, wz) f = Cast<to = 1>(m) e = Mul(cs, ws) y = Mul(f, e)',
    {},
    'DynamicQuantizeMatMul',
  ],
  ['sums of codes alone', 'm = MatMulInteger(q, w, z, wz) y = Cast<to = 1>(m)', {}, 'MatMulInteger'],
] as const)('%s has a kernel', async (_, body, options, kernel) => {
  expect(await rows(graph(body, options))).toMatchObject([{ kernel, reason: null }]);
});

test.each([
  [
    'a convolution read as float',
    'y = Conv(a, b)',
    image,
    'its result is read as float, and QLinearConv gives codes only',
  ],
  [
    'a convolution with an operator before the codes',
    'e = Conv(a, b) c = Sin(e) r = QuantizeLinear(c, s, z) y = DequantizeLinear(r, s, z)',
    image,
    'Sin stands between it and QuantizeLinear',
  ],
  [
    'a result that somebody else reads',
    `c = Conv(a, b) r = QuantizeLinear(c, s, z) d = DequantizeLinear(r, s, z) y = Mul(d, c)`,
    image,
    'its result is read by more than one QuantizeLinear alone',
  ],
  [
    'a transposed convolution',
    `c = ConvTranspose(a, b) ${ROUNDED}`,
    image,
    'onnxruntime has no integer kernel for ConvTranspose',
  ],
  [
    'Gemm with a float bias',
    'y = Gemm(a, b, bias)',
    { more: ', float[2] bias = {0.5, 1.5}' },
    'its bias is float, and QGemm adds int32',
  ],
  [
    'codes of 16 bits',
    'q16 = QuantizeLinear(x, s, z16) a16 = DequantizeLinear(q16, s, z16) y = MatMul(a16, b)',
    { more: ', uint16 z16 = {7}' },
    'MatMulIntegerToFloat has no kernel for uint16 codes',
  ],
] as const)('%s is computed in float, and it is said why', async (_, body, options, reason) => {
  expect(await rows(graph(body, options))).toMatchObject([{ kernel: null, reason }]);
});

test('float operators do not count, and nothing is left behind', async () => {
  const folder = workFolder();
  expect(await integerKernels(await modelFile(graph('y = Tanh(a)')), folder)).toEqual([]);
  expect(await integerKernels(await modelFile(graph('y = MatMul(x, b)')), folder)).toEqual([]);
  expect(await integerKernels(await modelFile(graph('y = MatMul(a, b)')), folder)).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('a validation counts them where it may make files', async () => {
  const model = await modelFile(graph('c = MatMul(a, b) y = Relu(c)'));
  const now = (): number => performance.now();
  expect((await validateFile({ model, now })).kernels).toBeUndefined();
  expect((await validateFile({ model, now, workFolder: workFolder() })).kernels).toMatchObject([
    { operator: 'MatMul', kernel: 'MatMulIntegerToFloat' },
  ]);
});
