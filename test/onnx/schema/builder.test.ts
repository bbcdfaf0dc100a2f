/**
 * What the builder writes: signatures of the target opset, defaults left out, constants shared, sizes computed at run
 * time.
 */
import { describe, expect, it } from 'vitest';
import { type Builder, makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph, type Node, type Value } from '../../../shared/onnx/ir.ts';
import { memoryData } from '../../../shared/tensor/data.ts';
import {
  addDims,
  evaluateDim,
  floorDivDims,
  maxDims,
  minDims,
  modDims,
  mulDims,
  powDims,
  subDims,
  symbol,
} from '../../../shared/tensor/dim.ts';
import { decodeNumbers } from '../../../shared/tensor/numbers.ts';
import { runGraph } from './run-graph.ts';
import { typeOf } from './type-text.ts';

function start(opset: number, ...types: string[]): { op: Builder; x: Value[] } {
  const graph = new Graph('case');
  return { op: makeBuilder(graph, opset), x: types.map((text, i) => graph.addInput(`x${i}`, typeOf(text))) };
}

/** `ReduceMean(2){axes=1}`: the operator, its number of inputs, its attributes. */
const written = ({ op, inputs, attributes }: Node): string =>
  `${op}(${inputs.map((v) => (v ? '.' : '-')).join('')})${attributes.size ? `{${[...attributes].map(([name, { value }]) => `${name}=${String(value)}`).join(' ')}}` : ''}`;
const nodesOf = (op: Builder): string[] => [...op.graph.nodes].map(written);

const SIGNATURES: readonly (readonly [
  string,
  number,
  string,
  (op: Builder, x: Value) => unknown,
  readonly string[],
])[] = [
  [
    'axes as an attribute',
    17,
    'float32[2,3]',
    (op, x) => op.ReduceMean([x, op.ints([1])], { keepdims: 0 }),
    ['ReduceMean(.){axes=1 keepdims=0}'],
  ],
  [
    'axes as an input',
    18,
    'float32[2,3]',
    (op, x) => op.ReduceMean([x, op.ints([1])], { keepdims: 0 }),
    ['ReduceMean(..){keepdims=0}'],
  ],
  ['even parts without a number', 17, 'float32[4]', (op, x) => op.Split([x], { num_outputs: 2 }, 2), ['Split(.)']],
  ['uneven parts as sizes', 17, 'float32[5]', (op, x) => op.Split([x], { num_outputs: 2 }, 2), ['Split(..)']],
  ['pads of all axes', 17, 'float32[2,3]', (op, x) => op.Pad([x, op.ints([1, 1]), null, op.ints([1])]), ['Pad(..)']],
  ['pads of some axes', 18, 'float32[2,3]', (op, x) => op.Pad([x, op.ints([1, 1]), null, op.ints([1])]), ['Pad(..-.)']],
  [
    'the old names of modes',
    19,
    'float32[1,1,2,2]',
    (op, x) => op.GridSample([x, x], { mode: 'cubic' }),
    ['GridSample(..){mode=bicubic}'],
  ],
  [
    'defaults left out',
    21,
    'float32[1,3,8,8]',
    (op, x) => op.MaxPool([x], { kernel_shape: [2, 2], ceil_mode: 0, auto_pad: 'NOTSET' }),
    ['MaxPool(.){kernel_shape=2,2}'],
  ],
  ['a float default left out', 21, 'float32[2]', (op, x) => op.LeakyRelu([x], { alpha: 0.01 }), ['LeakyRelu(.)']],
  ['element types as numbers', 21, 'float32[2]', (op, x) => op.Cast([x], { to: 'int64' }), ['Cast(.){to=7}']],
  [
    'absent inputs at the end left out',
    21,
    'float32[2]',
    (op, x) => op.Clip([x, op.scalar('float32', 0), null]),
    ['Clip(..)'],
  ],
  [
    'absent inputs in between kept',
    21,
    'float32[2]',
    (op, x) => op.Clip([x, null, op.scalar('float32', 0)]),
    ['Clip(.-.)'],
  ],
  [
    'a group normalization per channel',
    20,
    'float32[1,4,2]',
    (op, x) =>
      op.GroupNormalization([x, ...[1, 0].map((v) => op.tensor('float32', [4], [v, v, v, v]))], { num_groups: 2 }),
    ['Reshape(..)', 'InstanceNormalization(...)', 'Reshape(..)', 'Reshape(..)', 'Mul(..)', 'Reshape(..)', 'Add(..)'],
  ],
];

describe('builder', () => {
  it.each(SIGNATURES)('writes %s (opset %i)', (_, opset, type, build, nodes) => {
    const { op, x } = start(opset, type);
    build(op, x[0]!);
    expect(nodesOf(op)).toEqual(nodes);
  });

  it('shares small constants of one type, also with subgraphs, and not named ones', () => {
    const { op } = start(21);
    const one = op.scalar('int64', 1);
    expect(op.sub('body').scalar('int64', 1)).toBe(one);
    expect(op.scalar('int32', 1)).not.toBe(one);
    expect(op.ints([1])).not.toBe(one);
    expect(op.constant(one.data!, 'weight')).not.toBe(one);
  });

  it('copies the origin to every node of a longer form', () => {
    const { op, x } = start(13, 'float32[2]');
    op.origin = { operator: 'aten::mish', module: 'act', line: null };
    op.Mish([x[0]!]);
    expect([...op.graph.nodes].map((node) => node.origin)).toEqual([op.origin, op.origin, op.origin]);
  });

  it('computes symbolic sizes from the shapes of inputs', async () => {
    const { op, x } = start(21, 'float32[b,s]');
    op.dimValues.bindShape(x[0]!);
    const [b, s] = [symbol('b'), symbol('s')];
    const dims = [
      mulDims(b, s, 3),
      subDims(s, 7),
      floorDivDims(subDims(s, 7), 3),
      modDims(subDims(s, 9), 4),
      minDims(b, s),
      maxDims(addDims(b, 4), s),
      powDims(b, s),
      11,
    ];
    op.graph.outputs.push(op.dims(dims));
    const feeds = [
      [2, 5],
      [3, 2],
    ].map(
      ([rows, columns]) =>
        new Map([['x0', memoryData('float32', [rows!, columns!], new Uint8Array(4 * rows! * columns!))]]),
    );
    const runs = await runGraph(op.graph, 21, feeds);
    const found = runs.map((results) => [...decodeNumbers('int64', results.get(op.graph.outputs[0]!.name)!.memory)]);
    const sizes = [
      new Map([
        ['b', 2],
        ['s', 5],
      ]),
      new Map([
        ['b', 3],
        ['s', 2],
      ]),
    ];
    expect(found).toEqual(sizes.map((values) => dims.map((d) => evaluateDim(d, values))));
    expect(found[0]).toEqual([30, -2, -1, 0, 2, 6, 32, 11]);
  });
});
