/** What the page of a graph is made of: nodes of a file, what they read, their types and where they come from. */
import { expect, test } from 'vitest';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { graphFacts } from '../../shared/steps/graph-facts.ts';

const factsOf = (graph: string) => graphFacts(parseModel(`<ir_version: 10, opset_import: ["": 21]> ${graph}`))!;

test('nodes read nodes, inputs and weights', () => {
  const facts = factsOf(
    'g (float[N,2] x, float[N,2] z) => (float[N,2] y) <float[2] w = {1, 2}> { a = Add(x, w) b = Mul(a, z) y = Sub(b, a) }',
  );
  expect(
    facts.nodes.map(({ operator, reads, inputs, weights }) => [
      operator,
      reads,
      inputs,
      weights.map(({ name }) => name),
    ]),
  ).toEqual([
    ['Add', [], [0], ['w']],
    ['Mul', [0], [1], []],
    ['Sub', [1, 0], [], []],
  ]);
  expect(facts.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['N', 2], from: 2 }]);
});

test('types that the file leaves open are inferred', () => {
  const { nodes } = factsOf('g (float[N,2] x) => (float[N,2] y) { a = Relu(x) y = Relu(a) }');
  expect(nodes[0]!.results).toEqual([{ name: 'a', dtype: 'float32', shape: ['N', 2] }]);
});

test('what a subgraph reads is read by the node that holds it', () => {
  const { nodes } = factsOf(
    `g (bool c, float[2] x) => (float[2] y) {
      a = Relu(x)
      y = If <then_branch = t () => (float[2] p) { p = Neg(a) }, else_branch = e () => (float[2] q) { q = Identity(x) }> (c)
    }`,
  );
  expect(nodes.map(({ operator, reads, inputs }) => [operator, reads, inputs])).toEqual([
    ['Relu', [], [1]],
    ['If', [0], [0, 1]],
  ]);
});

test('an input that is an output has no node', () => {
  expect(factsOf('g (float[2] x) => (float[2] x) { }').outputs[0]!.from).toBeNull();
});
