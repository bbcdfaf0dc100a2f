/** Products, convolutions, poolings, normalizations, recurrent layers, images and signals. */
import type { Builder } from '../../../../shared/onnx/builder.ts';
import type { Value } from '../../../../shared/onnx/ir.ts';
import { axis0, channels, shape, type Row } from './case.ts';

export const MATRICES: Row[] = [
  ['MatMul', ['float32[b,s,4]', 'float32[4,5]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,s,5]']],
  ['MatMul of vectors', ['float32[4]', 'float32[4]'], (op, x, y) => op.MatMul([x, y]), ['float32[]']],
  ['MatMul by a vector', ['float32[b,s,4]', 'float32[4]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,s]']],
  ['MatMul of a vector', ['float32[4]', 'float32[b,4,5]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,5]']],
  ['MatMul in batches', ['float32[b,1,s,4]', 'float32[3,4,s]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,3,s,s]']],
  ['MatMulInteger', ['uint8[b,4]', 'int8[4,5]'], (op, x, y) => op.MatMulInteger([x, y]), ['int32[b,5]']],
  [
    'Gemm',
    ['float32[b,4]', 'float32[5,4]', 'float32[5]'],
    (op, x, y, z) => op.Gemm([x, y, z], { transB: 1 }),
    ['float32[b,5]'],
  ],
  ['Gemm transposed', ['float32[4,b]', 'float32[4,5]'], (op, x, y) => op.Gemm([x, y], { transA: 1 }), ['float32[b,5]']],
  [
    'Einsum',
    ['float32[b,s,4]', 'float32[b,n,4]'],
    (op, x, y) => op.Einsum([x, y], { equation: 'bid,bjd->bij' }),
    ['float32[b,s,n]'],
  ],
  [
    'Einsum with an ellipsis',
    ['float32[b,n,s,4]', 'float32[4,5]'],
    (op, x, y) => op.Einsum([x, y], { equation: '...id, de -> ...ie' }),
    ['float32[b,n,s,5]'],
  ],
  [
    'Einsum without an arrow',
    ['float32[s,4]', 'float32[4,b]'],
    (op, x, y) => op.Einsum([x, y], { equation: 'ij,jk' }),
    ['float32[s,b]'],
  ],
  ['Einsum trace', ['float32[b,4,4]'], (op, x) => op.Einsum([x], { equation: 'bii->b' }), ['float32[b]']],
  ['Det', ['float32[b,3,3]'], (op, x) => op.Det([x]), ['float32[b]']],
];

