/** Products of integers along an axis, by elementwise multiplication. */
import { isStatic } from '../../tensor/dim.ts';
import { memoryData } from '../../tensor/data.ts';
import { encodeNumbers } from '../../tensor/numbers.ts';
import { tensorType } from '../../tensor/type.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { sizeOf } from './form.ts';

/** The product along one axis, which goes. */
export function productAlong(op: Builder, x: Value, axis: number): Value {
  const size = x.type!.shape[axis]!;
  if (size === 0) return onesWithout(op, x, axis);
  return isStatic(size) ? halved(op, x, axis, size) : looped(op, x, axis);
}

const part = (op: Builder, x: Value, axis: number, [from, to]: readonly [number, number]): Value =>
  op.Slice([x, op.ints([from]), op.ints([to]), op.ints([axis])]);

/** The front half times the back half, until one element is left. */
function halved(op: Builder, x: Value, axis: number, size: number): Value {
  if (size === 1) return op.Squeeze([x, op.ints([axis])]);
  const half = Math.floor(size / 2);
  const pairs = op.Mul([part(op, x, axis, [0, half]), part(op, x, axis, [half, 2 * half])]);
  const rest = size % 2 ? op.Concat([pairs, part(op, x, axis, [2 * half, size])], { axis }) : pairs;
  return halved(op, rest, axis, half + (size % 2));
}

/** One element after the other: also none. */
function looped(op: Builder, x: Value, axis: number): Value {
  const ones = onesWithout(op, x, axis);
  const body = op.sub('product');
  const step = body.graph.addInput(body.freshName('step'), tensorType('int64', []));
  const going = body.graph.addInput(body.freshName('going'), tensorType('bool', []));
  const product = body.graph.addInput(body.freshName('product'), ones.type!);
  body.graph.outputs.push(body.Identity([going]), body.Mul([product, body.Gather([x, step], { axis })]));
  return op.Loop([sizeOf(op, x, axis), null, ones], { body: body.graph }, 1)[0]!;
}

/** Ones in the shape of `x` without the axis. */
function onesWithout(op: Builder, x: Value, axis: number): Value {
  const { dtype, shape } = x.type!;
  const others = shape.map((_, i) => i).filter((i) => i !== axis);
  if (others.length === 0) return op.scalar(dtype, 1);
  const sizes = op.Gather([op.Shape([x]), op.ints(others)], { axis: 0 });
  const ones = op.ConstantOfShape([sizes], { value: memoryData(dtype, [1], encodeNumbers(dtype, [1])) });
  ones.type = { dtype, shape: others.map((i) => shape[i]!) };
  return ones;
}
