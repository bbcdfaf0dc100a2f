/** What became of nodes in quantized models, by name and by their place in PyTorch. */
import { expect, test } from 'vitest';
import { int8Of } from '../../../shared/report/graph/int8.ts';
import type { QuantizedOperator, Variant } from '../../../shared/report/report.ts';
import { FP32, INT8, quantization, validation } from '../samples.ts';
import { graph, tensor } from './samples.ts';

const weights = [tensor('w', [8, 8])];
const FACTS = graph(
  ['Conv', 'conv', [], { name: 'conv/Conv', weights }],
  ['Relu', 'relu', [0], { name: 'relu/Relu' }],
  ['MatMul', 'fc', [1], { name: 'fc/MatMul', weights, origin: { operator: 'aten::linear', module: 'fc', line: null } }],
  ['Add', 'fc', [2], { name: 'fc/Add', origin: { operator: 'aten::linear', module: 'fc', line: null } }],
  ['Softmax', '', [3], { name: 'Softmax' }],
);
const int8 = (kernels: readonly QuantizedOperator[], part: Partial<Variant['quantization']> = {}): Variant => ({
  ...INT8,
  quantization: quantization({ layers: [], skipped: [], ...part }),
  validation: validation({ kernels }),
});
const looked = (variant: Variant): readonly string[] =>
  int8Of(FACTS, { variants: [FP32, variant] }).map((entries) =>
    entries
      .map(({ precision, kernel, sqnr, reason }) =>
        [precision, kernel, sqnr, reason].filter((part) => part !== null).join(' '),
      )
      .join(),
  );

test('a QDQ file keeps the names: kernel, distance, and what onnxruntime takes back', () => {
  const layers = [{ layer: 'conv/Conv', operator: 'Conv', module: 'conv', sqnr: 31, maxAbsDiff: 1 }];
  const skipped = [{ node: 'Softmax', operator: 'Softmax', reason: 'no kernel' }];
  const kernels = [
    { node: 'conv/Conv', operator: 'Conv', kernel: 'QLinearConv', reason: null },
    { node: 'fc/MatMul', operator: 'MatMul', kernel: null, reason: 'float bias' },
  ];
  expect(looked(int8(kernels, { layers, skipped }))).toEqual([
    'codes QLinearConv 31',
    '',
    'kept float bias',
    '',
    'float no kernel',
  ]);
});

test('a QLinear file has other names: nodes go by their place in PyTorch', () => {
  const origin = (operator: string, module: string) => ({ operator, module, line: null });
  const kernels = [
    { node: 'a', operator: 'QLinearConv', kernel: 'QLinearConv', reason: null, origin: origin('aten::conv', 'conv') },
    {
      node: 'b',
      operator: 'MatMulInteger',
      kernel: 'MatMulIntegerToFloat',
      reason: null,
      origin: origin('aten::linear', 'fc'),
    },
  ];
  expect(looked(int8(kernels))).toEqual(['codes QLinearConv', '', 'codes MatMulIntegerToFloat', '', '']);
});

test('where a place has more nodes than operators nothing is said', () => {
  const two = graph(['Add', 'm', []], ['Add', 'm', [0]]);
  const origin = { operator: 'aten::add', module: 'm', line: null };
  const kernels = [{ node: 'a', operator: 'QLinearAdd', kernel: 'QLinearAdd', reason: null, origin }];
  expect(int8Of(two, { variants: [int8(kernels)] })).toEqual([[], []]);
  const both = [...kernels, { ...kernels[0]!, node: 'b' }];
  expect(int8Of(two, { variants: [int8(both)] }).map(([entry]) => entry!.kernel)).toEqual(['QLinearAdd', 'QLinearAdd']);
});

test('FP32 says nothing', () => {
  expect(int8Of(FACTS, { variants: [FP32] })).toEqual(FACTS.nodes.map(() => []));
});