export const CONVOLUTIONS: Row[] = [
  [
    'Conv',
    ['float32[b,3,h,w]', 'float32[8,3,3,3]'],
    (op, x, w) => op.Conv([x, w], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    ['float32[b,8,floordiv(h + 1, 2),floordiv(w + 1, 2)]'],
  ],
  [
    'Conv dilated',
    ['float32[b,3,20]', 'float32[8,3,3]', 'float32[8]'],
    (op, x, w, z) => op.Conv([x, w, z], { dilations: [4], strides: [3] }),
    ['float32[b,8,4]'],
  ],
  [
    'Conv in groups',
    ['float32[b,4,h,w]', 'float32[4,1,3,3]'],
    (op, x, w) => op.Conv([x, w], { group: 4 }),
    ['float32[b,4,h - 2,w - 2]'],
  ],
  [
    'Conv same',
    ['float32[b,3,h,w]', 'float32[8,3,3,2]'],
    (op, x, w) => op.Conv([x, w], { auto_pad: 'SAME_UPPER', strides: [2, 1] }),
    ['float32[b,8,-floordiv(-h, 2),w]'],
  ],
  [
    'Conv valid',
    ['float32[b,3,h,w]', 'float32[8,3,3,2]'],
    (op, x, w) => op.Conv([x, w], { auto_pad: 'VALID' }),
    ['float32[b,8,h - 2,w - 1]'],
  ],
  ['ConvInteger', ['uint8[b,3,h,w]', 'uint8[8,3,1,1]'], (op, x, w) => op.ConvInteger([x, w]), ['int32[b,8,h,w]']],
  [
    'ConvTranspose',
    ['float32[b,3,h,w]', 'float32[3,8,4,4]'],
    (op, x, w) => op.ConvTranspose([x, w], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    ['float32[b,8,2*h,2*w]'],
  ],
  [
    'ConvTranspose with output padding in groups',
    ['float32[b,4,7]', 'float32[4,2,3]'],
    (op, x, w) =>
      op.ConvTranspose([x, w], { strides: [2], pads: [1, 1], output_padding: [1], dilations: [2], group: 2 }),
    ['float32[b,4,16]'],
  ],
  [
    'ConvTranspose to a size',
    ['float32[b,3,h]', 'float32[3,8,4]'],
    (op, x, w) => op.ConvTranspose([x, w], { strides: [2], output_shape: [13] }),
    ['float32[b,8,13]'],
    'norun',
  ],
  [
    'DeformConv',
    ['float32[b,3,7,7]', 'float32[8,3,3,3]', 'float32[b,18,5,5]'],
    (op, x, w, o) => op.DeformConv([x, w, o]),
    ['float32[b,8,5,5]'],
  ],
];

export const POOLINGS: Row[] = [
  [
    'MaxPool',
    ['float32[b,3,h,w]'],
    (op, x) => op.MaxPool([x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, 2),
    ['float32[b,3,floordiv(h + 1, 2),floordiv(w + 1, 2)]', 'int64[b,3,floordiv(h + 1, 2),floordiv(w + 1, 2)]'],
  ],
  [
    'MaxPool rounding up',
    ['float32[b,3,8]'],
    (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], ceil_mode: 1 }),
    ['float32[b,3,4]'],
  ],
  [
    'MaxPool rounding up a symbol',
    ['float32[b,3,h]'],
    (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], ceil_mode: 1 }),
    ['float32[b,3,floordiv(h, 2)]'],
  ],
  [
    'MaxPool dropping a window in the padding',
    ['float32[b,3,5]'],
    (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1 }),
    ['float32[b,3,3]'],
  ],
  [
    'MaxPool that may drop a window',
    ['float32[b,3,h]'],
    (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [3], pads: [1, 1], ceil_mode: 1 }),
    ['float32[b,3,?]'],
  ],
  [
    'AveragePool',
    ['float32[b,3,h]'],
    (op, x) => op.AveragePool([x], { kernel_shape: [4], strides: [4] }),
    ['float32[b,3,floordiv(h, 4)]'],
  ],
  [
    'AveragePool same',
    ['float32[b,3,h]'],
    (op, x) => op.AveragePool([x], { kernel_shape: [3], strides: [2], auto_pad: 'SAME_LOWER' }),
    ['float32[b,3,-floordiv(-h, 2)]'],
  ],
  ['LpPool', ['float32[b,3,h,w]'], (op, x) => op.LpPool([x], { kernel_shape: [2, 2] }), ['float32[b,3,h - 1,w - 1]']],
  ['GlobalAveragePool', ['float32[b,3,h,w]'], (op, x) => op.GlobalAveragePool([x]), ['float32[b,3,1,1]']],
  ['GlobalMaxPool', ['float32[b,3,h]'], (op, x) => op.GlobalMaxPool([x]), ['float32[b,3,1]']],
  [
    'MaxUnpool',
    ['float32[b,3,4,4]', 'int64[b,3,4,4]'],
    (op, x, i) => op.MaxUnpool([x, i], { kernel_shape: [2, 2], strides: [2, 2] }),
    ['float32[b,3,8,8]'],
  ],
];

