/** Running products by doubling: after step s every element is the product of the last 2s. */
import { isStatic } from '../../tensor/dim.ts';
import { tensorType, type TensorType } from '../../tensor/type.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OpCall } from '../schema/row.ts';
import { axisIn } from '../schema/shape-rules.ts';
import { constantLike, type Forms, sizeOf } from './form.ts';

export const CUMPROD_FORMS: Forms = { CumProd: [{ below: 26, write: cumulativeProduct }] };

function cumulativeProduct(c: OpCall, op: Builder): Value {
  const axis = axisIn(
    c.numbers(1)?.[0] ?? op.refuse('CumProd', 'an axis computed while the model runs exists since opset 26'),
    c.rank(0),
  );
  const along: Along = { axis, rank: c.rank(0), reverse: c.int('reverse') === 1 };
  const x = c.int('exclusive') ? shifted(op, c.input(0), constantPads(op, 1, along)) : c.input(0);
  const length = c.shape(0)[axis]!;
  if (!isStatic(length)) return doublingLoop(op, x, along);
  let y = x;
  for (let step = 1; step < length; step *= 2) y = op.Mul([y, shifted(op, y, constantPads(op, step, along))]);
  return y;
}

interface Along {
  readonly axis: number;
  readonly rank: number;
  readonly reverse: boolean;
}

/** Pads of one axis: `before` and `behind` (int64[1] each, one the negative of the other). */
function padsAlong(op: Builder, before: Value, behind: Value, { axis, rank }: Along): Value {
  const zeros = (count: number): Value[] => (count ? [op.ints(new Array<number>(count).fill(0))] : []);
  return op.Concat([...zeros(axis), before, ...zeros(rank - 1), behind, ...zeros(rank - 1 - axis)], { axis: 0 });
}

function constantPads(op: Builder, step: number, { axis, rank, reverse }: Along): Value {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = reverse ? -step : step;
  pads[rank + axis] = reverse ? step : -step;
  return op.ints(pads);
}

/** `x` moved along the axis, ones moving in. */
const shifted = (op: Builder, x: Value, pads: Value): Value =>
  keepingType(x, op.Pad([x, pads, constantLike(op, x, 1)]));

/** A pad and a crop of the same size: the shape stays, also where the builder cannot see it. */
function keepingType(like: Value, value: Value): Value {
  value.type = like.type;
  return value;
}

function doublingLoop(op: Builder, x: Value, along: Along): Value {
  const length = op.Unsqueeze([sizeOf(op, x, along.axis), op.ints([0])]);
  const body = op.sub('doubling');
  const input = (name: string, type: TensorType): Value => body.graph.addInput(body.freshName(name), type);
  input('trip', tensorType('int64', []));
  input('going', tensorType('bool', []));
  const y = input('product', x.type!);
  const step = input('step', tensorType('int64', [1]));
  const [before, behind] = along.reverse ? [body.Neg([step]), step] : [step, body.Neg([step])];
  const next = body.Mul([step, body.ints([2])]);
  const isShort = (b: Builder, s: Value): Value => b.Squeeze([b.Less([s, length]), b.ints([0])]);
  body.graph.outputs.push(
    isShort(body, next),
    body.Mul([y, shifted(body, y, padsAlong(body, before!, behind!, along))]),
    next,
  );
  const [product] = op.Loop([null, isShort(op, op.ints([1])), x, op.ints([1])], { body: body.graph }, 2);
  return product!;
}
