/** Types of models as files of others bring them; `inferred-types.json` is what onnx.shape_inference of onnx 1.23 finds. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inferModel } from '../../shared/onnx/infer.ts';
import type { Graph, Model } from '../../shared/onnx/ir.ts';
import { everyNode } from '../../shared/onnx/match.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { isStatic } from '../../shared/tensor/dim.ts';
import type { TensorType } from '../../shared/tensor/type.ts';
import { shown } from './schema/type-text.ts';

const HEAD = '<ir_version: 10, opset_import: ["": 21, "com.example": 1]>';
const RECORDED = JSON.parse(readFileSync(new URL('inferred-types.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, string>
>;

/** Without names of sizes: both sides make up their own. */
const sizes = (type: TensorType | null): string | null =>
  type && `${type.dtype}[${type.shape.map((dim) => (isStatic(dim) ? dim : '?')).join(',')}]`;

const typesOf = (graph: Graph): Record<string, string | null> =>
  Object.fromEntries([...everyNode(graph)].flatMap(({ outputs }) => outputs.map((v) => [v.name, shown(v.type)])));

function inferred(body: string): Model {
  const model = parseModel(`${HEAD} ${body}`);
  inferModel(model);
  return model;
}

describe.each(Object.entries(RECORDED))('%s', (name, expected) => {
  test('has the types that onnx finds', async () => {
    const { model, close } = await openModel(`test/fixtures/${name}.onnx`);
    close();
    const outputs = [...model.graph.nodes].flatMap((node) => node.outputs);
    for (const value of outputs) value.type = null;
    inferModel(model);
    const found = Object.fromEntries(outputs.map((value) => [value.name, sizes(value.type)]));
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]))).toEqual(expected);
  });
});

test('shapes that are computed are followed', () => {
  const model = inferred(
    'g (float[N,3,4] x) => (float[?,?] y) < int64[1] rest = {-1}, int64[1] zero = {0} > ' +
      '{ s = Shape(x)\n n = Gather <axis = 0> (s, zero)\n t = Concat <axis = 0> (n, rest)\n y = Reshape(x, t) }',
  );
  expect(typesOf(model.graph)).toMatchObject({ s: 'int64[3]', n: 'int64[1]', t: 'int64[2]', y: 'float32[?,?]' });
});

test('bodies see what they are given: a slice, a state, a count', () => {
  const scan = inferred(
    'g (float[2] a, float[5,2] x) => (float[2] b, float[5,2] y) { b, y = Scan <num_scan_inputs = 1, body = body ' +
      '(state, slice) => (next, out) { next = Add(state, slice)\n out = Relu(next) }> (a, x) }',
  );
  expect(typesOf(scan.graph)).toEqual({ b: 'float32[2]', y: 'float32[5,2]', next: 'float32[2]', out: 'float32[2]' });
  const loop = inferred(
    'g (int64 n, bool c, float[2] x) => (y, z) { y, z = Loop <body = body (i, go, v) => (on, w, f) ' +
      '{ on = Identity(go)\n w = Concat <axis = 0> (v, v)\n f = Cast <to = 1> (i) }> (n, c, x) }',
  );
  // What is carried may grow: its type is left open.
  expect(typesOf(loop.graph)).toEqual({ y: null, z: 'float32[?]', on: 'bool[]', w: null, f: 'float32[]' });
});

test('unknown operators, and calls that cannot be, leave values untyped; recorded types go on from there', () => {
  const model = inferred(
    'g (float[2] x, float[3] y) => (float[2] r) < float[7] q > { p = com.example.Strange(x)\n a = Neg(p)\n ' +
      'b = Add(x, y)\n c = Neg(b)\n q = com.example.Strange(x)\n d = Neg(q)\n r = Neg(x) }',
  );
  expect(typesOf(model.graph)).toEqual({
    p: null,
    a: null,
    b: null,
    c: null,
    q: 'float32[7]',
    d: 'float32[7]',
    r: 'float32[2]',
  });
  const isInferred = [...model.graph.nodes].flatMap(({ outputs }) => outputs.map((v) => [v.name, v.isInferred]));
  expect(isInferred.filter(([, found]) => found)).toEqual([['d', true]]);
});

test('a model of an opset with other rules is left alone', () => {
  const model = parseModel('<ir_version: 3, opset_import: ["": 8]> g (float[2] x) => (y) { y = Neg(x) }');
  inferModel(model);
  expect(typesOf(model.graph)).toEqual({ y: null });
});
