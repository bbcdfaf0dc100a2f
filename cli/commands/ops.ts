/** `torchferry ops`: what can be converted. */
import { CONVERTERS, STRUCTURAL_CONVERTERS } from '../../shared/convert/registry.ts';
import { DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET } from '../../shared/onnx/opset.ts';
import type { Command } from '../command.ts';

export const ops: Command = {
  summary: 'list the PyTorch operators that can be converted',
  usage: 'torchferry ops [NAME...] [--json]',
  options: {},
  async run({ files }) {
    const all = [...[...CONVERTERS.values()].map((c) => ({ operator: c.schema.target, schema: c.schema.text })), ...[...STRUCTURAL_CONVERTERS.keys()].map((operator) => ({ operator, schema: null }))];
    const wanted = all.filter(({ operator }) => files.length === 0 || files.some((f) => operator.includes(f))).sort((a, b) => (a.operator < b.operator ? -1 : 1));
    const head = `${wanted.length} operators, each for opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} (default ${DEFAULT_OPSET})`;
    return {
      text: [head, ...wanted.map(({ operator, schema }) => `  ${schema ?? operator}`)].join('\n'),
      facts: { opsets: { oldest: OLDEST_OPSET, newest: NEWEST_OPSET, default: DEFAULT_OPSET }, operators: wanted },
    };
  },
};
