import { expect, test } from 'vitest';
import { checkModel } from '../../shared/onnx/check.ts';
import { isUnknownDim } from '../../shared/onnx/unknown-dim.ts';
import { PassLog, type Rule, sequence, untilStable } from '../../shared/onnx/pass.ts';
import { builderFor, rewriting } from '../../shared/onnx/rewrite.ts';
import { removeUnused } from '../../shared/onnx/passes/remove-unused.ts';
import { passOf, STAGES } from '../../shared/onnx/passes/index.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { printGraph } from '../../shared/onnx/text.ts';
import { typedModel } from './typed.ts';

const HEAD = '<ir_version: 10, opset_import: ["": 21]>';
const reluToMax: Rule = {
  name: 'relu-to-max',
  root: 'Relu',
  rewrite: (node, op) => op.Max([node.inputs[0]!, op.scalar('float32', 0)]),
};

test('new nodes carry the origin of the node they replace and stand where it stood', () => {
  const model = typedModel(
    `${HEAD} g (bool c, float[2] x) => (float[2] y) { a = Relu(x)\n b = Neg(a)\n y = If <then_branch = t ` +
      '() => (float[2] p) { p = Relu(b) }, else_branch = e () => (float[2] q) { q = Neg(b) }>(c) }',
  );
  const origin = { operator: 'aten::relu', module: 'act', line: null };
  [...model.graph.nodes][0]!.origin = origin;
  const log = new PassLog();
  const pass = untilStable(sequence('all', [rewriting('rules', [reluToMax]), removeUnused]));
  expect(pass.run(model, log)).toBe(2);
  checkModel(model);
  expect(log.results).toEqual([{ pass: 'relu-to-max', changes: 2 }]);
  expect([...model.graph.nodes].map((n) => n.op)).toEqual(['Max', 'Neg', 'If']);
  expect([...model.graph.nodes][0]!.origin).toBe(origin);
  expect(printGraph(model.graph)).toContain('p = Max(b, "const.0")');
});

test('a rule that changes a type or forgets an output is a bug', () => {
  const wrongType: Rule = {
    name: 'wrong-type',
    root: 'Relu',
    rewrite: (node, op) => op.Cast([node.inputs[0]!], { to: 'int32' }),
  };
  const model = typedModel(`${HEAD} g (float[2] x) => (float[2] y) { a = Relu(x)\n y = Neg(a) }`);
  expect(() => rewriting('rules', [wrongType]).run(model)).toThrow('float32[2] cannot be replaced by int32[2]');
  const forgetful: Rule = { name: 'forgetful', root: 'Split', rewrite: (node) => node.inputs[0]! };
  const split = typedModel(
    `${HEAD} g (float[1] x) => (float[1] y, float[0] z) < int64[2] sizes = {1, 0} > { y, z = Split(x, sizes) }`,
  );
  expect(() => rewriting('rules', [forgetful]).run(split)).toThrow('forgetful drops "z" of Split');
});

test('names and unknown dimensions made for an existing model are new to it', () => {
  const model = typedModel(`${HEAD} g (float[N] x) => (int64[1,?] y) { "relu.7" = Relu(x)\n y = NonZero("relu.7") }`);
  const op = builderFor(model);
  const fresh = op.Relu([model.graph.inputs[0]!]);
  expect([...model.graph.nodes].filter((n) => n.outputs[0]!.name === fresh.name)).toHaveLength(1);
  const unknown = model.graph.outputs[0]!.type!.shape[1]!;
  expect(isUnknownDim(unknown)).toBe(true);
  expect(String(op.unknownDim())).not.toBe(String(unknown));
});

test('a model without types is only changed where types do not matter', () => {
  const model = parseModel(
    `${HEAD} g (float[2,3] x) => (y) { a = Transpose(x)\n b = Transpose(a)\n c = Mystery(b)\n d = ` +
      `Transpose(c)\n e = Reshape(d, d)\n f = Identity(e)\n y = Cast<to=1>(f) }`,
  );
  passOf(STAGES).run(model);
  expect(printGraph(model.graph)).toContain('y = Cast <to = 1>');
  expect([...model.graph.nodes].map((n) => n.op)).toEqual([
    'Transpose',
    'Transpose',
    'Mystery',
    'Transpose',
    'Reshape',
    'Cast',
  ]);
});

test('rules leave models alone whose operators meant other things', () => {
  const model = parseModel(
    '<ir_version: 4, opset_import: ["": 6]> g (float[2] x) => (y) { a = Dropout(x)\n y = Relu(a) }',
  );
  passOf(STAGES).run(model);
  expect([...model.graph.nodes].map((n) => n.op)).toEqual(['Dropout', 'Relu']);
});
