/** Branches, loops and sequences, and sizes followed through integer arithmetic. */
import type { Builder } from '../../../../shared/onnx/builder.ts';
import type { Graph, Value } from '../../../../shared/onnx/ir.ts';
import { memoryData } from '../../../../shared/tensor/data.ts';
import { dimOf } from '../type-text.ts';
import { axis0, open, opposite, slice, type Row } from './case.ts';

function branch(op: Builder, make: (body: Builder) => Value): Graph {
  const body = op.sub('branch');
  body.graph.outputs.push(make(body));
  return body.graph;
}

function loopBody(op: Builder, carried: string, make: (body: Builder, value: Value) => readonly Value[]): Graph {
  const body = op.sub('body');
  body.graph.addInput('i', { dtype: 'int64', shape: [] });
  const going = body.graph.addInput('going', { dtype: 'bool', shape: [] });
  const value = body.graph.addInput('value', { dtype: 'float32', shape: carried.split(',').map(dimOf) });
  body.graph.outputs.push(body.Identity([going]), ...make(body, value));
  return body.graph;
}

export const CONTROL: Row[] = [
  [
    'If',
    ['bool[]', 'float32[b,s]'],
    (op, c, x) =>
      op.If([c], { then_branch: branch(op, (b) => b.Neg([x])), else_branch: branch(op, (b) => b.Abs([x])) }),
    ['float32[b,s]'],
  ],
  [
    'If with branches that differ',
    ['bool[]', 'float32[b,s]'],
    (op, c, x) =>
      op.If([c], {
        then_branch: branch(op, (b) => b.Neg([x])),
        else_branch: branch(op, (b) => b.Concat([x, x], axis0)),
      }),
    ['float32[?,s]'],
  ],
  [
    'Loop',
    ['float32[b,s]'],
    (op, x) =>
      op.Loop(
        [op.scalar('int64', 3), op.scalar('bool', true), x],
        {
          body: loopBody(op, 'b,s', (body, v) => [body.Neg([v]), body.ReduceSum([v, body.ints([1])], { keepdims: 0 })]),
        },
        2,
      ),
    ['float32[b,s]', 'float32[?,b]'],
  ],
  [
    'Scan',
    ['float32[b]', 'float32[s,b]'],
    (op, x, xs) => {
      const body = op.sub('scan');
      const [sum, element] = ['sum', 'element'].map((name) => body.graph.addInput(name, x.type));
      const next = body.Add([sum!, element!]);
      body.graph.outputs.push(next, body.Identity([next]));
      return op.Scan([x, xs], { body: body.graph, num_scan_inputs: 1, scan_output_axes: [1] }, 2);
    },
    ['float32[b]', 'float32[b,s]'],
  ],
  ['sequences', ['float32[b,s]'], (op, x) => op.SequenceLength([op.SequenceConstruct([x, x])]), ['int64[]']],
  [
    'what comes out of a sequence',
    ['float32[b,s]'],
    (op, x) => op.Neg([op.SequenceAt([op.SequenceConstruct([x, x]), op.scalar('int64', 0)])]),
    [null],
  ],
];

const dims = (op: Builder, ...scalars: Value[]): Value =>
  op.Concat(
    scalars.map((s) => op.Reshape([s, op.ints([1])])),
    axis0,
  );

const filled = (op: Builder, sizes: Value): Value => op.ConstantOfShape([sizes]);

const sizeAt = (op: Builder, x: Value, at: number): Value => op.Gather([op.Shape([x]), op.scalar('int64', at)]);

