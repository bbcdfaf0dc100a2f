/** Programs that write into tensors, as programs that only compute: what PyTorch calls functionalization. */
import { tensorName } from './functionalize/arguments.ts';
import { functionalGraph, writes } from './functionalize/functional-graph.ts';
import { Sizes } from './functionalize/sizes.ts';
import type { ProgramInput, ProgramOutput, TorchProgram } from './program.ts';

/** State that a run of the program changes. */
export interface Mutation {
  readonly kind: 'parameter' | 'buffer' | 'input';
  /** Key of the weight, or name of the input. */
  readonly target: string;
  /** The graph's value that holds the new numbers after a run; null when they could not be followed. */
  readonly value: string | null;
}

export interface FunctionalProgram {
  /** Every operator is pure. The very program that was given when it was so already. */
  readonly program: TorchProgram;
  /**
   * Implicit ones of training IR and those that a decomposed program lists among its outputs, in the order of the
   * inputs.
   */
  readonly mutations: readonly Mutation[];
}

/**
 * Replace in-place operators, `out=` variants and writes through views by pure operators on new values. Types of new
 * values
 * are recorded, with the strides of the tensor they stand for. Refuses (`UnsupportedMutation`) when a value is needed
 * that a
 * write has changed in a way that the file does not determine.
 */
export function functionalize(program: TorchProgram): FunctionalProgram {
  if (!writes(program.graph)) return { program, mutations: listedMutations(program.outputs) };
  const { graph, changed } = functionalGraph(program.graph, new Sizes(program.symbols), tiedInputs(program));
  const implicit = program.inputs.flatMap((input) => {
    const name = inputName(input);
    return name !== null && changed.has(name) ? [{ ...stateOf(input, name), value: changed.get(name)! }] : [];
  });
  const outputs = program.outputs.map((output, i): ProgramOutput => ({
    ...output,
    value: graph.outputs[i] ?? output.value,
  }));
  return {
    program: { ...program, graph, outputs, sampleInputs: (tell) => program.sampleInputs(tell) },
    mutations: [...listedMutations(outputs), ...implicit],
  };
}

const listedMutations = (outputs: readonly ProgramOutput[]): Mutation[] =>
  outputs.flatMap((output) =>
    output.kind === 'mutation' ? [{ kind: output.of, target: output.target, value: tensorName(output.value) }] : [],
  );

const inputName = (input: ProgramInput): string | null =>
  input.kind === 'user' ? tensorName(input.value) : input.name;

/** A lifted constant that changes is state like a buffer. */
function stateOf(input: ProgramInput, name: string): Pick<Mutation, 'kind' | 'target'> {
  if (input.kind === 'parameter') return { kind: 'parameter', target: input.key };
  if (input.kind === 'buffer' || input.kind === 'constant') return { kind: 'buffer', target: input.key };
  return { kind: 'input', target: input.kind === 'user' ? input.name : name };
}

/** Weights over the same memory: input name to the first input that has it. */
function tiedInputs({ inputs, weights }: TorchProgram): ReadonlyMap<string, string> {
  const first = new Map<object, string>();
  const tied = new Map<string, string>();
  for (const input of inputs) {
    const identity = 'key' in input ? weights.get(input.key)?.identity : undefined;
    if (!identity) continue;
    const owner = first.get(identity);
    if (owner === undefined) first.set(identity, input.name);
    else tied.set(input.name, owner);
  }
  return tied;
}
