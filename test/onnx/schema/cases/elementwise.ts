/** Operators on elements, and reductions. */
import type { Row } from './case.ts';

export const ELEMENTWISE: Row[] = [
  ['unary', ['float32[b,3]'], (op, x) => op.Sqrt([op.Abs([x])]), ['float32[b,3]']],
  ['IsNaN', ['float32[b,3]'], (op, x) => op.IsNaN([x]), ['bool[b,3]']],
  ['Not', ['bool[b,3]'], (op, x) => op.Not([x]), ['bool[b,3]']],
  ['Add broadcasts', ['float32[b,1,4]', 'float32[3,1]'], (op, x, y) => op.Add([x, y]), ['float32[b,3,4]']],
  [
    'Add with a symbol against a number',
    ['float32[b,s]', 'float32[b,1]'],
    (op, x, y) => op.Mul([x, y]),
    ['float32[b,s]'],
  ],
  ['Add of a scalar', ['float32[b,s]', 'float32[]'], (op, x, y) => op.Sub([x, y]), ['float32[b,s]']],
  ['Pow with an integer exponent', ['float32[b,3]', 'int64[]'], (op, x, y) => op.Pow([x, y]), ['float32[b,3]']],
  ['Mod', ['float32[b,3]', 'float32[3]'], (op, x, y) => op.Mod([x, y], { fmod: 1 }), ['float32[b,3]']],
  [
    'Max of three',
    ['float32[b,1]', 'float32[3]', 'float32[2,1,1]'],
    (op, x, y, z) => op.Max([x, y, z]),
    ['float32[2,b,3]'],
  ],
  ['Mean', ['float32[b,1]', 'float32[3]'], (op, x, y) => op.Mean([x, y]), ['float32[b,3]']],
  ['Less', ['float32[b,1]', 'float32[3]'], (op, x, y) => op.Less([x, y]), ['bool[b,3]']],
  ['And', ['bool[b,1]', 'bool[3]'], (op, x, y) => op.And([x, y]), ['bool[b,3]']],
  ['BitwiseAnd', ['int32[b,1]', 'int32[3]'], (op, x, y) => op.BitwiseAnd([x, y]), ['int32[b,3]']],
  ['BitShift', ['uint8[b,1]', 'uint8[3]'], (op, x, y) => op.BitShift([x, y], { direction: 'LEFT' }), ['uint8[b,3]']],
  ['Where', ['bool[b,1]', 'float32[3]', 'float32[]'], (op, c, x, y) => op.Where([c, x, y]), ['float32[b,3]']],
  ['Clip', ['float32[b,3]'], (op, x) => op.Clip([x, null, op.scalar('float32', 1)]), ['float32[b,3]']],
  ['PRelu', ['float32[b,3,4]', 'float32[3,1]'], (op, x, s) => op.PRelu([x, s]), ['float32[b,3,4]']],
  ['Softmax', ['float32[b,s]'], (op, x) => op.Softmax([x], { axis: 1 }), ['float32[b,s]']],
  ['Cast', ['float32[b,s]'], (op, x) => op.Cast([x], { to: 'int64' }), ['int64[b,s]']],
  ['CastLike', ['float32[b,s]', 'float64[]'], (op, x, y) => op.CastLike([x, y]), ['float64[b,s]']],
  ['BitCast', ['float32[b,s]'], (op, x) => op.BitCast([x], { to: 'int32' }), ['int32[b,s]']],
];

export const REDUCTIONS: Row[] = [
  ['ReduceSum', ['float32[b,3,s]'], (op, x) => op.ReduceSum([x, op.ints([-1])], { keepdims: 0 }), ['float32[b,3]']],
  ['ReduceMean keeping dims', ['float32[b,3,s]'], (op, x) => op.ReduceMean([x, op.ints([0, 2])]), ['float32[1,3,1]']],
  ['ReduceMax of everything', ['float32[b,3,s]'], (op, x) => op.ReduceMax([x], { keepdims: 0 }), ['float32[]']],
  [
    'ReduceMin over nothing',
    ['float32[b,3,s]'],
    (op, x) => op.ReduceMin([x, op.tensor('int64', [0], [])], { noop_with_empty_axes: 1 }),
    ['float32[b,3,s]'],
  ],
  ['ReduceMax of bool', ['bool[b,3]'], (op, x) => op.ReduceMax([x, op.ints([1])], { keepdims: 0 }), ['bool[b]']],
  ['ArgMax', ['float32[b,3,s]'], (op, x) => op.ArgMax([x], { axis: 1 }), ['int64[b,1,s]']],
  ['ArgMin without the axis', ['float32[b,3,s]'], (op, x) => op.ArgMin([x], { axis: 1, keepdims: 0 }), ['int64[b,s]']],
  ['CumSum', ['float32[b,3,s]'], (op, x) => op.CumSum([x, op.scalar('int64', 1)]), ['float32[b,3,s]']],
  ['CumProd', ['float32[b,3,s]'], (op, x) => op.CumProd([x, op.scalar('int64', 1)]), ['float32[b,3,s]']],
];
