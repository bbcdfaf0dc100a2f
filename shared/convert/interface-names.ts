/** The names of inputs and outputs in the ONNX file: the user's, else the author's, else those of PyTorch's graph. */
import { fail } from '../errors.ts';

/** Key of the model's metadata with the other names of inputs and outputs, as JSON: `{ outputs: { name: [...] } }`. */
export const NAMES = 'torchferry.names';

/** How a value is called in the program. */
export interface ProgramName {
  /** Name of an argument, a key or a field; null where it has only a place. */
  readonly label: string | null;
  /** Name of the value in PyTorch's graph. */
  readonly graph: string;
}

export interface InterfaceName {
  readonly name: string;
  /** `job`: the user chose it; `program`: its author did; `graph`: PyTorch counted it up. */
  readonly from: 'job' | 'program' | 'graph';
  /** What else it is called: reference data may use these names too. */
  readonly aliases: readonly string[];
}

interface NamingRequest {
  /** What the user chose; null: nothing. */
  readonly chosen: readonly string[] | null;
  readonly given: readonly ProgramName[];
  /** Names of the other side: ONNX wants every name once. */
  readonly taken: readonly string[];
}

export function interfaceNames(
  option: 'input_names' | 'output_names',
  { chosen, given, taken }: NamingRequest,
): InterfaceName[] {
  if (chosen) requireChosen(option, chosen, { given, taken });
  const names = chosen ?? freeNames(given, taken);
  const counts = new Map<string, number>();
  for (const { label, graph } of given)
    for (const name of new Set([label, graph])) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  const isTaken = (name: string): boolean => names.includes(name) || taken.includes(name);
  return given.map(({ label, graph }, i) => ({
    name: names[i]!,
    from: chosen ? 'job' : label !== null ? 'program' : 'graph',
    // A name that could mean two values means none.
    aliases: [...new Set([label, graph])].filter(
      (name): name is string => name !== null && counts.get(name) === 1 && !isTaken(name),
    ),
  }));
}

function requireChosen(
  option: 'input_names' | 'output_names',
  chosen: readonly string[],
  { given, taken }: Pick<NamingRequest, 'given' | 'taken'>,
): void {
  const refuse = (expected: string): never => fail('BadOption', { option, value: chosen.join(', '), expected });
  if (chosen.length !== given.length)
    refuse(`${given.length} names, for ${given.map(({ label, graph }) => label ?? graph).join(', ')}`);
  if (new Set(chosen).size !== chosen.length) refuse('names that differ');
  const twice = chosen.find((name) => taken.includes(name));
  if (twice !== undefined) refuse(`names that no input has, as "${twice}"`);
}

/** An output called like an input gets a suffix, the second of two equals a number. */
function freeNames(given: readonly ProgramName[], taken: readonly string[]): string[] {
  const wanted = given.map(({ label, graph }) => label ?? graph);
  const used = new Set<string>(taken);
  // Who has a name that nobody else wants keeps it.
  const seen = new Set<string>();
  return wanted.map((name) => {
    const first = used.has(name) ? `${name}_out` : name;
    let free = first;
    for (let n = 2; used.has(free) || seen.has(free) || (free !== name && wanted.includes(free)); n++)
      free = `${first}_${n}`;
    seen.add(free);
    return free;
  });
}