export const NORMALIZATIONS: Row[] = [
  [
    'BatchNormalization',
    ['float32[b,3,h]'],
    (op, x) => op.BatchNormalization([x, channels(op, 1), channels(op, 0), channels(op, 0), channels(op, 1)]),
    ['float32[b,3,h]'],
  ],
  [
    'InstanceNormalization',
    ['float32[b,3,h]'],
    (op, x) => op.InstanceNormalization([x, channels(op, 1), channels(op, 0)]),
    ['float32[b,3,h]'],
  ],
  [
    'GroupNormalization',
    ['float32[b,4,h]'],
    (op, x) => op.GroupNormalization([x, channels(op, 1, 4), channels(op, 0, 4)], { num_groups: 2 }),
    ['float32[b,4,h]'],
  ],
  [
    'LayerNormalization',
    ['float32[b,s,3]'],
    (op, x) => op.LayerNormalization([x, channels(op, 1)], {}, 3),
    ['float32[b,s,3]', 'float32[b,s,1]', 'float32[b,s,1]'],
  ],
  ['RMSNormalization', ['float32[b,s,3]'], (op, x) => op.RMSNormalization([x, channels(op, 1)]), ['float32[b,s,3]']],
  ['LpNormalization', ['float32[b,s,3]'], (op, x) => op.LpNormalization([x]), ['float32[b,s,3]']],
  ['LRN', ['float32[b,3,h,w]'], (op, x) => op.LRN([x], { size: 3 }), ['float32[b,3,h,w]']],
  ['Dropout', ['float32[b,s]'], (op, x) => op.Dropout([x], {}, 2), ['float32[b,s]', 'bool[b,s]']],
];

export const RECURRENT: Row[] = [
  [
    'LSTM',
    ['float32[s,b,4]', 'float32[1,20,4]', 'float32[1,20,5]'],
    (op, x, w, r) => op.LSTM([x, w, r], { hidden_size: 5 }, 3),
    ['float32[s,1,b,5]', 'float32[1,b,5]', 'float32[1,b,5]'],
  ],
  [
    'GRU in both directions',
    ['float32[s,b,4]', 'float32[2,15,4]', 'float32[2,15,5]'],
    (op, x, w, r) => op.GRU([x, w, r], { hidden_size: 5, direction: 'bidirectional' }, 2),
    ['float32[s,2,b,5]', 'float32[2,b,5]'],
  ],
  [
    'RNN',
    ['float32[s,b,4]', 'float32[1,5,4]', 'float32[1,5,5]'],
    (op, x, w, r) => op.RNN([x, w, r], { hidden_size: 5 }, 2),
    ['float32[s,1,b,5]', 'float32[1,b,5]'],
  ],
  [
    'LSTM with the batch first',
    ['float32[b,s,4]', 'float32[1,20,4]', 'float32[1,20,5]'],
    (op, x, w, r) => op.LSTM([x, w, r], { hidden_size: 5, layout: 1 }, 2),
    ['float32[b,s,1,5]', 'float32[b,1,5]'],
    'norun',
  ],
  [
    'Attention',
    ['float32[b,4,s,8]', 'float32[b,2,n,8]', 'float32[b,2,n,6]'],
    (op, q, k, v) => op.Attention([q, k, v]),
    ['float32[b,4,s,6]'],
  ],
  [
    'Attention with heads side by side',
    ['float32[b,s,32]', 'float32[b,n,16]', 'float32[b,n,12]'],
    (op, q, k, v) => op.Attention([q, k, v], { q_num_heads: 4, kv_num_heads: 2 }),
    ['float32[b,s,24]'],
  ],
  [
    'Attention with a past',
    ['float32[b,2,s,8]', 'float32[b,2,s,8]', 'float32[b,2,s,8]', 'float32[b,2,n,8]', 'float32[b,2,n,8]'],
    (op, q, k, v, pk, pv) => op.Attention([q, k, v, null, pk, pv], {}, 3),
    ['float32[b,2,s,8]', 'float32[b,2,n + s,8]', 'float32[b,2,n + s,8]'],
  ],
  [
    'RotaryEmbedding',
    ['float32[b,2,s,8]', 'float32[b,s,4]', 'float32[b,s,4]'],
    (op, x, c, s) => op.RotaryEmbedding([x, c, s]),
    ['float32[b,2,s,8]'],
  ],
];

const scales = (op: Builder, ...values: number[]): Value => op.tensor('float32', [values.length], values);

