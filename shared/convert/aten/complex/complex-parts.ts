/** The two parts of complex tensors, which lie in a last axis of 2. */
import { type Dim, sameDim } from '../../../tensor/dim.ts';
import { type Dtype, isFloat } from '../../../tensor/dtype.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder } from '../../converter.ts';
import { promoteTypes } from '../../../tensor/promotion.ts';
import { cast, DEFAULT_FLOAT, dtypeOf, scalarOf } from '../../promote.ts';
import { commonShape, expandTo, rankOf, shapeOf, unsqueeze } from '../../shape.ts';

export const part = (op: AtenBuilder, z: Value, i: 0 | 1): Value =>
  op.Gather([z, op.scalar('int64', i)], { axis: rankOf(z) - 1 });

/** The shape of the complex tensor itself. */
export const own = (z: Value): readonly Dim[] => shapeOf(z).slice(0, -1);

/** A complex tensor of two real ones, which broadcast. */
export function paired(op: AtenBuilder, re: Value, im: Value): Value {
  const isSame = rankOf(re) === rankOf(im) && shapeOf(re).every((d, i) => sameDim(d, shapeOf(im)[i]!));
  const shape = isSame ? shapeOf(re) : commonShape(op, [shapeOf(re), shapeOf(im)]);
  const parts = isSame ? [re, im] : [expandTo(op, re, shape), expandTo(op, im, shape)];
  return op.Concat(
    parts.map((x) => unsqueeze(op, x, [shape.length])),
    { axis: shape.length },
  );
}

/** A real operand has no imaginary part, which saves the products with 0. */
export interface Parts {
  readonly re: Value;
  readonly im: Value | null;
}

/** The element type that complex and real operands have in common. */
export function partDtype(op: AtenBuilder, values: readonly Value[]): Dtype {
  const floats = values.filter((v) => !op.aten.numbers.has(v) && isFloat(dtypeOf(v))).map(dtypeOf);
  return floats.length ? floats.reduce(promoteTypes) : DEFAULT_FLOAT;
}

export function partsOf(op: AtenBuilder, x: Value, dtype: Dtype): Parts {
  const number = op.aten.numbers.get(x);
  if (number?.kind === 'complex')
    return { re: op.scalar(dtype, number.value[0]), im: op.scalar(dtype, number.value[1]) };
  if (number) return { re: scalarOf(op, number, dtype), im: null };
  const real = cast(op, x, dtype);
  return op.aten.isComplex(x) ? { re: part(op, real, 0), im: part(op, real, 1) } : { re: real, im: null };
}

export const whole = (op: AtenBuilder, { re, im }: Parts): Value => paired(op, re, im ?? op.scalar(dtypeOf(re), 0));
