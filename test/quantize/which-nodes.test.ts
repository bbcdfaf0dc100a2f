/** Nodes that a job names, by the options of onnxruntime's tool and by ours. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { openModel } from '../../shared/onnx/proto/read.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { type NodeChoice, nodesInFloat } from '../../shared/quantize/which-nodes.ts';
import { fixturePath, quantizeFixture } from './fixture.ts';

async function opened(): Promise<Model> {
  const { model, close } = await openModel(fixturePath('tool-options', 'fp32.onnx'));
  onTestFinished(close);
  return model;
}

/** What is left to be quantized. */
async function left(choice: NodeChoice): Promise<readonly string[]> {
  const { graph } = await opened();
  const refused = nodesInFloat(graph, choice);
  return [...graph.nodes].filter((node) => !refused.has(node)).map(({ name }) => name);
}

const ALL = ['conv1', 'relu1', 'pool', 'conv2', 'flat', 'gemm', 'matmul', 'add'];

describe('nodesInFloat', () => {
  test.each<[string, NodeChoice, readonly string[]]>([
    ['nothing named', {}, ALL],
    ['empty lists', { nodesToQuantize: [], nodesToExclude: [], opTypesToQuantize: [] }, ALL],
    ['only these', { nodesToQuantize: ['conv2', 'gemm'] }, ['conv2', 'gemm']],
    ['all but these', { nodesToExclude: ['gemm', 'flat'] }, ALL.filter((name) => name !== 'gemm' && name !== 'flat')],
    ['only these operators', { opTypesToQuantize: ['Conv', 'LSTM'] }, ['conv1', 'conv2']],
    [
      'all together',
      { opTypesToQuantize: ['Conv'], nodesToExclude: ['conv1'], nodesToQuantize: ['conv1', 'conv2'] },
      ['conv2'],
    ],
    ['ours beside them', { opTypesToQuantize: ['Conv'], keepFloat: ['conv1'] }, ['conv2']],
  ])('%s', async (_, choice, names) => expect(await left(choice)).toEqual(names));

  test.each<[NodeChoice, string]>([
    [
      { nodesToQuantize: ['conv3'] },
      'option nodes_to_quantize: "conv3" is not valid; expected the name of a node; the nearest are "conv1", "conv2"',
    ],
    [{ nodesToExclude: ['nothing'] }, 'option nodes_to_exclude: "nothing" is not valid; expected the name of a node'],
    [
      { opTypesToQuantize: ['Matmul'] },
      'option op_types_to_quantize: "Matmul" is not valid; expected the name of an operator; the nearest is "MatMul"',
    ],
  ])('%j is refused', async (choice, message) => {
    const { graph } = await opened();
    expect(() => nodesInFloat(graph, choice)).toThrow(
      expect.objectContaining({ code: 'BadOption', message: expect.stringContaining(message) as string }),
    );
  });
});

test('the report says which option left a node in float', async () => {
  const { facts } = await quantizeFixture('digits_cnn', { opTypesToQuantize: ['Conv'] });
  expect(new Set(facts.skipped.map(({ reason }) => reason))).toEqual(
    new Set(['op_types_to_quantize does not name it']),
  );
  expect(facts.skipped.map(({ operator }) => operator)).toContain('Gemm');
});
