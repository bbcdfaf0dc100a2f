/** The text syntax: as onnx.printer writes it, and back. */
import { describe, expect, test } from 'vitest';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { printModel } from '../../shared/onnx/text.ts';

const HEAD = '<ir_version: 10, opset_import: ["": 21]>\n';

describe('what is read is printed', () => {
  test.each([
    [
      'types and dimensions',
      'g (float[N,"2*N + 1",?,3] x, double scalar, bool[0] none) => (float[N,"2*N + 1",?,3] y)\n{\n  y = Relu(x)\n}\n',
    ],
    [
      'names that are no identifiers',
      '"my graph" (float[2] "a.b/c:0", float[2] "inf") => (float[2] "1")\n{\n  "1" = Add("a.b/c:0", "inf")\n}\n',
    ],
    [
      'attributes',
      'g (float[2] x) => (float[2] y)\n{\n  y = Op <i = -1, f = 1.0, e = 1e-7, big = -inf, s = ' +
        '"a\\"b\\\\c", is = [1, 2], fs = [1.0, 0.5], ss = ["p", "q"], none = 9223372036854775807, empty: ' +
        'ints = [], t = float[2] {1, -0}>(x)\n}\n',
    ],
    ['absent inputs and outputs', 'g (float[2] x) => (float[2] y)\n{\n  "", y = Op(x, "", x)\n}\n'],
    ['domains', 'g (float[2] x) => (float[2] y)\n{\n  y = com.microsoft.Gelu(x)\n}\n'],
    [
      'initializers',
      'g (float[2] x) => (float[2] y)\n<\n  float[2] w = {1, 0.1},\n  float16 h = {0.5},\n  int4[3] q = ' +
        '{-8, 7, 1},\n  bool[2] b = {1, 0}\n>\n{\n  y = Add(x, w)\n}\n',
    ],
    [
      'graphs in attributes',
      'g (bool c, float[2] x) => (float[2] y)\n{\n  y = If <then_branch = yes () => (float[2] t)\n  {\n  ' +
        '  t = Relu(x)\n  }, else_branch = no () => (e)\n  {\n    e = Neg(x)\n  }>(c)\n}\n',
    ],
  ])('%s', (_, graph) => {
    expect(printModel(parseModel(HEAD + graph))).toBe(HEAD + graph);
  });
});

test('text printed by onnx.printer', () => {
  // onnx 1.23: types of attributes, a space before parentheses, attributes after them when they hold graphs.
  const model = parseModel(`<
   ir_version: 10,
   opset_import: ["" : 21, "com.microsoft" : 1],
   producer_name: "pp",
   metadata_props: ["k": "v"]
>
"my graph" (bool c, float["2*N + 1",?,3,N] "x.1") => (float[] z)
   <int64[2,1] w =  {1,-5}, float s =  {0.1}, float[0] em =  {}, bool[2] bo =  {1,0}, float[3] q =  {nan,inf,-inf}, uint8[3] u8 =  {1,2,3}>
{
   ["n/1"] y = If (c) <else_branch: graph = eg () => (float[] e) {
      e = Identity ("x.1")
   }, then_branch: graph = tg () => (float[?] t) {
      t = Identity ("x.1")
   }>
   "", z = com.microsoft.FooX <a: int = 1, b: float = 1, c: string = "s\\"t", d: ints = [1, 2], e: floats = [1.5, 2, inf], f: strings = ["a", "b"], g: float = 1e-07, t: tensor = float[2] {1,2}> (y, "", w)
}`);
  expect(printModel(model, { names: true }))
    .toBe(`<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1], producer_name: "pp", metadata_props: ["k": "v"]>
"my graph" (bool c, float["2*N + 1",?,3,N] "x.1") => (z)
<
  int64[2,1] w = {1, -5},
  float s = {0.1},
  float[0] em = {},
  bool[2] bo = {1, 0},
  float[3] q = {nan, inf, -inf},
  uint8[3] u8 = {1, 2, 3}
>
{
  ["n/1"] y = If <else_branch = eg () => (e)
  {
    e = Identity("x.1")
  }, then_branch = tg () => (float[?] t)
  {
    t = Identity("x.1")
  }>(c)
  "", z = com.microsoft.FooX <a = 1, b = 1.0, c = "s\\"t", d = [1, 2], e = [1.5, 2.0, inf], f = ["a", "b"], g = 1e-7, t = float[2] {1, 2}>(y, "", w)
}
`);
});

test('large tensors are not printed', () => {
  const model = parseModel(`${HEAD}g () => (float[3] y)\n<\n  float[3] w = {1, 2, 3}\n>\n{\n  y = Relu(w)\n}\n`);
  expect(printModel(model, { elements: 2 })).toContain('float[3] w = ...');
});

test.each([
  ['y = Relu(z)', 'line 3: "z" is not defined'],
  ['y = Relu(x', 'line 3: ) is expected'],
  ['y = Relu(x)\n  y = Relu(x)', 'line 4: "y" is defined twice'],
  ['y = Relu <a = float[2] {1}>(x)', 'line 3: 1 elements for the shape [2]'],
  ['y = Relu(x) ;', 'line 3: cannot read ";'],
])('%s', (node, message) => {
  expect(() => parseModel(`${HEAD}g (float x) => (float y) {\n  ${node}\n}`)).toThrow(message);
});
