/** The signature: which inputs are weights, and what each output means. */
import type { Json } from '../json.ts';
import type { Argument, ProgramInput, ProgramOutput, TorchGraph } from '../program.ts';
import { readArgument } from './argument.ts';
import { isOldSignature, readOldSignature } from './old-signature.ts';
import type { Reading } from './reading.ts';

/** A weight of the signature, before it has a key among the weights. */
export interface WeightSpec {
  readonly kind: 'parameter' | 'buffer' | 'constant';
  /** Name of the graph's value. */
  readonly name: string;
  /** Name in the state dict. */
  readonly fqn: string;
  /** Kept among the constants: lifted tensors and buffers that are not persistent. */
  readonly isConstant: boolean;
}

export type InputSpec = Exclude<ProgramInput, { key: string }> | WeightSpec;

const nameOf = (json: Json): string => json.get('arg').get('name').name();

const INPUTS: Readonly<Record<string, (json: Json, graphInput: Argument, reading: Reading) => InputSpec>> = {
  user_input: (json, graphInput, reading) => user(readArgument(json.get('arg'), reading), graphInput),
  constant_input: (json, graphInput) => ({ kind: 'user', name: json.get('name').name(), value: graphInput }),
  parameter: (json) => ({
    kind: 'parameter',
    name: nameOf(json),
    fqn: json.get('parameter_name').name(),
    isConstant: false,
  }),
  buffer: (json) => ({
    kind: 'buffer',
    name: nameOf(json),
    fqn: json.get('buffer_name').name(),
    // Before 2.3 every buffer was persistent.
    isConstant: json.optional('persistent')?.boolean() === false,
  }),
  tensor_constant: (json) => ({
    kind: 'constant',
    name: nameOf(json),
    fqn: json.get('tensor_constant_name').name(),
    isConstant: true,
  }),
  custom_obj: (json) => ({ kind: 'object', name: nameOf(json) }),
  token: (json) => ({ kind: 'token', name: nameOf(json) }),
};

function user(argument: Argument, graphInput: Argument): InputSpec {
  return {
    kind: 'user',
    name: 'name' in argument ? argument.name : 'name' in graphInput ? graphInput.name : '',
    value: graphInput,
  };
}

const tensorArg = (json: Json): Argument => ({ kind: 'tensor', name: nameOf(json) });
const mutation =
  (of: 'parameter' | 'buffer' | 'input', target: string) =>
  (json: Json): ProgramOutput => ({ kind: 'mutation', value: tensorArg(json), of, target: json.get(target).name() });
const other = (json: Json): ProgramOutput => ({ kind: 'other', value: tensorArg(json) });

const OUTPUTS: Readonly<Record<string, (json: Json, reading: Reading) => ProgramOutput>> = {
  user_output: (json, reading) => ({ kind: 'user', value: readArgument(json.get('arg'), reading) }),
  loss_output: (json) => ({ kind: 'user', value: tensorArg(json) }),
  buffer_mutation: mutation('buffer', 'buffer_name'),
  parameter_mutation: mutation('parameter', 'parameter_name'),
  user_input_mutation: mutation('input', 'user_input_name'),
  gradient_to_parameter: other,
  gradient_to_user_input: other,
  token: (json) => ({ kind: 'token', value: { kind: 'object', name: nameOf(json) } }),
};

export interface Signature {
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly ProgramOutput[];
}

/** Specs are parallel to the inputs and outputs of the graph; where they disagree the file is refused. */
export function readSignature(json: Json, graph: TorchGraph, reading: Reading): Signature {
  if (isOldSignature(json)) return readOldSignature(json, graph);
  const inputs = readSpecs(json.get('input_specs'), INPUTS, {
    bound: graph.inputs,
    apply: (read, value, bound) => read(value, bound, reading),
  });
  const outputs = readSpecs(json.get('output_specs'), OUTPUTS, {
    bound: graph.outputs,
    apply: (read, value) => read(value, reading),
  });
  return { inputs: inputs.map(named), outputs };
}

/** Constant arguments of old files have no name. */
const named = (input: InputSpec, i: number): InputSpec =>
  input.kind === 'user' && input.name === '' ? { ...input, name: `input_${i}` } : input;

function readSpecs<R, T extends InputSpec | ProgramOutput>(
  json: Json,
  table: Readonly<Record<string, R>>,
  {
    bound,
    apply,
  }: { readonly bound: readonly Argument[]; readonly apply: (read: R, value: Json, bound: Argument) => T },
): T[] {
  const specs = json.items();
  if (specs.length !== bound.length) json.fail(`${specs.length} specs for ${bound.length} values of the graph`);
  return specs.map((spec, i) => {
    const [tag, value] = spec.union();
    if (!Object.hasOwn(table, tag)) spec.fail(`"${tag}" is no kind of input or output`);
    const read = apply(table[tag]!, value, bound[i]!);
    const name = 'name' in read ? read.name : 'name' in read.value ? read.value.name : null;
    const expected = bound[i]!;
    if (name && 'name' in expected && expected.name !== name)
      spec.fail(`it names "${name}", the graph has "${expected.name}" in its place`);
    return read;
  });
}
