/**
 * What the builder refuses: opsets that cannot express an operator (by code), and calls that cannot be (a bug in the
 * caller).
 */
import { describe, expect, it } from 'vitest';
import { FerryError } from '../../../shared/errors.ts';
import { type Builder, makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph, type Value } from '../../../shared/onnx/ir.ts';
import { typeOf } from './type-text.ts';

type Call = readonly [string, readonly string[], (op: Builder, ...x: Value[]) => unknown];

function attempt(opset: number, inputs: readonly string[], build: Call[2]): unknown {
  const graph = new Graph('case');
  try {
    build(makeBuilder(graph, opset), ...inputs.map((text, i) => graph.addInput(`x${i}`, typeOf(text))));
  } catch (error) {
    return error;
  }
  return null;
}

/** operator, opset that is too old, the opset from which the call is possible. */
const TOO_OLD: readonly (readonly [...Call, number, number])[] = [
  ['BitwiseAnd', ['int32[4]', 'int32[4]'], (op, x, y) => op.BitwiseAnd([x, y]), 17, 18],
  ['GridSample', ['float32[1,1,4,4]', 'float32[1,2,2,2]'], (op, x, y) => op.GridSample([x, y]), 15, 16],
  ['GridSample', ['float32[1,1,4,4,4]', 'float32[1,2,2,2,3]'], (op, x, y) => op.GridSample([x, y]), 19, 20],
  [
    'ScatterElements',
    ['float32[4]', 'int64[4]', 'float32[4]'],
    (op, x, i, u) => op.ScatterElements([x, i, u], { reduction: 'add' }),
    15,
    16,
  ],
  [
    'ScatterElements',
    ['float32[4]', 'int64[4]', 'float32[4]'],
    (op, x, i, u) => op.ScatterElements([x, i, u], { reduction: 'max' }),
    17,
    18,
  ],
  [
    'ScatterND',
    ['float32[4]', 'int64[4,1]', 'float32[4]'],
    (op, x, i, u) => op.ScatterND([x, i, u], { reduction: 'min' }),
    17,
    18,
  ],
  ['Attention', ['float32[1,2,3,4]'], (op, x) => op.Attention([x, x, x]), 22, 23],
  [
    'Resize',
    ['float32[1,1,4,4]'],
    (op, x) => op.Resize([x, null, null, op.ints([1, 1, 2, 2])], { antialias: 1, mode: 'linear' }),
    17,
    18,
  ],
  ['RoiAlign', ['float32[1,1,4,4]', 'float32[2,4]', 'int64[2]'], (op, x, r, i) => op.RoiAlign([x, r, i]), 15, 16],
  ['ReduceMean', ['float32[2,3]', 'int64[1]'], (op, x, axes) => op.ReduceMean([x, axes]), 17, 18],
  ['Cast', ['float32[2]'], (op, x) => op.Cast([x], { to: 'float8e4m3fn' }), 18, 19],
  [
    'QuantizeLinear',
    ['float32[2]'],
    (op, x) => op.QuantizeLinear([x, op.scalar('float32', 1), op.scalar('int16', 0)]),
    20,
    21,
  ],
  ['BitCast', ['float32[2]'], (op, x) => op.BitCast([x], { to: 'int32' }), 25, 26],
  [
    'LSTM',
    ['float32[2,3,4]', 'float32[1,20,4]', 'float32[1,20,5]'],
    (op, x, w, r) => op.LSTM([x, w, r], { layout: 1 }),
    13,
    14,
  ],
];

