/**
 * Calls in the newest form, by the names of forms.json: the inputs, with the numbers PyTorch or numpy gives for them.
 */
import type { Builder } from '../../../shared/onnx/builder.ts';
import type { Value } from '../../../shared/onnx/ir.ts';

export interface FormCase {
  build(op: Builder, ...x: Value[]): Value | readonly Value[];
  /** Types of the inputs where a size is to be symbolic. */
  readonly types?: readonly string[];
  /** Lowest opset that can express it: 13 unless told. */
  readonly from?: number;
  /** Highest opset onnxruntime 1.30 has a kernel for. */
  readonly to?: number;
  /** Largest difference allowed, relative to 1 + the size of the number. */
  readonly tolerance?: number;
}

/** onnxruntime adds up the terms of a transform in float32. */
const SUMS = 1e-5;

const int = (op: Builder, value: number): Value => op.scalar('int64', value);
const none = (op: Builder): Value => op.tensor('int64', [0], []);
const noop = { noop_with_empty_axes: 1 };
const float16 = (op: Builder, x: Value): Value => op.Cast([x], { to: 'float16' });
const float32 = (op: Builder, x: Value): Value => op.Cast([x], { to: 'float32' });

export const FORM_CASES: Readonly<Record<string, FormCase>> = {
  'Relu of integers': { build: (op, x) => op.Relu([x]) },
  HardSwish: { build: (op, x) => op.HardSwish([x]) },
  Mish: { build: (op, x) => op.Mish([x]) },
  Gelu: { build: (op, x) => op.Gelu([x]) },
  'Gelu tanh': { build: (op, x) => op.Gelu([x], { approximate: 'tanh' }) },
  Swish: { build: (op, x) => op.Swish([x]) },
  'Swish with alpha': { build: (op, x) => op.Swish([x], { alpha: 1.5 }) },

  'ReduceMean of axes': { build: (op, x) => op.ReduceMean([x, op.ints([-1, 0])], { keepdims: 0 }) },
  'ReduceMean of everything': { build: (op, x) => op.ReduceMean([x, none(op)]) },
  ReduceProd: { build: (op, x) => op.ReduceProd([x, op.ints([1])]) },
  ReduceLogSumExp: { build: (op, x) => op.ReduceLogSumExp([x, op.ints([1, 2])], { keepdims: 0 }) },
  ReduceL1: { build: (op, x) => op.ReduceL1([x, op.ints([2])], { keepdims: 0 }) },
  'ReduceL2 over nothing': { build: (op, x) => op.ReduceL2([x, none(op)], noop) },
  'ReduceSumSquare over nothing': { build: (op, x) => op.ReduceSumSquare([x], noop) },
  'ReduceMax of bool': { build: (op, x) => op.ReduceMax([x, op.ints([1])], { keepdims: 0 }) },
  'ReduceMin of bool': { build: (op, x) => op.ReduceMin([x, op.ints([1])], { keepdims: 0 }) },

  LayerNormalization: { build: (op, x, w, b) => op.LayerNormalization([x, w, b], { axis: 1 }) },
  'LayerNormalization with statistics': { build: (op, x, w) => op.LayerNormalization([x, w], { epsilon: 1e-3 }, 3) },
  GroupNormalization: { build: (op, x, w, b) => op.GroupNormalization([x, w, b], { num_groups: 3 }) },
  'GroupNormalization of float64': { build: (op, x, w, b) => op.GroupNormalization([x, w, b], { num_groups: 3 }) },
  'GroupNormalization of symbols': {
    build: (op, x, w, b) => op.GroupNormalization([x, w, b], { num_groups: 3 }),
    types: ['float32[n,6,h,w]', 'float32[6]', 'float32[6]'],
  },
  RMSNormalization: { build: (op, x, w) => op.RMSNormalization([x, w]) },

  Trilu: { build: (op, x) => op.Trilu([x]) },
  'Trilu below a diagonal': { build: (op, x) => op.Trilu([x, int(op, -1)], { upper: 0 }), types: ['float32[2,s,t]'] },
  'Trilu of bool': { build: (op, x) => op.Trilu([x, int(op, 1)]) },
  Split: { build: (op, x) => op.Split([x], { num_outputs: 3 }, 3) },
  'Split of a symbol': { build: (op, x) => op.Split([x], { num_outputs: 3 }, 3), types: ['float32[s,2]'] },
  'Split evenly': { build: (op, x) => op.Split([x], { num_outputs: 3 }, 3) },
  'Pad of axes': { build: (op, x) => op.Pad([x, op.ints([1, 0, 2, -1]), op.scalar('float32', 7), op.ints([-1, 0])]) },
  'Pad of axes by computed pads': {
    build: (op, x, pads) => op.Pad([x, pads, null, op.ints([1])], { mode: 'reflect' }),
  },
  'Pad in a circle': { build: (op, x) => op.Pad([x, op.ints([0, 2, 1, 3])], { mode: 'wrap' }) },
  'Pad in a circle and crop': { build: (op, x) => op.Pad([x, op.ints([-1, 2]), null, op.ints([2])], { mode: 'wrap' }) },
  'Shape of the middle': { build: (op, x) => op.Shape([x], { start: -2, end: -1 }) },
  'Shape from the second': { build: (op, x) => op.Shape([x], { start: 1 }) },
  'Reshape with allowzero': { build: (op, x) => op.Reshape([x, op.ints([4, 6])], { allowzero: 1 }) },

  CumProd: { build: (op, x) => op.CumProd([x, int(op, 1)]) },
  'CumProd backwards': { build: (op, x) => op.CumProd([x, int(op, -1)], { reverse: 1 }) },
  'CumProd exclusive': { build: (op, x) => op.CumProd([x, int(op, 0)], { exclusive: 1 }) },
  'CumProd exclusive of a symbol, backwards': {
    build: (op, x) => op.CumProd([x, int(op, 0)], { exclusive: 1, reverse: 1 }),
    types: ['float32[s,2,2]'],
  },
  'CumProd of a symbol': { build: (op, x) => op.CumProd([x, int(op, 1)]), types: ['float32[2,s]'] },
  'CumProd of integers': { build: (op, x) => op.CumProd([x, int(op, 0)]) },

  CastLike: { build: (op, x, like) => op.CastLike([x, like]) },
  BitwiseNot: { build: (op, x) => op.BitwiseNot([x]) },
  'IsInf of float16': { build: (op, x) => op.IsInf([float16(op, op.Div([x, op.scalar('float32', 0)]))]) },
  'Bernoulli of certain outcomes': { build: (op, x) => op.Bernoulli([x]), to: 21 },

  'Resize of axes to sizes': {
    build: (op, x) => op.Resize([x, null, null, op.ints([4, 6])], { axes: [2, 3], mode: 'linear' }),
    types: ['float32[n,1,2,2]'],
  },
  'Resize of axes by scales': {
    build: (op, x) => op.Resize([x, null, op.tensor('float32', [2], [2, 1.5])], { axes: [-2, -1], mode: 'linear' }),
  },
  'GridSample bilinear': { build: (op, x, grid) => op.GridSample([x, grid]), from: 16 },
  'GridSample bicubic': {
    build: (op, x, grid) => op.GridSample([x, grid], { mode: 'cubic', padding_mode: 'border', align_corners: 1 }),
    from: 16,
  },
  'GridSample nearest': {
    build: (op, x, grid) => op.GridSample([x, grid], { mode: 'nearest', padding_mode: 'reflection' }),
    from: 16,
  },
  AffineGrid: { build: (op, theta) => op.AffineGrid([theta, op.ints([2, 3, 4, 5])]) },
  'AffineGrid of volumes on the corners': {
    build: (op, theta, size) => op.AffineGrid([theta, size], { align_corners: 1 }),
  },
  Col2Im: { build: (op, x) => op.Col2Im([x, op.ints([4, 6]), op.ints([2, 2])], { strides: [2, 2] }) },
  'Col2Im with gaps, pads and steps': {
    build: (op, x) =>
      op.Col2Im([x, op.ints([5, 6]), op.ints([2, 2])], { dilations: [2, 1], pads: [1, 0, 1, 0], strides: [2, 2] }),
    types: ['float32[n,4,9]'],
  },
  'AveragePool rounding up': {
    build: (op, x) =>
      op.AveragePool([x], {
        kernel_shape: [3, 2],
        strides: [2, 2],
        pads: [1, 0, 1, 0],
        ceil_mode: 1,
        count_include_pad: 1,
      }),
  },

  'QuantizeLinear to a type': {
    build: (op, x) => op.QuantizeLinear([x, op.scalar('float32', 0.5)], { output_dtype: 'int8' }),
  },
  'QuantizeLinear of float16': {
    build: (op, x) => op.QuantizeLinear([float16(op, x), op.scalar('float16', 0.5), op.scalar('int8', 3)]),
  },
  'QuantizeLinear per channel': {
    build: (op, x) =>
      op.QuantizeLinear([x, op.tensor('float32', [2], [0.5, 0.25]), op.tensor('int8', [2], [0, 1])], { axis: 0 }),
  },
  'DequantizeLinear with a float16 scale': {
    build: (op, x) => float32(op, op.DequantizeLinear([x, op.scalar('float16', 0.5), op.scalar('int8', 1)])),
  },
  'DequantizeLinear to float16': {
    build: (op, x) =>
      float32(
        op,
        op.DequantizeLinear([x, op.scalar('float32', 0.5), op.scalar('int8', 1)], { output_dtype: 'float16' }),
      ),
  },

  'Where of bool': { build: (op, c, x, y) => op.Where([c, x, y]) },
  'Where of int8': { build: (op, c, x, y) => op.Where([c, x, y]) },
  'Max of int16': { build: (op, x, y) => op.Max([x, y]) },
  'Trilu of int16': { build: (op, x) => op.Trilu([x]) },
  'TopK of uint16': { build: (op, x) => op.TopK([x, op.ints([2])], {}, 2) },
  'NonZero of int8': { build: (op, x) => op.NonZero([x]) },
  'OneHot of int32': { build: (op, x) => op.OneHot([x, int(op, 3), op.tensor('float32', [2], [0, 1])]) },
  'Pad of int16': { build: (op, x) => op.Pad([x, op.ints([1, 2])]) },

  HannWindow: { build: (op) => op.HannWindow([int(op, 9)]) },
  'HannWindow symmetric, of a computed size': { build: (op, n) => op.HannWindow([n], { periodic: 0 }) },
  HammingWindow: { build: (op) => op.HammingWindow([int(op, 8)]) },
  'HammingWindow of a computed size': { build: (op, n) => op.HammingWindow([n]) },
  BlackmanWindow: {
    build: (op) => op.BlackmanWindow([int(op, 10)], { periodic: 0, output_datatype: 'float64' }),
    tolerance: 1e-6,
  },
  'BlackmanWindow of a computed size': { build: (op, n) => op.BlackmanWindow([n]) },
  'DFT of reals': { build: (op, x) => op.DFT([x, null, int(op, 1)], { onesided: 1 }), tolerance: SUMS },
  'DFT of reals, cut': { build: (op, x) => op.DFT([x, int(op, 4), int(op, 1)], { onesided: 1 }), tolerance: SUMS },
  'DFT of reals, filled up': { build: (op, x) => op.DFT([x, int(op, 9)], { onesided: 1 }), tolerance: SUMS },
  DFT: { build: (op, x) => op.DFT([x]), tolerance: SUMS },
  'DFT inverse': { build: (op, x) => op.DFT([x], { inverse: 1 }), tolerance: SUMS },
  'DFT back to reals': { build: (op, x) => op.DFT([x], { inverse: 1, onesided: 1 }) },
  'DFT back to an odd number of reals': { build: (op, x) => op.DFT([x, int(op, 9)], { inverse: 1, onesided: 1 }) },
  STFT: { build: (op, x, window) => op.STFT([x, int(op, 3), window, int(op, 4)]), tolerance: SUMS },
  'STFT of both sides': {
    build: (op, x) => op.STFT([x, int(op, 3), null, int(op, 5)], { onesided: 0 }),
    tolerance: SUMS,
  },
};
