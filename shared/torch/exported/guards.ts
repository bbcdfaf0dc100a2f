/** Guards: the conditions on input sizes that PyTorch traced a program under, as text in the file. */
import type { Condition } from '../../tensor/condition.ts';
import { mapDims } from '../../tensor/condition.ts';
import { type Dim, substitute } from '../../tensor/dim.ts';
import { parseCondition } from '../condition-expression.ts';
import type { Json } from '../json.ts';
import type { Guards, ProgramInput, TorchGraph } from '../program.ts';
import { inputPaths } from './input-paths.ts';

/** Far more than any real program has; a hostile file may not cost more. */
const LIMIT = 20_000;

type UserInput = Extract<ProgramInput, { kind: 'user' }>;

export function readGuards(json: Json, graph: TorchGraph, inputs: readonly UserInput[]): Guards {
  const texts = json.optional('guards_code')?.items() ?? [];
  if (texts.length > LIMIT) json.fail(`${texts.length} guards are beyond the limit of ${LIMIT}`);
  const sizeOf = sizes(inputPaths(json.get('graph_module')), graph, inputs);
  const conditions: Condition[] = [];
  const unread: string[] = [];
  for (const text of new Set(texts.map((item) => item.string()))) {
    const condition = readGuard(text, sizeOf);
    if (condition) conditions.push(condition);
    else unread.push(text);
  }
  return { conditions, unread };
}

/** `L['x'].size()[0]`, `L['past'][0][1].size()[2]`, or a number itself: `L['n']`. */
const SOURCE = /(L(?:\['(?:[^'\\]|\\.)*'\]|\[\d+\])+)(?:\.size\(\)\[(\d+)\])?(?![\w.[])/g;

type SizeOf = (path: string, axis: number | null) => Dim | null;

function readGuard(text: string, sizeOf: SizeOf): Condition | null {
  const dims = new Map<string, Dim>();
  let isComplete = true;
  const named = text.replaceAll(SOURCE, (_, path: string, axis: string | undefined) => {
    const dim = sizeOf(path, axis === undefined ? null : Number(axis));
    if (dim === null) isComplete = false;
    const name = `_source${dims.size}`;
    dims.set(name, dim ?? 0);
    return name;
  });
  const condition = isComplete ? parseCondition(named) : null;
  return condition && mapDims(condition, (dim) => substitute(dim, dims));
}

function sizes(paths: readonly string[] | null, graph: TorchGraph, inputs: readonly UserInput[]): SizeOf {
  const byPath = new Map<string, UserInput>();
  inputs.forEach((input, i) => {
    byPath.set(`L['flat_args'][${i}]`, input);
    // Without the structure an input is known by its own name only.
    byPath.set(paths?.length === inputs.length ? paths[i]! : `L['${input.name}']`, input);
  });
  return (path, axis) => {
    const argument = byPath.get(path)?.value;
    const value = argument && 'name' in argument ? graph.values.get(argument.name) : undefined;
    if (value?.kind === 'symint' && axis === null) return value.dim;
    return value?.kind === 'tensor' && axis !== null ? (value.type.shape[axis] ?? null) : null;
  };
}