export const IMAGES: Row[] = [
  [
    'Resize by scales',
    ['float32[b,3,h,7]'],
    (op, x) => op.Resize([x, null, scales(op, 1, 1, 2, 1.3)]),
    ['float32[b,3,2*h,9]'],
  ],
  [
    'Resize by half',
    ['float32[b,3,h,7]'],
    (op, x) => op.Resize([x, null, scales(op, 1, 1, 0.5, 1.5)]),
    ['float32[b,3,floordiv(h, 2),10]'],
  ],
  [
    'Resize by a scale that rounds',
    ['float32[b,3,h,7]'],
    (op, x) => op.Resize([x, null, scales(op, 1, 1, 0.3, 1)]),
    ['float32[b,3,?,7]'],
  ],
  [
    'Resize to sizes',
    ['float32[b,3,h,w]'],
    (op, x) => op.Resize([x, null, null, op.ints([5, 6])], { axes: [2, 3], mode: 'linear' }),
    ['float32[b,3,5,6]'],
  ],
  [
    'Resize keeping the ratio',
    ['float32[2,3,4,6]'],
    (op, x) => op.Resize([x, null, null, op.ints([7, 8])], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }),
    ['float32[2,3,5,8]'],
  ],
  ['GridSample', ['float32[b,3,h,w]', 'float32[b,s,4,2]'], (op, x, g) => op.GridSample([x, g]), ['float32[b,3,s,4]']],
  [
    'AffineGrid',
    ['float32[b,2,3]', 'float32[1,1,h,w]'],
    (op, t, x) => op.AffineGrid([t, op.Concat([shape(op, t, 0), op.ints([1]), op.Shape([x], { start: 2 })], axis0)]),
    ['float32[b,h,w,2]'],
  ],
  [
    'NonMaxSuppression',
    ['float32[b,n,4]', 'float32[b,2,n]'],
    (op, x, y) => op.NonMaxSuppression([x, y, op.scalar('int64', 3), op.scalar('float32', 0.5)]),
    ['int64[?,3]'],
  ],
  [
    'RoiAlign',
    ['float32[1,3,h,w]', 'float32[n,4]', 'int64[n]'],
    (op, x, r, i) => op.RoiAlign([x, r, op.Mul([i, op.scalar('int64', 0)])], { output_height: 2, output_width: 3 }),
    ['float32[n,3,2,3]'],
  ],
  [
    'MaxRoiPool',
    ['float32[1,3,h,w]', 'float32[n,5]'],
    (op, x, r) => op.MaxRoiPool([x, op.Mul([r, op.scalar('float32', 0)])], { pooled_shape: [2, 3] }),
    ['float32[n,3,2,3]'],
  ],
  ['Col2Im', ['float32[b,12,9]'], (op, x) => op.Col2Im([x, op.ints([4, 4]), op.ints([2, 2])]), ['float32[b,3,4,4]']],
];

export const SIGNALS: Row[] = [
  ['DFT', ['float32[b,s,2]'], (op, x) => op.DFT([x]), ['float32[b,s,2]']],
  [
    'DFT of reals',
    ['float32[b,s,1]'],
    (op, x) => op.DFT([x, null, op.scalar('int64', 1)], { onesided: 1 }),
    ['float32[b,floordiv(s, 2) + 1,2]'],
  ],
  [
    'DFT of a length',
    ['float32[b,s,3,1]'],
    (op, x) => op.DFT([x, op.scalar('int64', 8), op.scalar('int64', 1)], { onesided: 1 }),
    ['float32[b,5,3,2]'],
  ],
  ['DFT back to reals', ['float32[b,5,2]'], (op, x) => op.DFT([x], { inverse: 1, onesided: 1 }), ['float32[b,8,1]']],
  [
    'STFT',
    ['float32[b,20,1]', 'float32[8]'],
    (op, x, w) => op.STFT([x, op.scalar('int64', 4), w]),
    ['float32[b,4,5,2]'],
  ],
  [
    'STFT of both sides',
    ['float32[b,20,1]'],
    (op, x) => op.STFT([x, op.scalar('int64', 4), null, op.scalar('int64', 6)], { onesided: 0 }),
    ['float32[b,4,6,2]'],
  ],
];
