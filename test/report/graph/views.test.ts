/** What each picture shows: boxes, what leads in and out, arrows. */
import { expect, test } from 'vitest';
import type { GraphFacts } from '../../../shared/report/graph/facts.ts';
import { type Box, type View, viewsOf } from '../../../shared/report/graph/views.ts';
import { chain, graph, tensor } from './samples.ts';

const nameOf = (box: Box): string =>
  box.kind === 'node'
    ? `${box.node}`
    : box.kind === 'group'
      ? box.group.label
      : 'at' in box
        ? `${box.kind}${box.at}`
        : box.kind;
const arrowsOf = ({ boxes, arrows }: View): readonly string[] =>
  arrows.map(([from, to]) => `${nameOf(boxes[from]!)} > ${nameOf(boxes[to]!)}`).toSorted();
const all = (facts: GraphFacts): readonly (readonly string[])[] => viewsOf(facts).map(arrowsOf);

const TWO = graph(['Conv', 'a', []], ['Relu', 'a', [0]], ['Add', '', [1, 0]], ['Gemm', 'b', [2]], ['Relu', 'b', [3]]);

test('the whole model: modules as boxes, each arrow once', () => {
  expect(all(TWO)[0]).toEqual(['2 > b', 'a > 2', 'b > output0', 'input0 > a']);
});

test('inside of a module: what comes before and behind stands for the rest', () => {
  expect(all(TWO).slice(1)).toEqual([
    ['0 > 1', '0 > behind', '1 > behind', 'input0 > 0'],
    ['3 > 4', '4 > output0', 'before > 3'],
  ]);
});

test('a box leads to the picture of its group, and that one back', () => {
  const views = viewsOf(
    graph(['A', 'a.b', []], ['A', 'a.b', [0]], ['A', 'a.c', [1]], ['A', 'a.c', [2]], ['A', '', [3]]),
  );
  for (const [at, view] of views.entries())
    for (const box of view.boxes)
      if (box.kind === 'group') expect([views[box.view]!.group, views[box.view]!.parent]).toEqual([box.group, at]);
  expect(views.map(({ group }) => group.path)).toEqual(['', 'a', 'a.b', 'a.c']);
});

test('modules that lead into each other both ways', () => {
  const facts = graph(['A', 'a', []], ['B', 'b', [0]], ['A', 'a', [1]], ['B', 'b', [2]]);
  expect(all(facts)[0]).toEqual(['a > b', 'b > a', 'b > output0', 'input0 > a']);
});

test('outputs that no node computes have no box', () => {
  const facts = { ...chain(1), outputs: [{ ...tensor('y'), from: null }] };
  expect(all(facts)).toEqual([['input0 > 0']]);
});

test('many inputs and outputs share a box', () => {
  const ends = Array.from({ length: 30 }, (_, at) => tensor(`t${at}`));
  const facts = {
    ...graph(['A', '', [], { inputs: ends.map((_, at) => at) }], ['B', '', [0]]),
    inputs: ends,
    outputs: ends.map((end, at) => ({ ...end, from: at % 2 })),
  };
  expect(all(facts)).toEqual([['0 > 1', '0 > outputs', '1 > outputs', 'inputs > 0']]);
});

test('every node stands in exactly one picture', () => {
  const shown = viewsOf(chain(500, 'deep.down')).flatMap(({ boxes }) =>
    boxes.flatMap((box) => (box.kind === 'node' ? [box.node] : [])),
  );
  expect(shown.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, at) => at));
});
