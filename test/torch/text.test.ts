/** The printed form of a graph: what `inspect` shows and what golden tests compare. */
import { expect, it } from 'vitest';
import { type TextOptions, printTorchGraph } from '../../shared/torch/text.ts';
import type { Argument, TorchGraph } from '../../shared/torch/program.ts';
import { symbol } from '../../shared/tensor/dim.ts';

const args: readonly [string, Argument][] = [
  ['self', { kind: 'tensor', name: 'x' }],
  ['', { kind: 'tensors', names: ['x', null] }],
  ['i', { kind: 'int', value: 9223372036854775807n }],
  ['f', { kind: 'float', value: 1 }],
  ['g', { kind: 'float', value: -Infinity }],
  ['c', { kind: 'complex', value: [0, 1.5] }],
  [
    'l',
    {
      kind: 'list',
      items: [
        { kind: 'int', value: -1 },
        { kind: 'symint', name: 'n' },
      ],
    },
  ],
  ['s', { kind: 'string', value: 'a "b"' }],
  ['d', { kind: 'dtype', value: 'float16' }],
  ['m', { kind: 'memory_format', value: 'channels_last' }],
  ['body', { kind: 'graph', graph: { inputs: [], outputs: [{ kind: 'none' }], nodes: [], values: new Map() } }],
];
const graph: TorchGraph = {
  inputs: [
    { kind: 'tensor', name: 'x' },
    { kind: 'symint', name: 'n' },
  ],
  outputs: [
    { kind: 'tensor', name: 'y' },
    { kind: 'int', value: 3 },
  ],
  nodes: [
    {
      name: 'y',
      target: 'aten::op.Overload',
      args: args.map(([name, value]) => ({ name, value })),
      outputs: [{ kind: 'tensor', name: 'y' }, { kind: 'none' }],
      source: { module: 'layer1.0', moduleClass: null, line: 'net.py:12' },
    },
  ],
  values: new Map([
    ['x', { kind: 'tensor', type: { dtype: 'float32', shape: [symbol('s0'), 1, 4] }, strides: [4, 99, 1], offset: 0 }],
    ['y', { kind: 'tensor', type: { dtype: 'bool', shape: [4, 3] }, strides: [1, 4], offset: 2 }],
    ['n', { kind: 'symint', dim: symbol('s0') }],
  ]),
};

const text = (comment: string): string => `graph(x: float32[s0,1,4], n: symint(s0)) {
  y: bool[4,3]{1,4}+2, none = aten::op.Overload(self=x, [x, none], i=9223372036854775807, f=1.0, g=-Infinity, c=complex(0.0, 1.5), l=[-1, n], s="a \\"b\\"", d=dtype(float16), m=memory_format(channels_last), body=#0)${comment}
    #0 () {
      return (none)
    }
  return (y, 3)
}`;

it.each<[TextOptions, string]>([
  [{}, ''],
  [{ sources: true }, '  # layer1.0 (net.py:12)'],
])('prints with %o', (options, comment) => {
  expect(printTorchGraph(graph, options)).toBe(text(comment));
});
