/** The com.microsoft operators torchferry writes (quantized kernels of onnxruntime). */
import type { AttributeRow, OpRow } from './row.ts';
import { axisIn, broadcastShapes, replaceDim, sumDims, typed } from './shape-rules.ts';
import { gemmShape, matmulShape } from './matrix.ts';
import { globalPoolingShape, poolingShape } from './pooling.ts';

export const CONTRIB_DOMAIN = 'com.microsoft';

const AXIS = { axis: { kind: 'int', optional: true } } as const satisfies Record<string, AttributeRow>;
const FLOATS = { kind: 'floats', optional: true } as const satisfies AttributeRow;
const INTS = { kind: 'ints', optional: true } as const satisfies AttributeRow;
const CHANNELS_LAST = { channels_last: { kind: 'int', default: 0 } } as const satisfies Record<string, AttributeRow>;

/** `y = f(a, b)` on codes; the result broadcasts. */
const binary: OpRow = {
  since: [1],
  inputs: 'A A_scale A_zero_point? B B_scale B_zero_point? C_scale C_zero_point?',
  outputs: 'C',
  infer: (c) =>
    typed(
      c.dtypeOf(0),
      broadcastShapes([c.shape(0), c.shape(3)], () => c.unknownDim()),
    ),
};
const unary = (attributes: Readonly<Record<string, AttributeRow>> = {}): OpRow => ({
  since: [1],
  inputs: 'X X_scale X_zero_point? Y_scale Y_zero_point?',
  attributes,
  infer: (c) => ({ type: c.type(0) }),
});

