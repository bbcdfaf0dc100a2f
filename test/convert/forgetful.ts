/** Programs as a format without recorded types would give them: only the user's inputs are typed. */
import type { Argument, NamedArgument, TorchGraph, TorchProgram } from '../../shared/torch/program.ts';

/** `program` without the types of everything that it computes or stores. */
export function withoutRecords(program: TorchProgram): TorchProgram {
  const typed = new Set(program.inputs.flatMap((input) => ('value' in input ? namesOf(input.value) : [])));
  return {
    ...program,
    graph: stripped(program.graph, typed),
    sampleInputs: () => program.sampleInputs(),
  };
}

const namesOf = (value: Argument): string[] => (value.kind === 'tensor' ? [value.name] : []);

function stripped(graph: TorchGraph, typed: ReadonlySet<string>): TorchGraph {
  return {
    ...graph,
    values: new Map([...graph.values].filter(([name, { kind }]) => kind !== 'tensor' || typed.has(name))),
    nodes: graph.nodes.map((node) => ({ ...node, args: node.args.map(withInner) })),
  };
}

const withInner = ({ name, value }: NamedArgument): NamedArgument => ({
  name,
  value: value.kind === 'graph' ? { kind: 'graph', graph: stripped(value.graph, new Set()) } : value,
});
