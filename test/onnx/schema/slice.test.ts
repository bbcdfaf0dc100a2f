/** Lengths and elements of slices are onnxruntime's, for every small combination of bounds and steps. */
import { expect, it } from 'vitest';
import { makeBuilder } from '../../../shared/onnx/builder.ts';
import { Graph } from '../../../shared/onnx/ir.ts';
import { sliceLength, sliceList } from '../../../shared/onnx/schema/slice.ts';
import { memoryData } from '../../../shared/tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../../../shared/tensor/numbers.ts';
import { runGraph } from './run-graph.ts';

const BOUNDS = Array.from({ length: 11 }, (_, i) => i - 5);
const STEPS = [-2, -1, 1, 2, 3];

it.each([0, 1, 3, 4])('slices of %i elements', async (length) => {
  const op = makeBuilder(new Graph('slices'), 21);
  const x = op.graph.addInput('x', { dtype: 'int32', shape: [length] });
  const list = Array.from({ length }, (_, i) => i);
  const calls = BOUNDS.flatMap((start) => BOUNDS.flatMap((end) => STEPS.map((step) => ({ start, end, step }))));
  for (const { start, end, step } of calls)
    op.graph.outputs.push(op.Slice([x, op.ints([start]), op.ints([end]), op.ints([0]), op.ints([step])]));
  const [results] = await runGraph(op.graph, 21, [
    new Map([['x', memoryData('int32', [length], encodeNumbers('int32', list))]]),
  ]);
  const found = op.graph.outputs.map(({ name }) => [...decodeNumbers('int32', results!.get(name)!.memory)]);
  expect(calls.map(({ start, end, step }) => sliceList(list, { start, end, step }))).toEqual(found);
  expect(calls.map(({ start, end, step }) => sliceLength(length, { start, end, step }))).toEqual(
    found.map((elements) => elements.length),
  );
});