export const CONTRIB: Readonly<Record<string, OpRow>> = {
  // As those of ai.onnx, with codes of 16 bits in any opset.
  QuantizeLinear: {
    since: [1],
    inputs: 'x y_scale y_zero_point',
    attributes: AXIS,
    infer: (c) => typed(c.dtypeOf(2), c.shape(0)),
  },
  DequantizeLinear: {
    since: [1],
    inputs: 'x x_scale x_zero_point',
    attributes: AXIS,
    infer: (c) => typed(c.dtypeOf(1), c.shape(0)),
  },
  QLinearAdd: binary,
  QLinearMul: binary,
  QLinearSigmoid: unary(),
  QLinearLeakyRelu: unary({ alpha: { kind: 'float', default: 0.009999999776482582 } }),
  QLinearSoftmax: {
    since: [1],
    inputs: 'X X_scale x_zero_point? y_scale y_zero_point',
    attributes: { axis: { kind: 'int', default: -1 }, opset: { kind: 'int' } },
    infer: (c) => ({ type: c.type(0) }),
  },
  DynamicQuantizeLSTM: {
    since: [1],
    inputs: 'X W R B? sequence_lens? initial_h? initial_c? P? W_scale W_zero_point R_scale R_zero_point',
    outputs: 'Y? Y_h? Y_c?',
    attributes: {
      activation_alpha: FLOATS,
      activation_beta: FLOATS,
      activations: { kind: 'strings', optional: true },
      clip: { kind: 'float', optional: true },
      direction: { kind: 'string', default: 'forward' },
      hidden_size: { kind: 'int', optional: true },
      input_forget: { kind: 'int', default: 0 },
    },
    infer: () => [{ type: null }, { type: null }, { type: null }],
  },
  QAttention: {
    since: [1],
    inputs: 'input weight bias input_scale weight_scale mask_index? input_zero_point? weight_zero_point? past?',
    outputs: 'output present?',
    attributes: {
      do_rotary: { kind: 'int', default: 0 },
      mask_filter_value: { kind: 'float', optional: true },
      num_heads: { kind: 'int' },
      past_present_share_buffer: { kind: 'int', optional: true },
      scale: { kind: 'float', optional: true },
      unidirectional: { kind: 'int', default: 0 },
    },
    infer: () => [{ type: null }, { type: null }],
  },
  QEmbedLayerNormalization: {
    since: [1],
    inputs:
      'input_ids segment_ids? word_embedding_quant position_embedding_quant segment_embedding_quant? gamma_quant ' +
      'beta_quant mask? word_embedding_scale position_embedding_scale segment_embedding_scale? gamma_scale ' +
      'beta_scale word_embedding_zero_point position_embedding_zero_point segment_embedding_zero_point? ' +
      'gamma_zero_point beta_zero_point',
    outputs: 'layernorm_out mask_index_out',
    attributes: { epsilon: { kind: 'float', optional: true } },
    infer: () => [{ type: null }, { type: null }],
  },
  QLinearWhere: {
    since: [1],
    inputs: 'condition X x_scale x_zero_point Y y_scale y_zero_point z_scale z_zero_point',
    infer: (c) =>
      typed(
        c.dtypeOf(1),
        broadcastShapes([c.shape(0), c.shape(1), c.shape(4)], () => c.unknownDim()),
      ),
  },
  QLinearConcat: {
    since: [1],
    // Y_scale, Y_zero_point, then a tensor with its scale and zero point for each part.
    inputs: 'Y_scale Y_zero_point inputs...',
    attributes: { axis: { kind: 'int' } },
    infer: (c) => {
      const parts = Array.from({ length: Math.floor((c.inputs.length - 2) / 3) }, (_, i) => c.shape(2 + 3 * i));
      const axis = axisIn(c.int('axis'), parts[0]!.length);
      return typed(c.dtypeOf(2), replaceDim(parts[0]!, axis, sumDims(parts.map((s) => s[axis]!))));
    },
  },
  QLinearAveragePool: {
    since: [1],
    inputs: 'X x_scale x_zero_point? y_scale y_zero_point?',
    attributes: {
      auto_pad: { kind: 'string', default: 'NOTSET' },
      ceil_mode: { kind: 'int', default: 0 },
      count_include_pad: { kind: 'int', default: 0 },
      kernel_shape: { kind: 'ints' },
      pads: INTS,
      strides: INTS,
      ...CHANNELS_LAST,
    },
    infer: (c) => (c.int('channels_last') ? { type: null } : typed(c.dtypeOf(0), poolingShape(c))),
  },
  QLinearGlobalAveragePool: {
    since: [1],
    inputs: 'X x_scale x_zero_point y_scale y_zero_point',
    attributes: CHANNELS_LAST,
    infer: (c) => (c.int('channels_last') ? { type: null } : typed(c.dtypeOf(0), globalPoolingShape(c))),
  },
  QGemm: {
    since: [1],
    inputs: 'A a_scale a_zero_point B b_scale b_zero_point C? y_scale? y_zero_point?',
    attributes: {
      alpha: { kind: 'float', default: 1 },
      transA: { kind: 'int', default: 0 },
      transB: { kind: 'int', default: 0 },
    },
    infer: (c) => typed(c.has(8) ? c.dtypeOf(8) : 'float32', gemmShape(c, { left: 0, right: 3, bias: 6 })),
  },
  DynamicQuantizeMatMul: {
    since: [1],
    inputs: 'A B b_scale b_zero_point? bias?',
    infer: (c) => typed('float32', matmulShape(c, 0, 1)),
  },
  MatMulNBits: {
    since: [1],
    inputs: 'A B scales zero_points? g_idx? bias?',
    attributes: {
      K: { kind: 'int' },
      N: { kind: 'int' },
      bits: { kind: 'int', default: 4 },
      block_size: { kind: 'int' },
      accuracy_level: { kind: 'int', default: 0 },
    },
    infer: (c) => typed(c.dtypeOf(0), [...c.shape(0).slice(0, -1), c.int('N')]),
  },
  GatherBlockQuantized: {
    since: [1],
    inputs: 'data indices scales zero_points?',
    attributes: {
      gather_axis: { kind: 'int', default: 0 },
      quantize_axis: { kind: 'int', default: 1 },
      block_size: { kind: 'int', default: 128 },
      bits: { kind: 'int', default: 4 },
    },
    // Codes of four bits that share a byte make the last axis shorter than it is.
    infer: (c) =>
      c.int('gather_axis') === 0 && (c.dtypeOf(0) !== 'uint8' || c.int('bits') === 8)
        ? typed(c.dtypeOf(2), [...c.shape(1), ...c.shape(0).slice(1)])
        : { type: null },
  },
  MatMulIntegerToFloat: {
    since: [1],
    inputs: 'A B a_scale b_scale a_zero_point? b_zero_point? bias?',
    infer: (c) => typed('float32', matmulShape(c, 0, 1)),
  },
};
