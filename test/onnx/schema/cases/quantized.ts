/** Quantized operators, of ONNX and of onnxruntime. */
import type { Builder } from '../../../../shared/onnx/builder.ts';
import type { Value } from '../../../../shared/onnx/ir.ts';
import { channels, type Row } from './case.ts';

const zero = (op: Builder, dtype: 'uint8' | 'int8'): Value => op.scalar(dtype, 0);

const half = (op: Builder): Value => op.scalar('float32', 0.5);

export const QUANTIZATION: Row[] = [
  ['QuantizeLinear', ['float32[b,s]'], (op, x) => op.QuantizeLinear([x, half(op), zero(op, 'int8')]), ['int8[b,s]']],
  ['QuantizeLinear without zero point', ['float32[b,s]'], (op, x) => op.QuantizeLinear([x, half(op)]), ['uint8[b,s]']],
  [
    'QuantizeLinear to a type',
    ['float32[b,s]'],
    (op, x) => op.QuantizeLinear([x, half(op)], { output_dtype: 'int16' }),
    ['int16[b,s]'],
  ],
  [
    'DequantizeLinear',
    ['int8[b,3]'],
    (op, x) => op.DequantizeLinear([x, channels(op, 0.5)], { axis: 1 }),
    ['float32[b,3]'],
  ],
  [
    'DynamicQuantizeLinear',
    ['float32[b,s]'],
    (op, x) => op.DynamicQuantizeLinear([x], {}, 3),
    ['uint8[b,s]', 'float32[]', 'uint8[]'],
  ],
  [
    'QLinearConv',
    ['uint8[b,3,h,w]', 'int8[8,3,3,3]'],
    (op, x, w) =>
      op.QLinearConv([x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), half(op), zero(op, 'uint8')]),
    ['uint8[b,8,h - 2,w - 2]'],
  ],
  [
    'QLinearMatMul',
    ['uint8[b,4]', 'int8[4,5]'],
    (op, x, w) =>
      op.QLinearMatMul([x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), half(op), zero(op, 'uint8')]),
    ['uint8[b,5]'],
  ],
];

export const CONTRIB: Row[] = [
  [
    'QLinearAdd',
    ['uint8[b,3]', 'uint8[3]'],
    (op, x, y) =>
      op.node(
        'QLinearAdd',
        [x, half(op), zero(op, 'uint8'), y, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')],
        {},
        { domain: 'com.microsoft' },
      ),
    ['uint8[b,3]'],
  ],
  [
    'QLinearConcat',
    ['uint8[b,3]', 'uint8[b,s]'],
    (op, x, y) =>
      op.node(
        'QLinearConcat',
        [half(op), zero(op, 'uint8'), x, half(op), zero(op, 'uint8'), y, half(op), zero(op, 'uint8')],
        { axis: 1 },
        { domain: 'com.microsoft' },
      ),
    ['uint8[b,s + 3]'],
  ],
  [
    'QGemm',
    ['uint8[b,4]', 'int8[5,4]'],
    (op, x, w) =>
      op.node(
        'QGemm',
        [x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), null, half(op), zero(op, 'uint8')],
        { transB: 1 },
        { domain: 'com.microsoft' },
      ),
    ['uint8[b,5]'],
  ],
  [
    'QLinearAveragePool',
    ['uint8[b,3,h,w]'],
    (op, x) =>
      op.node(
        'QLinearAveragePool',
        [x, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')],
        { kernel_shape: [2, 2] },
        { domain: 'com.microsoft' },
      ),
    ['uint8[b,3,h - 1,w - 1]'],
  ],
  [
    'QLinearGlobalAveragePool',
    ['uint8[b,3,h,w]'],
    (op, x) =>
      op.node(
        'QLinearGlobalAveragePool',
        [x, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')],
        {},
        { domain: 'com.microsoft' },
      ),
    ['uint8[b,3,1,1]'],
  ],
  [
    'DynamicQuantizeMatMul',
    ['float32[b,4]', 'int8[4,5]'],
    (op, x, w) =>
      op.node('DynamicQuantizeMatMul', [x, w, op.tensor('float32', [1], [0.5])], {}, { domain: 'com.microsoft' }),
    ['float32[b,5]'],
  ],
];
