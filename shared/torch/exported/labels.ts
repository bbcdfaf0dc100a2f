/** What a program's author calls inputs and outputs: names of arguments, keys and fields, nested ones with dots. */
import type { Json } from '../json.ts';
import { childKeys, type Spec, treeSpec } from './pytree.ts';

/** In the flat order of the signature; null for a value that has only a place. */
export type Labels = readonly (string | null)[];

/** Of arguments and results; null where the file does not tell the structure. */
export function labels(module: Json): { readonly inputs: Labels | null; readonly outputs: Labels | null } {
  const signature = module.optional('module_call_graph')?.items()[0]?.optional('signature');
  const names = signature?.optional('forward_arg_names')?.items() ?? [];
  const results = treeSpec(signature?.optional('out_spec')?.value);
  const [args, kwargs] = treeSpec(signature?.optional('in_spec')?.value)?.children_spec ?? [];
  return {
    inputs:
      args && kwargs
        ? [...args.children_spec.flatMap((child, i) => below(child, stringOf(names[i]))), ...below(kwargs, null)]
        : null,
    outputs: results && below(results, null),
  };
}

const stringOf = (json: Json | undefined): string | null => (typeof json?.value === 'string' ? json.value : null);

/** Names of the leaves. A place is only said below something that has a name. */
function below(spec: Spec, path: string | null): Labels {
  if (spec.type === null) return [path !== null && isName(path) ? path : null];
  const keys = childKeys(spec);
  return spec.children_spec.flatMap((child, i) => below(child, step(path, keys?.[i] ?? null, i)));
}

function step(path: string | null, key: string | number | null, place: number): string | null {
  if (key === null) return path === null ? null : `${path}.${place}`;
  return path === null ? String(key) : `${path}.${key}`;
}

const LONGEST = 256;
// oxlint-disable-next-line no-control-regex
const isName = (text: string): boolean => text !== '' && text.length <= LONGEST && !/[\0-\x1f\x7f]/.test(text);
