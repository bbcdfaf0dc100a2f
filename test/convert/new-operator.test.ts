/** A new operator is one line in a family: everything else follows from its row. */
import { expect, test, vi } from 'vitest';
import { convertProgram } from '../../shared/convert/convert.ts';
import { unsupportedUses } from '../../shared/convert/survey.ts';
import { printGraph } from '../../shared/onnx/text.ts';
import type { Argument, TorchProgram } from '../../shared/torch/program.ts';
import type { TensorType } from '../../shared/tensor/type.ts';

vi.mock(import('../../shared/convert/aten/elementwise/index.ts'), async (original) => {
  const { aten } = await import('../../shared/convert/converter.ts');
  const double = aten('aten::dummy_double(Tensor self) -> Tensor', (op, { self }) => op.Add([self, self]), {
    limits: [{ since: 14 }],
  });
  return { ...(await original()), dummy: { double } };
});

const type: TensorType = { dtype: 'float32', shape: [2, 3] };
const tensor = (name: string): Argument => ({ kind: 'tensor', name });
/** Calls in a row, the first one of `x`. */
const program = (...targets: readonly string[]): TorchProgram => ({
  name: 'dummy',
  producer: { format: 'test', torchVersion: null, schemaVersion: null },
  graph: {
    inputs: [tensor('x')],
    outputs: [tensor(`y${targets.length - 1}`)],
    values: new Map([['x', { kind: 'tensor', type, strides: [3, 1], offset: 0 }]]),
    nodes: targets.map((target, i) => ({
      name: `y${i}`,
      target,
      args: [{ name: 'self', value: tensor(i === 0 ? 'x' : `y${i - 1}`) }],
      outputs: [tensor(`y${i}`)],
      source: { module: '', moduleClass: null, line: null },
    })),
  },
  inputs: [{ kind: 'user', name: 'x', value: tensor('x') }],
  outputs: [{ kind: 'user', value: tensor(`y${targets.length - 1}`) }],
  weights: new Map(),
  symbols: new Map(),
  guards: { conditions: [], unread: [] },
  warnings: [],
  sampleInputs: () => Promise.resolve(null),
});

test('it converts, in place as well', () => {
  const { model } = convertProgram(program('aten::dummy_double', 'aten::dummy_double_'));
  expect(printGraph(model.graph)).toBe(
    [
      'main (float[2,3] x) => (float[2,3] y1)',
      '{',
      '  Add_output_0 = Add(x, x)',
      '  y1 = Add(Add_output_0, Add_output_0)',
      '}',
    ].join('\n'),
  );
});

test('its neighbour without a row is named', () =>
  expect(unsupportedUses(program('aten::dummy_triple').graph)).toEqual([
    { name: 'aten::dummy_triple', count: 1, at: 'the root module' },
  ]));

test('`torchferry ops` says what its row says', async () => {
  const { ops } = await import('../../cli/commands/ops.ts');
  const { text } = await ops.run({ files: ['dummy'], options: {} } as unknown as Parameters<typeof ops.run>[0]);
  expect(text).toContain('  aten::dummy_double(Tensor self) -> Tensor  [from opset 14]');
});
