/** What is known about the elements of integers, and where it spares an exact reduction. */
import { describe, expect, test } from 'vitest';
import { type Builder, makeBuilder } from '../../shared/onnx/builder.ts';
import { rangeOf } from '../../shared/onnx/element-range.ts';
import { Graph, type Value } from '../../shared/onnx/ir.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { tensorType } from '../../shared/tensor/type.ts';

const begin = (dtype: Dtype): { op: Builder; x: Value } => {
  const graph = new Graph('test');
  const x = graph.addInput('x', tensorType(dtype, [3, 5]));
  return { op: makeBuilder(graph, 21), x };
};
const INT64 = { low: -(2 ** 63), high: 2 ** 63 };

describe('ranges', () => {
  test.each([
    ['a cast of booleans', 'bool', (op: Builder, x: Value) => op.Cast([x], { to: 'int64' }), { low: 0, high: 1 }],
    ['a narrow type', 'int8', (op: Builder, x: Value) => op.Cast([x], { to: 'int64' }), { low: -128, high: 127 }],
    ['a difference', 'uint8', (op: Builder, x: Value) => wide(op, x, 'Sub', 300), { low: -300, high: -45 }],
    ['a product', 'int8', (op: Builder, x: Value) => wide(op, x, 'Mul', -2), { low: -254, high: 256 }],
    ['places', 'float32', (op: Builder, x: Value) => op.ArgMax([x]), { low: 0, high: 2 ** 40 }],
    [
      'places beside values',
      'float32',
      (op: Builder, x: Value) => op.TopK([x, op.ints([2])], {}, 2)[1]!,
      { low: 0, high: 2 ** 40 },
    ],
    ['what wraps around', 'int64', (op: Builder, x: Value) => op.Add([x, op.scalar('int64', 1)]), INT64],
    ['what comes from floats', 'float32', (op: Builder, x: Value) => op.Cast([x], { to: 'int64' }), INT64],
  ] as const)('%s', (_, dtype, write, range) => {
    const { op, x } = begin(dtype);
    expect(rangeOf(write(op, x))).toEqual(range);
  });
});

function wide(op: Builder, x: Value, how: 'Sub' | 'Mul', by: number): Value {
  return op[how]([op.Cast([x], { to: 'int64' }), op.scalar('int64', by)]);
}

describe('sums', () => {
  const operators = (dtype: Dtype): string[] => {
    const { op, x } = begin(dtype);
    op.ReduceSum([dtype === 'int64' ? x : op.Cast([x], { to: 'int64' }), op.ints([1])], { keepdims: 0 });
    return Array.from(op.graph.nodes, (node) => node.op);
  };

  test('of what a double holds stay the reduction', () => {
    expect(operators('bool')).toEqual(['Cast', 'ReduceSum']);
    expect(operators('int32')).toEqual(['Cast', 'ReduceSum']);
  });

  test('of any 64-bit integers are products with ones', () => {
    expect(operators('int64')).toContain('MatMul');
    expect(operators('int64')).not.toContain('ReduceSum');
  });
});
