/** Which models count as quantized. */
import { expect, test } from 'vitest';
import { holdsCodes } from '../../shared/onnx/holds-codes.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';

const model = (body: string, inputs = 'float[N,2] x'): ReturnType<typeof parseModel> =>
  parseModel(`<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]> g (${inputs}) => (float[N,2] y)
< float s = {0.5}, uint8 z = {3}, float[2,2] w = {1, 0, 0, 1} >
{ ${body} }`);

test.each([
  ['a float model is not', 'y = MatMul(x, w)', false],
  ['one with codes turned into numbers is', 'q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)', true],
  ['one quantized anew in every run is', 'q, a, b = DynamicQuantizeLinear(x) y = Cast <to = 1>(q)', true],
  ['codes that nobody computes on do not count', 'q = QuantizeLinear(x, s, z) y = Cast <to = 1>(q)', false],
  ['a kernel of onnxruntime counts', 'y = com.microsoft.MatMulIntegerToFloat(x, x, s, s)', true],
])('%s', (_, body, expected) => expect(holdsCodes(model(body))).toBe(expected));
