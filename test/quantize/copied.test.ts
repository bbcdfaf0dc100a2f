/** Plans with codes and parameters that PyTorch chose: written bit for bit, in every form, never computed. */
import { expect, test } from 'vitest';
import type { Model, Node } from '../../shared/onnx/ir.ts';
import { checkModel } from '../../shared/onnx/check.ts';
import { computeQParams } from '../../shared/quantize/compute-qparams.ts';
import { copiedPlan, type NodePlan, type Plan, type TensorPlan } from '../../shared/quantize/plan.ts';
import { WRITERS } from '../../shared/quantize/writers/index.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';
import { memoryData, type TensorData } from '../../shared/tensor/data.ts';
import { type CodeDtype, perAxis, PER_TENSOR, type QParams } from '../../shared/tensor/qparams.ts';
import { typedModel } from '../onnx/typed.ts';

// The weight says 1 and 0; its codes say something else on purpose: nobody may quantize it again.
const GEMM = `<ir_version: 8, opset_import: ["": 14]>
g (float[N,2] x) => (float[N,2] y)
<
  float[2,2] w = {1, 0, 0, 1},
  float[2] b = {0.5, -0.5}
>
{
  y = Gemm <transB = 1>(x, w, b)
}`;
const LOOKUP = `<ir_version: 8, opset_import: ["": 14]>
g (int64[N] i) => (float[N,2] y)
<
  float[2,2] t = {1, 2, 3, 4}
>
{
  y = Gather(t, i)
}`;

const floats = (shape: readonly number[], ...values: number[]): TensorData =>
  memoryData('float32', shape, bytesOf(Float32Array.from(values)));
const codes = (dtype: 'int8' | 'uint8', shape: readonly number[], ...values: number[]): TensorData =>
  memoryData(dtype, shape, dtype === 'int8' ? bytesOf(Int8Array.from(values)) : Uint8Array.from(values));
const perTensor = (dtype: CodeDtype, scale: number, zeroPoint: TensorData | null): QParams => ({
  dtype,
  granularity: PER_TENSOR,
  scale: floats([], scale),
  zeroPoint,
});

const planOf = (model: Model, inputs: (node: Node) => (TensorPlan | null)[], output: TensorPlan | null): Plan => {
  const [node] = [...model.graph.nodes] as [Node];
  const nodePlan: NodePlan = { node, inputs: inputs(node), output, more: [], addition: null };
  return { nodes: new Map([[node, nodePlan]]), folded: [], skipped: [] };
};

/** Name to elements of every initializer after writing. */
async function written(model: Model, plan: Plan, format: keyof typeof WRITERS): Promise<Record<string, number[]>> {
  const { params, unusable } = await computeQParams(plan, new Map());
  expect(unusable.size).toBe(0);
  WRITERS[format]({ model, plan, params });
  checkModel(model);
  const found: Record<string, number[]> = {};
  for (const { name, data } of model.graph.initializers) {
    const bytes = Uint8Array.from(await data!.read());
    const Numbers = { float32: Float32Array, int32: Int32Array, int8: Int8Array }[data!.dtype as 'float32'];
    found[name] = [...(Numbers ? new Numbers(bytes.buffer) : bytes)];
  }
  return found;
}

const gemmPlan = (model: Model): Plan => {
  const weight: QParams = {
    dtype: 'int8',
    granularity: perAxis(0),
    scale: floats([2], 0.25, 0.5),
    zeroPoint: codes('int8', [2], 0, 0),
  };
  return planOf(
    model,
    ({ inputs: [x, w, b] }) => {
      const activation = copiedPlan(x!, perTensor('uint8', 0.125, codes('uint8', [], 7)), null);
      const matrix = copiedPlan(w!, weight, codes('int8', [2, 2], -128, 5, 6, 7));
      const bias: TensorPlan = {
        kind: 'bias',
        value: b!,
        data: b!.data!,
        activation,
        weight: matrix,
        beta: 1,
        dtype: 'int32',
        granularity: perAxis(0),
      };
      return [activation, matrix, bias];
    },
    copiedPlan(model.graph.outputs[0]!, perTensor('uint8', 0.0625, codes('uint8', [], 9)), null),
  );
};

test.each(['QDQ', 'QLinear'] as const)('%s: codes, scales and zero points as they are', async (format) => {
  const model = typedModel(GEMM);
  expect(await written(model, gemmPlan(model), format)).toEqual({
    x_scale: [0.125],
    x_zero_point: [7],
    w_quantized: [-128, 5, 6, 7],
    w_scale: [0.25, 0.5],
    w_zero_point: [0, 0],
    b_quantized: [0.5 / (0.125 * 0.25), -0.5 / (0.125 * 0.5)],
    ...(format === 'QDQ' ? { b_scale: [0.03125, 0.0625], b_zero_point: [0, 0] } : {}),
    y_scale: [0.0625],
    y_zero_point: [9],
  });
});

test('rows of a table with float zero points of their own', async () => {
  const model = typedModel(LOOKUP);
  const table: QParams = {
    dtype: 'uint8',
    granularity: perAxis(0),
    scale: floats([2], 0.25, 0.5),
    zeroPoint: floats([2], 1.5, 2.25),
  };
  const plan = planOf(
    model,
    ({ inputs: [t] }) => [copiedPlan(t!, table, codes('uint8', [2, 2], 1, 2, 254, 255)), null],
    null,
  );
  expect(await written(model, plan, 'QDQ')).toEqual({
    t_quantized: [1, 2, 254, 255],
    t_scale: [0.25, 0.5],
    t_zero_point: [1.5, 2.25],
  });
  expect([...model.graph.nodes].map(({ op }) => op)).toEqual(['Gather', 'Cast', 'Gather', 'Sub', 'Gather', 'Mul']);
});

test('dynamic: the codes of the weight, whatever lies in the float model', async () => {
  const model = typedModel(
    GEMM.replace('Gemm <transB = 1>(x, w, b)', 'MatMul(x, w)').replace(/,\n  float\[2\] b.*/, ''),
  );
  const weight: QParams = { ...perTensor('int8', 0, null), granularity: perAxis(1), scale: floats([2], 0.25, 0.5) };
  const plan = planOf(
    model,
    ({ inputs: [x, w] }) => [
      { kind: 'dynamic', value: x!, dtype: 'uint8', granularity: PER_TENSOR },
      copiedPlan(w!, weight, codes('int8', [2, 2], 1, 2, 3, -4)),
    ],
    null,
  );
  expect(await written(model, plan, 'dynamic')).toEqual({
    w_quantized: [1, 2, 3, -4],
    w_scale: [0.25, 0.5],
    w_zero_point: [0, 0],
  });
});
