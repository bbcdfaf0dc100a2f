/** Scaled dot-product attention, written as two matrix products and a softmax. */
import { type Dim, divideExactly, sameDim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { expandTo, rankOf, reshape, shapeOf, staticSize, swapAxes, unsqueeze } from '../../shape.ts';

interface Attention {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly attn_mask: Value | null;
  readonly dropout_p: number;
  readonly is_causal: boolean;
  readonly scale: number | null;
  readonly enable_gqa: boolean;
}

/** Grouped queries: every key and value head serves several query heads. */
function repeatHeads(op: AtenBuilder, x: Value, query: Value): Value {
  const [heads, own] = [shapeOf(query).at(-3)!, shapeOf(x).at(-3)!];
  if (sameDim(heads, own)) return x;
  const times = divideExactly(heads, own) ?? staticSize(op, heads, 'number of heads');
  const axis = rankOf(x) - 2;
  const dims = shapeOf(x);
  const wide = expandTo(op, unsqueeze(op, x, [axis]), [...dims.slice(0, axis), times, ...dims.slice(axis)]);
  return reshape(op, wide, [...dims.slice(0, axis - 1), heads, ...dims.slice(axis)]);
}

/** bool[L,S], true where a query may look: aligned at the top left, as PyTorch's is_causal. */
function causalMask(op: AtenBuilder, length: Dim, source: Dim): Value {
  const range = (n: Dim): Value => op.Range([op.scalar('int64', 0), op.dim(n), op.scalar('int64', 1)]);
  return op.LessOrEqual([unsqueeze(op, range(source), [0]), unsqueeze(op, range(length), [1])]);
}

function attend(op: AtenBuilder, a: Attention): Value {
  if (a.dropout_p > 0)
    op.aten.warn('attention was exported with dropout; it is written without. Call model.eval() before exporting');
  const { query } = a;
  const [key, value] = a.enable_gqa
    ? [repeatHeads(op, a.key, query), repeatHeads(op, a.value, query)]
    : [a.key, a.value];
  const dtype = dtypeOf(query);
  const scale = a.scale ?? 1 / Math.sqrt(staticSize(op, shapeOf(query).at(-1)!, 'head size'));
  const products = op.MatMul([query, swapAxes(op, key, rankOf(key) - 2, rankOf(key) - 1)]);
  const scores = op.Mul([products, op.scalar(dtype, scale)]);
  const weights = masked(
    op,
    scores,
    a.is_causal ? causalMask(op, shapeOf(query).at(-2)!, shapeOf(key).at(-2)!) : a.attn_mask,
    { rowsMayBeEmpty: !a.is_causal },
  );
  return op.MatMul([weights, value]);
}

/** Softmax under a mask. A row that may look nowhere gives zeros in PyTorch, where a plain softmax gives NaN. */
function masked(
  op: AtenBuilder,
  scores: Value,
  mask: Value | null,
  { rowsMayBeEmpty }: { readonly rowsMayBeEmpty: boolean },
): Value {
  const dtype = dtypeOf(scores);
  if (mask === null) return op.Softmax([scores], { axis: -1 });
  const [zero, never] = [op.scalar(dtype, 0), op.scalar(dtype, -Infinity)];
  if (dtypeOf(mask) === 'bool') {
    const weights = op.Softmax([op.Where([mask, scores, never])], { axis: -1 });
    return rowsMayBeEmpty ? op.Where([mask, weights, zero]) : weights;
  }
  const weights = op.Softmax([op.Add([scores, mask])], { axis: -1 });
  return op.Where([op.Equal([mask, never]), zero, weights]);
}

export const scaled_dot_product_attention = aten(
  'aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor',
  attend,
);
