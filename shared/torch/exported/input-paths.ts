/** The Python expressions that guards call inputs by (`L['x'][0]`), from the structure of the arguments. */
import type { Json } from '../json.ts';
import { childKeys, type Spec, treeSpec } from './pytree.ts';

/** Paths of the user inputs in their flat order; null where the file does not tell the structure. */
export function inputPaths(module: Json): readonly string[] | null {
  const signature = module.optional('module_call_graph')?.items()[0]?.optional('signature');
  const names = signature?.optional('forward_arg_names')?.items() ?? [];
  const spec = treeSpec(signature?.optional('in_spec')?.value);
  const [args, kwargs] = spec?.children_spec ?? [];
  if (!args || !kwargs) return null;
  const paths: string[] = [];
  args.children_spec.forEach((child, i) => walk(child, `L['${names[i]?.string() ?? i}']`, paths));
  keysOf(kwargs).forEach((key, i) => walk(kwargs.children_spec[i]!, `L[${key}]`, paths));
  return paths;
}

function walk(spec: Spec, path: string, paths: string[]): void {
  if (spec.type === null) {
    paths.push(path);
    return;
  }
  const keys = keysOf(spec);
  spec.children_spec.forEach((child, i) => walk(child, `${path}[${keys[i]}]`, paths));
}

/** Python calls the children of dictionaries by their keys, others by their places. */
function keysOf(spec: Spec): readonly string[] {
  const keys = /dict/i.test(spec.type ?? '') ? childKeys(spec) : null;
  return spec.children_spec.map((_, i) => {
    const key = keys?.[i] ?? i;
    return typeof key === 'string' ? `'${key}'` : String(key);
  });
}
