/** ATen padding. */
import { addDims, type Dim, isStatic, subDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf, scalarOf } from '../../promote.ts';
import { rankOf, shapeOf, slice } from '../../shape.ts';
import type { ScalarArg } from '../../schema.ts';

interface Padding {
  readonly pad: readonly Dim[];
  readonly mode: string;
  readonly value?: Value | null;
}

/** Last axis first: [left, right, top, bottom, ...]. */
function padded(op: AtenBuilder, self: Value, { pad, mode, value = null }: Padding): Value {
  const rank = rankOf(self);
  const begins = new Array<Dim>(rank).fill(0);
  const ends = new Array<Dim>(rank).fill(0);
  for (let i = 0; i < pad.length / 2; i++) {
    begins[rank - 1 - i] = pad[2 * i]!;
    ends[rank - 1 - i] = pad[2 * i + 1]!;
  }
  if (mode === 'circular') return circular(op, self, begins, ends);
  const grown = (pads: readonly Dim[]): Value =>
    op.Pad([self, op.dims(pads), value], { mode: mode === 'replicate' ? 'edge' : mode });
  // A negative pad takes elements away; only constant padding has that in every runtime.
  if (mode === 'constant' || pad.every((d) => !isStatic(d) || d >= 0)) return grown([...begins, ...ends]);
  const larger = [...begins, ...ends].map((d) => (isStatic(d) ? Math.max(d, 0) : d));
  return trimmed(op, grown(larger), begins, ends);
}

function trimmed(op: AtenBuilder, x: Value, begins: readonly Dim[], ends: readonly Dim[]): Value {
  return shapeOf(x).reduce<Value>((v, size, axis) => {
    const [b, e] = [begins[axis]!, ends[axis]!];
    const from = isStatic(b) && b < 0 ? -b : 0;
    const to = isStatic(e) && e < 0 ? addDims(size, e) : Infinity;
    return from === 0 && to === Infinity ? v : slice(op, v, { axis, start: from, end: to });
  }, x);
}

/** Around the end: pieces of the other side, cut where pads are negative. */
function circular(op: AtenBuilder, self: Value, begins: readonly Dim[], ends: readonly Dim[]): Value {
  return shapeOf(self).reduce<Value>((x, size, axis) => {
    const [b, e] = [begins[axis]!, ends[axis]!];
    if (b === 0 && e === 0) return x;
    if (!isStatic(b) || !isStatic(e)) return op.aten.refuse('pad', [b, e], 'numbers known when the model is converted');
    const inner = trimmed(
      op,
      x,
      begins.map((v, i) => (i === axis ? v : 0)),
      ends.map((v, i) => (i === axis ? v : 0)),
    );
    const left =
      b > 0
        ? [slice(op, x, { axis, start: subDims(addDims(size, Math.min(e, 0)), b), end: addDims(size, Math.min(e, 0)) })]
        : [];
    const right = e > 0 ? [slice(op, x, { axis, start: Math.max(0, -b), end: Math.max(0, -b) + e })] : [];
    return op.Concat([...left, inner, ...right], { axis });
  }, self);
}

export const pad = aten(
  'aten::pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor',
  (op, { self, pad: sizes, mode, value }) =>
    padded(op, self, {
      pad: sizes,
      mode,
      value: mode === 'constant' ? padValue(op, self, { kind: 'float', value: value ?? 0 }) : null,
    }),
);
export const constant_pad_nd = aten(
  'aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor',
  (op, { self, pad: sizes, value }) =>
    padded(op, self, { pad: sizes, mode: 'constant', value: padValue(op, self, value) }),
);
const padValue = (op: AtenBuilder, self: Value, value: ScalarArg): Value => scalarOf(op, value, dtypeOf(self));
type PadSchema = 'aten::pad(Tensor self, SymInt[2] padding) -> Tensor';
export const paddings = [1, 2, 3].flatMap((rank) => [
  ...aten(
    `aten::reflection_pad${rank}d(Tensor self, SymInt[${2 * rank}] padding) -> Tensor` as PadSchema,
    (op, { self, padding }) => padded(op, self, { pad: padding, mode: 'reflect' }),
  ),
  ...aten(
    `aten::replication_pad${rank}d(Tensor self, SymInt[${2 * rank}] padding) -> Tensor` as PadSchema,
    (op, { self, padding }) => padded(op, self, { pad: padding, mode: 'replicate' }),
  ),
]);
