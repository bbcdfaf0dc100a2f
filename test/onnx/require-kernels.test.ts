/** What onnxruntime has no kernel for is refused by name. */
import { expect, test } from 'vitest';
import { isFailure } from '../../shared/errors.ts';
import { makeBuilder } from '../../shared/onnx/builder.ts';
import { Graph } from '../../shared/onnx/ir.ts';
import { requireKernels } from '../../shared/onnx/passes/require-kernels.ts';
import { tensorType } from '../../shared/tensor/type.ts';
import { typedModel } from './typed.ts';

function refusalOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    if (isFailure(error)) return { code: error.code, ...error.details };
    throw error;
  }
  return null;
}
const refusal = (opset: number, graph: string): unknown =>
  refusalOf(() => requireKernels.run(typedModel(`<ir_version: 8, opset_import: ["": ${opset}]> ${graph}`)));

test('float64 by the operand, or by the result where the operand is of another type', () => {
  const hint = { code: 'UnsupportedType', dtype: 'float64' };
  expect(refusal(21, 'g (double[2] x) => (double[2] y) { y = Erf(x) }')).toMatchObject({ ...hint, what: 'Erf ()' });
  const oneHot = 'g (int64[2] i, int64 n, double[2] v) => (double[2,?] y) { y = OneHot(i, n, v) }';
  expect(refusal(21, oneHot)).toMatchObject({ ...hint, what: 'OneHot ()' });
  expect(refusal(21, 'g (double[2] x) => (double[2] y) { y = Exp(x) }')).toBeNull();
});

test('loops that carry bfloat16 before opset 16', () => {
  const loop =
    'g (int64 n, bool c, bfloat16[2] x) => (bfloat16[2] y) { y = Loop <body = body (int64 i, bool go, bfloat16[2] v) => ' +
    '(bool on, bfloat16[2] w) { on = Identity(go)\n w = Identity(v) }> (n, c, x) }';
  expect(refusal(15, loop)).toMatchObject({ operator: 'Loop', needed: 'it carries bfloat16 since opset 16' });
  expect(refusal(16, loop)).toBeNull();
});

test('element types younger than the opset', () => {
  expect(refusal(18, 'g (float8e4m3fn[2] x) => (float8e4m3fn[2] y) { y = Identity(x) }')).toMatchObject({
    code: 'UnsupportedOpset',
    needed: 'element type float8e4m3fn exists since opset 19',
  });
});

test('LayerNormalization of bfloat16 where it is written out', () => {
  const build = (opset: number) => (): unknown => {
    const graph = new Graph('g');
    const x = graph.addInput('x', tensorType('bfloat16', [2, 3]));
    const w = graph.addInput('w', tensorType('bfloat16', [3]));
    return makeBuilder(graph, opset).LayerNormalization([x, w], { axis: -1 });
  };
  expect(refusalOf(build(16))).toMatchObject({
    code: 'UnsupportedOpset',
    operator: 'LayerNormalization',
    needed: 'it computes bfloat16 since opset 17',
  });
  expect(refusalOf(build(17))).toBeNull();
});