export const CONTENT: Row[] = [
  [
    'arithmetic on sizes',
    ['float32[b,s]'],
    (op, x) =>
      filled(
        op,
        dims(op, op.Add([sizeAt(op, x, 1), op.scalar('int64', 3)]), op.Mul([sizeAt(op, x, 0), sizeAt(op, x, 1)])),
      ),
    ['float32[s + 3,b*s]'],
  ],
  [
    'division of sizes',
    ['float32[b,s]'],
    (op, x) => filled(op, dims(op, op.Div([op.Mul([sizeAt(op, x, 1), op.scalar('int64', 6)]), op.scalar('int64', 3)]))),
    ['float32[2*s]'],
  ],
  [
    'division that rounds is not followed',
    ['float32[b,s]'],
    (op, x) => filled(op, dims(op, op.Div([sizeAt(op, x, 1), op.scalar('int64', 2)]))),
    ['float32[?]'],
  ],
  [
    'remainder',
    ['float32[b,s]'],
    (op, x) => filled(op, dims(op, op.Mod([sizeAt(op, x, 1), op.scalar('int64', 3)]))),
    ['float32[mod(s, 3)]'],
  ],
  [
    'smaller and larger',
    ['float32[b,s]'],
    (op, x) =>
      filled(
        op,
        dims(op, op.Min([sizeAt(op, x, 0), sizeAt(op, x, 1)]), op.Max([sizeAt(op, x, 0), op.scalar('int64', 4)])),
      ),
    ['float32[min(b, s),max(4, b)]'],
  ],
  [
    'through int32 and back',
    ['float32[b,s]'],
    (op, x) => filled(op, op.Cast([op.Cast([op.Shape([x])], { to: 'int32' })], { to: 'int64' })),
    ['float32[b,s]'],
  ],
  [
    'not through floats',
    ['float32[b,s]'],
    (op, x) => filled(op, op.Cast([op.Cast([op.Shape([x])], { to: 'float32' })], { to: 'int64' })),
    ['float32[?,?]'],
  ],
  [
    'Slice of sizes',
    ['float32[b,3,s]'],
    (op, x) => filled(op, slice(op, op.Shape([x]), 1, open(op), 0)),
    ['float32[3,s]'],
  ],
  [
    'reversed sizes',
    ['float32[b,3,s]'],
    (op, x) => filled(op, slice(op, op.Shape([x]), -1, opposite(op), 0, -1)),
    ['float32[s,3,b]'],
  ],
  [
    'Split of sizes',
    ['float32[b,3,s]'],
    (op, x) => op.Split([op.Shape([x]), op.ints([1, 2])], {}, 2).map((part) => filled(op, part)),
    ['float32[b]', 'float32[3,s]'],
  ],
  ['product of sizes', ['float32[b,3,s]'], (op, x) => filled(op, op.ReduceProd([op.Shape([x])])), ['float32[3*b*s]']],
  ['sum of sizes', ['float32[b,3,s]'], (op, x) => filled(op, op.ReduceSum([op.Shape([x])])), ['float32[b + s + 3]']],
  [
    'Where with a constant condition',
    ['float32[b,s]'],
    (op, x) => filled(op, op.Where([op.tensor('bool', [2], [1, 0]), op.Shape([x]), op.ints([7])])),
    ['float32[b,7]'],
  ],
  [
    'ConstantOfShape of sizes',
    [],
    (op) =>
      filled(
        op,
        op.ConstantOfShape([op.ints([2])], { value: memoryData('int64', [1], Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)) }),
      ),
    ['float32[3,3]'],
  ],
  [
    'Expand of a size',
    ['float32[s]'],
    (op, x) => filled(op, op.Expand([op.Shape([x]), op.ints([2])])),
    ['float32[s,s]'],
  ],
  [
    'Range of sizes',
    [],
    (op) => filled(op, op.Range([op.scalar('int64', 2), op.scalar('int64', 5), op.scalar('int64', 1)])),
    ['float32[2,3,4]'],
  ],
  [
    'Squeeze and Unsqueeze',
    ['float32[s]'],
    (op, x) => filled(op, op.Unsqueeze([op.Squeeze([op.Shape([x])]), op.ints([0])])),
    ['float32[s]'],
  ],
];
