/** ATen common divisors and multiples by Euclid's algorithm, and the parts of a floating-point number. */
import { type Dtype, DTYPES, isInteger } from '../../../tensor/dtype.ts';
import { tensorType } from '../../../tensor/type.ts';
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf, promoted } from '../../promote.ts';
import { commonShape, expandTo, shapeOf } from '../../shape.ts';

/**
 * (a, b) becomes (b, a mod b) until every b is 0, from int64 operands. The lowest number of a type has no absolute
 * value and stays below zero, as do remainders of it: C's, with the sign of the dividend.
 */
function commonDivisor(op: AtenBuilder, a: Value, b: Value): Value {
  const zero = op.scalar('int64', 0);
  const shape = commonShape(op, [shapeOf(a), shapeOf(b)]);
  const [x, y] = [a, b].map((v) => expandTo(op, v, shape)) as [Value, Value];
  const body = op.sub('euclid');
  const input = (name: string, dtype: 'int64' | 'bool', of: Value | null): Value =>
    body.graph.addInput(body.freshName(name), tensorType(dtype, of ? shapeOf(of) : []));
  input('step', 'int64', null);
  input('going', 'bool', null);
  const [p, q] = [input('larger', 'int64', x), input('smaller', 'int64', y)];
  const done = body.Equal([q, zero]);
  const divisor = body.Where([done, op.scalar('int64', 1), q]);
  const rest = body.Sub([p, body.Mul([body.Div([p, divisor]), divisor])]);
  const [next, left] = [body.Where([done, p, q]), body.Where([done, zero, rest])];
  const axes = shape.map((_, i) => i);
  const size = (v: Value): Value => (axes.length ? body.ReduceSum([v, op.ints(axes)], { keepdims: 0 }) : v);
  body.graph.outputs.push(
    body.Greater([size(body.Cast([body.Not([body.Equal([left, zero])])], { to: 'int64' })), zero]),
    next,
    left,
  );
  return op.Loop([null, op.scalar('bool', true), x, y], { body: body.graph }, 2)[0]!;
}

function integerOperands(op: AtenBuilder, self: Value, other: Value): { x: Value; y: Value; dtype: Dtype } {
  const [a, b] = promoted(op, [self, other]) as [Value, Value];
  const dtype = dtypeOf(a);
  if (!isInteger(dtype)) return op.aten.refuse('self', dtype, 'integer tensors');
  return { x: a, y: b, dtype };
}
const sizeOf = (op: AtenBuilder, v: Value): Value =>
  cast(op, DTYPES[dtypeOf(v)].kind === 'uint' ? v : op.Abs([v]), 'int64');

export const gcd = aten('aten::gcd(Tensor self, Tensor other) -> Tensor', (op, { self, other }) => {
  const { x, y, dtype } = integerOperands(op, self, other);
  return cast(op, commonDivisor(op, sizeOf(op, y), sizeOf(op, x)), dtype);
});
/** C computes what is narrower than 32 bits in 32 and wraps at the end. */
export const lcm = aten('aten::lcm(Tensor self, Tensor other) -> Tensor', (op, { self, other }) => {
  const { x, y, dtype } = integerOperands(op, self, other);
  const divisor = commonDivisor(op, sizeOf(op, y), sizeOf(op, x));
  const safe = op.Where([op.Equal([divisor, op.scalar('int64', 0)]), op.scalar('int64', 1), divisor]);
  const multiple = op.Mul([op.Div([cast(op, x, 'int64'), safe]), cast(op, y, 'int64')]);
  return cast(op, op.Abs([dtype === 'int32' ? cast(op, multiple, dtype) : multiple]), dtype);
});

/** mantissa in [0.5, 1) and exponent; in double, where every float32 and its powers of two are exact. */
export const frexp = aten('aten::frexp.Tensor(Tensor self) -> (Tensor mantissa, Tensor exponent)', (op, { self }) => {
  const dtype = dtypeOf(self);
  if (dtype === 'float64') return op.aten.refuse('self', dtype, 'float32, float16 or bfloat16');
  const x = cast(op, self, 'float64');
  const num = (value: number): Value => op.scalar('float64', value);
  const ordinary = op.Not([op.Or([op.Or([op.IsNaN([x]), op.IsInf([x])]), op.Equal([x, num(0)])])]);
  const size = op.Where([ordinary, op.Abs([x]), num(0.5)]);
  const guess = op.Floor([op.Div([op.Log([size]), num(Math.LN2)])]);
  const scaled = op.Div([size, op.Pow([num(2), guess])]);
  // The logarithm may round across a power of two.
  const off = op.Sub([
    op.Cast([op.GreaterOrEqual([scaled, num(2)])], { to: 'float64' }),
    op.Cast([op.Less([scaled, num(1)])], { to: 'float64' }),
  ]);
  const exponent = op.Add([op.Add([guess, off]), num(1)]);
  const mantissa = op.Div([x, op.Pow([num(2), exponent])]);
  const whole = op.Cast([exponent], { to: 'int32' });
  return [cast(op, op.Where([ordinary, mantissa, x]), dtype), op.Where([ordinary, whole, op.scalar('int32', 0)])];
});
