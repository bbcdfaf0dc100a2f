/** A graph copied twice into one: weights and inputs are shared, everything computed is there twice. */
import { expect, test } from 'vitest';
import { structureProblems } from '../../shared/onnx/check.ts';
import { copyGraph } from '../../shared/onnx/copy-graph.ts';
import { Graph, type Value } from '../../shared/onnx/ir.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';

const MODEL = `<ir_version: 10, opset_import: ["": 21]>
g (bool c, float[2] x) => (float[2] y)
<
  float[2] w = {1, 2}
>
{
  s = Mul(x, w)
  y = If <
    then_branch = t () => (float[2] a) { a = Add(s, w) },
    else_branch = e () => (float[2] b) { b = Sub(s, x) }
  > (c)
}`;

test('subgraphs read what was copied, and the copies do not read the original', () => {
  const model = parseModel(MODEL);
  const target = new Graph('both');
  const known = new Map<Value, Value>();
  const usesBefore = [...model.graph.initializers][0]!.uses.size;
  for (const prefix of ['a.', 'b.']) {
    copyGraph(model.graph, target, { prefix, known });
    target.outputs.push(known.get(model.graph.outputs[0]!)!);
  }
  expect(structureProblems({ ...model, graph: target })).toEqual([]);
  expect(target.inputs.map(({ name }) => name)).toEqual(['c', 'x']);
  expect([...target.initializers].map(({ name }) => name)).toEqual(['a.w']);
  expect(target.outputs.map(({ name }) => name)).toEqual(['a.y', 'b.y']);
  expect([...target.nodes].map(({ op }) => op)).toEqual(['Mul', 'If', 'Mul', 'If']);
  expect([...model.graph.initializers][0]!.uses.size).toBe(usesBefore);
});
