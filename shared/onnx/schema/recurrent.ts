/** Recurrent layers and attention. */
import { addDims, type Dim, floorDivDims, mulDims } from '../../tensor/dim.ts';
import type { AttributeRow, Inferred, OpCall, OpRow } from './row.ts';
import { requireRank, typed } from './shape-rules.ts';

const OPTIONAL_INT = { kind: 'int', optional: true } as const satisfies AttributeRow;
const RECURRENT = {
  activation_alpha: { kind: 'floats', optional: true },
  activation_beta: { kind: 'floats', optional: true },
  activations: { kind: 'strings', optional: true },
  clip: { kind: 'float', optional: true },
  direction: { kind: 'string', default: 'forward' },
  hidden_size: OPTIONAL_INT,
  layout: { kind: 'int', since: 14, default: 0 },
} as const satisfies Record<string, AttributeRow>;

export const RECURRENT_OPS = {
  LSTM: {
    since: [1, 7, 14, 22],
    inputs: 'X W R B? sequence_lens? initial_h? initial_c? P?',
    outputs: 'Y? Y_h? Y_c?',
    attributes: { ...RECURRENT, input_forget: { kind: 'int', default: 0 } },
    infer: recurrent,
  },
  GRU: {
    since: [1, 3, 7, 14, 22],
    inputs: 'X W R B? sequence_lens? initial_h?',
    outputs: 'Y? Y_h?',
    attributes: { ...RECURRENT, linear_before_reset: { kind: 'int', since: 3, default: 0 } },
    infer: recurrent,
  },
  RNN: {
    since: [1, 7, 14, 22],
    inputs: 'X W R B? sequence_lens? initial_h?',
    outputs: 'Y? Y_h?',
    attributes: { ...RECURRENT, activations: { kind: 'strings', default: ['Tanh', 'Tanh'] } },
    infer: recurrent,
  },
  Attention: {
    since: [23, 24, 25],
    inputs: 'Q K V attn_mask? past_key? past_value? nonpad_kv_seqlen?',
    outputs: 'Y present_key? present_value? qk_matmul_output?',
    attributes: {
      is_causal: { kind: 'int', default: 0 },
      kv_num_heads: OPTIONAL_INT,
      left_window_size: { kind: 'int', since: 25, default: -1 },
      q_num_heads: OPTIONAL_INT,
      qk_matmul_output_mode: { kind: 'int', default: 0 },
      right_window_size: { kind: 'int', since: 25, default: -1 },
      scale: { kind: 'float', optional: true },
      softcap: { kind: 'float', default: 0 },
      softmax_precision: { kind: 'int', dtype: true, optional: true },
    },
    infer: attention,
  },
  RotaryEmbedding: {
    since: [23],
    inputs: 'X cos_cache sin_cache position_ids?',
    attributes: {
      interleaved: { kind: 'int', default: 0 },
      num_heads: OPTIONAL_INT,
      rotary_embedding_dim: { kind: 'int', default: 0 },
    },
    infer: (c) => ({ type: c.type(0) }),
  },
} as const satisfies Record<string, OpRow>;

/** Outputs Y, Y_h and (LSTM) Y_c, with the batch first when layout is 1. */
function recurrent(c: OpCall): Inferred[] {
  for (const i of [0, 1, 2]) requireRank(c, i, 3);
  const hidden = c.attribute('hidden_size') ? c.int('hidden_size') : c.shape(2)[2]!;
  const directions = c.string('direction') === 'bidirectional' ? 2 : 1;
  const batchFirst = c.int('layout') === 1;
  const [batch, steps] = batchFirst ? [c.shape(0)[0]!, c.shape(0)[1]!] : [c.shape(0)[1]!, c.shape(0)[0]!];
  const dtype = c.dtypeOf(0);
  const last = typed(dtype, batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]);
  return [
    typed(dtype, batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]),
    last,
    last,
  ];
}

interface Heads {
  readonly batch: Dim;
  readonly heads: Dim;
  readonly length: Dim;
  readonly size: Dim;
}

/** [batch, heads, length, size], or [batch, length, heads * size] with the number of heads as an attribute. */
function headsOf(c: OpCall, index: number, attribute: string): Heads {
  const shape = c.shape(index);
  if (shape.length === 4) return { batch: shape[0]!, heads: shape[1]!, length: shape[2]!, size: shape[3]! };
  requireRank(c, index, 3);
  const heads = c.int(attribute);
  return { batch: shape[0]!, heads, length: shape[1]!, size: floorDivDims(shape[2]!, heads) };
}

function attention(c: OpCall): Inferred[] {
  const q = headsOf(c, 0, 'q_num_heads');
  const [k, v] = [headsOf(c, 1, 'kv_num_heads'), headsOf(c, 2, 'kv_num_heads')];
  const past = c.has(4) ? c.shape(4)[2]! : 0;
  const total = addDims(past, k.length);
  const y = c.rank(0) === 4 ? [q.batch, q.heads, q.length, v.size] : [q.batch, q.length, mulDims(q.heads, v.size)];
  return [
    typed(c.dtypeOf(0), y),
    typed(c.dtypeOf(1), [k.batch, k.heads, total, k.size]),
    typed(c.dtypeOf(2), [v.batch, v.heads, total, v.size]),
    typed(c.dtypeOf(0), [q.batch, q.heads, q.length, total]),
  ];
}