const IMPOSSIBLE: readonly (readonly [...Call, RegExp])[] = [
  [
    'sizes that do not broadcast',
    ['float32[2,3]', 'float32[4]'],
    (op, x, y) => op.Add([x, y]),
    /3 and 4 do not broadcast/,
  ],
  [
    'element types that differ',
    ['float32[2]', 'int64[2]'],
    (op, x, y) => op.Mul([x, y]),
    /different element types: float32, int64/,
  ],
  ['a float function of integers', ['int64[2]'], (op, x) => op.Sqrt([x]), /Sqrt takes floating point, not int64/],
  [
    'an inner size that differs',
    ['float32[2,3]', 'float32[4,5]'],
    (op, x, y) => op.MatMul([x, y]),
    /sizes 3 and 4 differ/,
  ],
  [
    'channels that differ',
    ['float32[1,3,8,8]', 'float32[4,2,3,3]'],
    (op, x, w) => op.Conv([x, w]),
    /Conv, channels: sizes 3 and 2 differ/,
  ],
  ['a window that does not fit', ['float32[1,3,2]'], (op, x) => op.MaxPool([x], { kernel_shape: [3] }), /does not fit/],
  [
    'a Reshape to another size',
    ['float32[2,3]'],
    (op, x) => op.Reshape([x, op.ints([4, 2])]),
    /\[2,3\] cannot become \[4,2\]/,
  ],
  ['a Reshape that does not divide', ['float32[2,3]'], (op, x) => op.Reshape([x, op.ints([-1, 4])]), /cannot become/],
  [
    'a Reshape to another size under a symbol',
    ['float32[b,6]'],
    (op, x) => op.Reshape([x, op.Concat([op.Shape([x], { end: 1 }), op.ints([5])], { axis: 0 })]),
    /cannot become/,
  ],
  ['an axis outside the rank', ['float32[2,3]'], (op, x) => op.Softmax([x], { axis: 2 }), /axis 2 is outside rank 2/],
  ['an index outside the axis', ['float32[2,3]'], (op, x) => op.Gather([x, op.ints([3])], { axis: 1 }), /outside 3/],
  ['parts that do not add up', ['float32[5]'], (op, x) => op.Split([x, op.ints([2, 2])], {}, 2), /do not add up to 5/],
  ['a Squeeze of what is not 1', ['float32[2,3]'], (op, x) => op.Squeeze([x, op.ints([0])]), /sizes 2 and 1 differ/],
  [
    'a Concat of sizes that differ',
    ['float32[2,3]', 'float32[3,3]'],
    (op, x, y) => op.Concat([x, y], { axis: 1 }),
    /sizes 2 and 3 differ/,
  ],
  ['an unknown attribute', ['float32[2]'], (op, x) => op.Relu([x], { alpha: 1 }), /Relu has no attribute alpha/],
  [
    'an attribute of an older version',
    ['float32[2]'],
    (op, x) => op.ReduceSum([x], { axes: [0] }),
    /no attribute axes any more/,
  ],
  ['a missing attribute', ['float32[2]'], (op, x) => op.Concat([x]), /Concat needs attribute axis/],
  ['a missing input', ['float32[2,2]'], (op, x) => op.MatMul([x]), /MatMul needs input B/],
  ['too many inputs', ['float32[2]'], (op, x) => op.Relu([x, x]), /takes 1 inputs, not 2/],
  ['too many outputs', ['float32[2]'], (op, x) => op.Relu([x], {}, 2), /has 1 outputs, not 2/],
];

describe('refusals', () => {
  it.each(TOO_OLD)('%s %j', (operator, inputs, build, opset, since) => {
    const refusal = attempt(opset, inputs, build) as FerryError<'UnsupportedOpset'>;
    expect(refusal).toBeInstanceOf(FerryError);
    expect(refusal).toMatchObject({ code: 'UnsupportedOpset', details: { operator, opset } });
    expect(refusal.details.needed).toMatch(new RegExp(`since opset ${since}$`));
    expect(attempt(since, inputs, build)).toBeNull();
  });

  it.each(IMPOSSIBLE)('%s', (_, inputs, build, message) => {
    const error = attempt(21, inputs, build);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(FerryError);
    expect((error as Error).message).toMatch(message);
  });
});
