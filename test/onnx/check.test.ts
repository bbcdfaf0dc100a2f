/** Each way a model can be malformed is named. */
import { describe, expect, test } from 'vitest';
import { checkModel, operatorProblems, structureProblems } from '../../shared/onnx/check.ts';
import { Graph, type Model, Node, Value } from '../../shared/onnx/ir.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { typedModel } from './typed.ts';

const model = (): Model =>
  typedModel('<ir_version: 10, opset_import: ["": 21]> g (float[2] x) => (float[2] y) { a = Relu(x)\n y = Neg(a) }');
const nodes = ({ graph }: Model): Node[] => [...graph.nodes];
const float2 = { dtype: 'float32', shape: [2] } as const;

test('a sound model has no problems', () => {
  expect(() => checkModel(model())).not.toThrow();
});

describe('structure', () => {
  const cases: Readonly<Record<string, readonly [(m: Model) => void, string]>> = {
    'a name given twice': [(m) => (nodes(m)[0]!.outputs[0]!.name = 'y'), 'the name "y" is given twice'],
    'a name from a subgraph given twice': [
      (m) => {
        const body = new Graph('body');
        const value = new Value('x', float2);
        body.addNode(new Node({ op: 'Relu', inputs: [m.graph.inputs[0]!], outputs: [value] }));
        body.outputs.push(value);
        nodes(m)[0]!.attributes.set('body', { kind: 'graph', value: body });
      },
      'the name "x" is given twice',
    ],
    'read before it is computed': [
      (m) => {
        const [first] = nodes(m);
        const copy = new Node({ op: 'Abs', inputs: [nodes(m)[1]!.outputs[0]!], outputs: [new Value('late', float2)] });
        m.graph.addNode(copy);
        first!.setInput(0, copy.outputs[0]!);
      },
      'reads "late" before it is computed',
    ],
    'a value of nobody': [(m) => nodes(m)[0]!.setInput(0, new Value('stranger', float2)), 'reads "stranger"'],
    'a removed node that is still a producer': [
      (m) => {
        m.graph.removeNode(nodes(m)[0]!);
      },
      'reads "a" before it is computed',
    ],
    'a use that is not linked': [
      (m) => {
        const [use] = m.graph.inputs[0]!.uses;
        m.graph.inputs[0]!.unlinkUse(use!);
      },
      'which does not list it',
    ],
    'a use by nobody': [
      (m) => m.graph.inputs[0]!.linkUse({ node: new Node({ op: 'Abs', inputs: [], outputs: [] }), index: 0 }),
      'which is not in the model',
    ],
    'an output nobody computes': [
      (m) => m.graph.outputs.push(new Value('z', float2)),
      'output "z" of graph "g" is not computed in it',
    ],
    'one value as two outputs': [(m) => m.graph.outputs.push(m.graph.outputs[0]!), 'one value as two outputs'],
    'a value given and computed': [(m) => m.graph.inputs.push(nodes(m)[0]!.outputs[0]!), '"a" is given and computed'],
    'an initializer without data': [
      (m) => (m.graph.addInitializer('w', memoryData('float32', [0], new Uint8Array(0))).data = null),
      'has no data',
    ],
    'a value without a name': [(m) => (nodes(m)[0]!.outputs[0]!.name = ''), 'has no name'],
  };
  test.each(Object.entries(cases))('%s', (_, [breakIt, problem]) => {
    const broken = model();
    breakIt(broken);
    expect(structureProblems(broken).join('\n')).toContain(problem);
  });
});

describe('operators', () => {
  const problems = (node: string, opset = 21): string => {
    const parsed = parseModel(
      `<ir_version: 10, opset_import: ["": ${opset}]> g (float[2] x) => (float[2] y) { y = ${node} }`,
    );
    return operatorProblems(parsed).join('\n');
  };

  test.each([
    ['Nonsense(x)', 'no such operator'],
    ['Relu(x, x)', '2 inputs, it takes 1'],
    ['Add(x)', 'input B is missing'],
    ['Relu <alpha = 1.0>(x)', 'no attribute alpha'],
    ['LeakyRelu <alpha = 1>(x)', 'attribute alpha is of kind int, not float'],
    ['Cast(x)', 'attribute to is missing'],
    ['Unsqueeze <axes = [0]>(x)', 'input axes is missing'],
    ['com.example.Anything(x)', 'names no opset for the domain "com.example"'],
  ])('%s', (node, problem) => {
    expect(problems(node)).toContain(problem);
  });

  test('what the opset does not have yet', () => {
    expect(problems('Gelu(x)', 19)).toContain('it exists since opset 20, the model has 19');
    expect(problems('Unsqueeze <axes = [0]>(x)', 11)).toBe('');
  });
});
