/** Matrix products by group of rows: mixtures of experts. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { rankOf, shapeOf, slice, staticSize } from '../../shape.ts';

/**
 * Rows up to `ends[0]` times `weights[0]`, from there to `ends[1]` times `weights[1]` ...; rows after the last end are
 * 0.
 */
function groupedProduct(op: AtenBuilder, x: Value, weights: Value, ends: Value): Value {
  const [experts, , width] = shapeOf(weights);
  const count = staticSize(op, experts!, 'number of experts');
  const bounds = op.Concat([op.ints([0]), cast(op, ends, 'int64'), op.dims([shapeOf(x)[0]!])], { axis: 0 });
  const sizes = op.Sub([
    slice(op, bounds, { axis: 0, start: 1, end: Infinity }),
    slice(op, bounds, { axis: 0, start: 0, end: -1 }),
  ]);
  const parts = op.Split([x, sizes], { axis: 0 }, count + 1);
  const products = parts
    .slice(0, count)
    .map((part, i) => op.MatMul([part, op.Gather([weights, op.scalar('int64', i)], { axis: 0 })]));
  const rest = op.Expand([
    op.scalar(dtypeOf(x), 0),
    op.Concat([slice(op, sizes, { axis: 0, start: count, end: Infinity }), op.dims([width!])], { axis: 0 }),
  ]);
  return op.Concat([...products, rest], { axis: 0 });
}

/** The Python implementation in transformers, registered as an operator where PyTorch has no kernel. */
export const grouped_mm_fallback = aten(
  'transformers::grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> Tensor',
  (op, { input, weight, offs }) => groupedProduct(op, input, weight, offs),
);

export const _grouped_mm = aten(
  'aten::_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None, ScalarType? out_dtype=None) -> Tensor',
  (op, { self, mat2, offs, bias, out_dtype }) => {
    if (bias) op.aten.refuse('bias', 'a tensor', 'None');
    if (out_dtype !== null && out_dtype !== dtypeOf(self)) op.aten.refuse('out_dtype', out_dtype, dtypeOf(self));
    if (!offs && rankOf(self) === 3 && rankOf(mat2) === 3) return op.MatMul([self, mat2]);
    return offs && rankOf(self) === 2 && rankOf(mat2) === 3
      ? groupedProduct(op, self, mat2, offs)
      : op.aten.refuse('self', `${rankOf(self)} dimensions`, 'rows [S, K] grouped over weights [E, K, N]');
  },
);
