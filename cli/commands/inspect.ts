/** `torchferry inspect`: what a file holds, without converting it. */
import { inspectFile, type Inspection } from '../../shared/steps/inspect-file.ts';
import type { Command } from '../command.ts';
import { pathsOf, pytorchFiles } from '../files.ts';
import { eachFile } from '../outcomes.ts';
import { size } from '../sizes.ts';
import { withSource } from '../with-source.ts';

export const inspect: Command = {
  usage: 'torchferry inspect <model>... [--json]',
  options: {},
  async run({ files, options, progress }) {
    return eachFile(pathsOf(pytorchFiles(files)), { progress, options }, async (file) => {
      const facts = await withSource(file, inspectFile);
      return { text: described(file, facts), facts: { ...facts } };
    });
  },
};

function described(file: string, i: Inspection): string {
  const nodes = i.operators.reduce((n, o) => n + o.count, 0);
  return [
    `${file}: ${i.format}${i.torch ? `, torch ${i.torch}` : ''}${i.schema ? `, schema ${i.schema}` : ''}`,
    ...i.inputs.map(({ name, type }) => `  input   ${name}: ${type}`),
    ...i.outputs.map(({ name, type }) => `  output  ${name}: ${type}`),
    `  weights ${i.weights} tensors, ${size(i.weightBytes)}`,
    `  ${nodes} nodes of ${i.operators.length} operators: ${i.operators
      .slice(0, 8)
      .map((o) => `${o.operator} ${o.count}`)
      .join(', ')}${i.operators.length > 8 ? ', ...' : ''}`,
    i.unsupported.length
      ? `  cannot be converted yet: ${i.unsupported.map((u) => `${u.name} (${u.count})`).join(', ')}`
      : '  every operator can be converted',
    ...i.warnings.map((w) => `  note: ${w}`),
  ].join('\n');
}
