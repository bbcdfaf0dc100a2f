/** ATen sorting. */
import type { Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { top } from './top.ts';
import { axisOf, filledTensor, rankOf, shapeOf } from '../../shape.ts';

const whole = (self: Value, dim: number): Dim => shapeOf(self).at(dim) ?? 1;

interface Order {
  readonly dim: number;
  /** How many elements are wanted; all of them where it is left out. */
  readonly k?: Dim;
  readonly descending: boolean;
}

/** Values and the places they come from, stable. */
function sorted(op: AtenBuilder, self: Value, { dim, k = whole(self, dim), descending }: Order): Value[] {
  if (rankOf(self) === 0) return [op.Identity([self]), filledTensor(op, [], 'int64', 0)];
  return top(op, self, { axis: axisOf(op, dim, rankOf(self)), k: op.dims([k]), descending });
}
export const topk = aten(
  'aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)',
  (op, a) => sorted(op, a.self, { ...a, descending: a.largest }),
);
export const sort = aten(
  'aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)',
  (op, a) => sorted(op, a.self, a),
);
export const sortStable = aten(
  'aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)',
  (op, a) => sorted(op, a.self, a),
);
export const argsort = aten(
  'aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor',
  (op, a) => sorted(op, a.self, a)[1]!,
);
export const argsortStable = aten(
  'aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor',
  (op, a) => sorted(op, a.self, a)[1]!,
);
