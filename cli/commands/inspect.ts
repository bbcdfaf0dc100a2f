/** `torchferry inspect`: what a file holds, without converting it. */
import { fileSource } from '../../shared/bytes/byte-source.ts';
import { allNodes, unsupportedUses } from '../../shared/convert/survey.ts';
import { functionalize } from '../../shared/torch/functionalize.ts';
import { openProgram } from '../../shared/torch/open.ts';
import type { Argument, TorchProgram } from '../../shared/torch/program.ts';
import { typeText } from '../../shared/tensor/type.ts';
import type { Command } from '../command.ts';
import { modelFiles } from '../files.ts';
import { eachFile } from '../outcomes.ts';
import { size } from '../sizes.ts';

export const inspect: Command = {
  summary: 'show inputs, outputs, operators and weights of a PyTorch model',
  usage: 'torchferry inspect <model>... [--json]',
  options: {},
  async run({ files, progress }) {
    return eachFile(modelFiles(files), progress, async (file) => {
      const source = fileSource(file);
      try {
        const facts = inspection(await openProgram(source));
        return { text: described(file, facts), facts };
      } finally {
        source.close();
      }
    });
  },
};

function inspection(program: TorchProgram): Inspection {
  const describe = (argument: Argument): string => {
    const value = argument.kind === 'tensor' ? program.graph.values.get(argument.name) : undefined;
    return value?.kind === 'tensor' ? typeText(value.type) : argument.kind;
  };
  const counts = new Map<string, number>();
  for (const { target } of allNodes(program.graph)) counts.set(target, (counts.get(target) ?? 0) + 1);
  const distinct = [...new Map([...program.weights.values()].map((d) => [d.identity, d])).values()];
  return {
    format: program.producer.format,
    torch: program.producer.torchVersion,
    schema: program.producer.schemaVersion,
    inputs: program.inputs.flatMap((i) => (i.kind === 'user' ? [{ name: i.name, type: describe(i.value) }] : [])),
    outputs: program.outputs.flatMap((o) =>
      o.kind === 'user' ? [{ name: 'name' in o.value ? o.value.name : o.value.kind, type: describe(o.value) }] : [],
    ),
    operators: [...counts]
      .map(([operator, count]) => ({ operator, count }))
      .sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    unsupported: unsupportedUses(functionalize(program).program.graph),
    weights: program.weights.size,
    weightBytes: distinct.reduce((n, d) => n + d.byteLength, 0),
    warnings: program.warnings,
  };
}

type Inspection = {
  readonly format: string;
  readonly torch: string | null;
  readonly schema: string | null;
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  readonly operators: readonly { readonly operator: string; readonly count: number }[];
  readonly unsupported: readonly { readonly name: string; readonly count: number; readonly at: string }[];
  readonly weights: number;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
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
