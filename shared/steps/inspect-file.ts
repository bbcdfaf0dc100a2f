/** What a PyTorch file holds, without converting it. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { allNodes, unsupportedUses } from '../convert/survey.ts';
import type { OperatorCount } from '../report/report.ts';
import { typeText } from '../tensor/type.ts';
import { functionalize } from '../torch/functionalize.ts';
import { openProgram } from '../formats/open.ts';
import type { Argument, TorchProgram } from '../torch/program.ts';
import { countsOf } from './model-facts.ts';
import { parameterSizes } from './parameter-sizes.ts';

export interface Inspection {
  readonly format: string;
  readonly torch: string | null;
  readonly schema: string | null;
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  readonly operators: readonly OperatorCount[];
  readonly unsupported: readonly { readonly name: string; readonly count: number; readonly at: string }[];
  readonly weights: number;
  /** Each storage once, however many names share it. */
  readonly weightBytes: number;
  readonly warnings: readonly string[];
}

export async function inspectFile(source: ByteSource): Promise<Inspection> {
  const program = await openProgram(source);
  const described = (argument: Argument): string => typeOf(program, argument);
  return {
    format: program.producer.format,
    torch: program.producer.torchVersion,
    schema: program.producer.schemaVersion,
    inputs: program.inputs.flatMap((i) => (i.kind === 'user' ? [{ name: i.name, type: described(i.value) }] : [])),
    outputs: program.outputs.flatMap((o) =>
      o.kind === 'user' ? [{ name: 'name' in o.value ? o.value.name : o.value.kind, type: described(o.value) }] : [],
    ),
    operators: countsOf([...allNodes(program.graph)].map(({ target }) => target)),
    unsupported: unsupportedUses(functionalize(program).program.graph),
    weights: program.weights.size,
    weightBytes: parameterSizes(program).parameterBytes,
    warnings: program.warnings,
  };
}

function typeOf(program: TorchProgram, argument: Argument): string {
  const value = argument.kind === 'tensor' ? program.graph.values.get(argument.name) : undefined;
  return value?.kind === 'tensor' ? typeText(value.type) : argument.kind;
}
