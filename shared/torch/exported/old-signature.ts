/** The signature as torch 2.1 wrote it: dictionaries from names of the graph to names of the state dict. */
import type { Json } from '../json.ts';
import type { Argument, ProgramOutput, TorchGraph } from '../program.ts';
import type { InputSpec, Signature } from './signature.ts';

export const isOldSignature = (json: Json): boolean =>
  json.optional('input_specs') === null && json.optional('user_inputs') !== null;

export function readOldSignature(json: Json, graph: TorchGraph): Signature {
  const names = (key: string): ReadonlyMap<string, string> =>
    new Map(
      json
        .get(key)
        .entries()
        .map(([name, target]) => [name, target.name()]),
    );
  const [parameters, buffers, mutated] = [
    names('inputs_to_parameters'),
    names('inputs_to_buffers'),
    names('buffers_to_mutate'),
  ];
  const users = new Set(
    json
      .get('user_inputs')
      .items()
      .map((item) => item.name()),
  );
  return {
    inputs: graph.inputs.map((value, i): InputSpec => {
      const name = 'name' in value ? value.name : json.fail(`input ${i} of the graph has no name`);
      const [parameter, buffer] = [parameters.get(name), buffers.get(name)];
      if (parameter !== undefined) return { kind: 'parameter', name, fqn: parameter, isConstant: false };
      if (buffer !== undefined) return { kind: 'buffer', name, fqn: buffer, isConstant: false };
      return users.has(name)
        ? { kind: 'user', name, value }
        : json.fail(`input "${name}" of the graph is neither a weight nor a user input`);
    }),
    outputs: graph.outputs.map((value) => outputOf(value, mutated)),
  };
}

function outputOf(value: Argument, mutated: ReadonlyMap<string, string>): ProgramOutput {
  const target = value.kind === 'tensor' ? mutated.get(value.name) : undefined;
  return target === undefined ? { kind: 'user', value } : { kind: 'mutation', value, of: 'buffer', target };
}
