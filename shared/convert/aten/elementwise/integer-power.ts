/** Powers of integers by squaring, exact and wrapping like PyTorch's. */
import type { Graph, Value } from '../../../onnx/ir.ts';
import { tensorType } from '../../../tensor/type.ts';
import type { AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { filledTensor, shapeOf } from '../../shape.ts';

/** An exponent known when the model is converted; PyTorch refuses negative ones. */
export function integerPower(op: AtenBuilder, x: Value, exponent: number): Value {
  if (!Number.isSafeInteger(exponent) || exponent < 0)
    return op.aten.refuse('exponent', exponent, 'a whole number from 0 on');
  let [result, square, left]: [Value | null, Value, number] = [null, x, exponent];
  while (left > 0) {
    if (left % 2 === 1) result = result ? op.Mul([result, square]) : square;
    left = Math.floor(left / 2);
    if (left > 0) square = op.Mul([square, square]);
  }
  return result === null ? filledTensor(op, shapeOf(x), dtypeOf(x), 1) : op.Identity([result]);
}

/** An exponent tensor, bit by bit; computed in int64, whose lower bits are those of every narrower type. */
export function integerPowers(op: AtenBuilder, x: Value, y: Value): Value {
  const dtype = dtypeOf(x);
  const [base, exponent] = [cast(op, x, 'int64'), cast(op, y, 'int64')];
  const [zero, one] = [op.scalar('int64', 0), op.scalar('int64', 1)];
  // All three carried values have the common shape.
  const wideBase = op.Add([base, op.Mul([exponent, zero])]);
  const wideExponent = op.Add([exponent, op.Mul([base, zero])]);
  const powers = op.Loop(
    [op.scalar('int64', 63), null, op.Add([op.Mul([wideBase, zero]), one]), wideBase, op.Max([wideExponent, zero])],
    { body: round(op, wideBase) },
    3,
  );
  // What lies between -1 and 1 is cut off to 0.
  const odd = op.Equal([op.Mod([wideExponent, op.scalar('int64', 2)]), one]);
  const unit = op.Where([
    op.Equal([wideBase, one]),
    one,
    op.Where([op.Equal([wideBase, op.scalar('int64', -1)]), op.Where([odd, op.scalar('int64', -1), one]), zero]),
  ]);
  return cast(op, op.Where([op.Less([wideExponent, zero]), unit, powers[0]!]), dtype);
}

/** One bit of the exponent: result, square and what is left of it go around. */
function round(op: AtenBuilder, like: Value): Graph {
  const body = op.sub('power');
  body.graph.addInput(op.freshName('round'), tensorType('int64', []));
  const going = body.graph.addInput(op.freshName('going'), tensorType('bool', []));
  const [result, square, left] = ['result', 'square', 'left'].map((name) =>
    body.graph.addInput(op.freshName(name), like.type),
  ) as [Value, Value, Value];
  const two = body.scalar('int64', 2);
  const isSet = body.Equal([body.Mod([left, two]), body.scalar('int64', 1)]);
  body.graph.outputs.push(
    body.Identity([going]),
    body.Where([isSet, body.Mul([result, square]), result]),
    body.Mul([square, square]),
    body.Div([left, two]),
  );
  return body.graph;
}
