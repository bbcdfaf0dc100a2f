/** The Python expressions that guards call inputs by (`L['x'][0]`), from the structure of the arguments. */
import type { Json } from '../json.ts';

/** Paths of the user inputs in their flat order; null where the file does not tell the structure. */
export function inputPaths(module: Json): readonly string[] | null {
  const signature = module.optional('module_call_graph')?.items()[0]?.optional('signature');
  const names = signature?.optional('forward_arg_names')?.items() ?? [];
  const spec = structure(signature?.optional('in_spec')?.value);
  const [args, kwargs] = spec?.children_spec ?? [];
  if (!args || !kwargs) return null;
  const paths: string[] = [];
  args.children_spec.forEach((child, i) => walk(child, `L['${names[i]?.string() ?? i}']`, paths));
  keysOf(kwargs).forEach((key, i) => walk(kwargs.children_spec[i]!, `L[${key}]`, paths));
  return paths;
}

interface Spec {
  readonly type: string | null;
  readonly context: string | null;
  readonly children_spec: readonly Spec[];
}

/** `[1, {"type": "builtins.tuple", ...}]`, as text inside the file. */
function structure(text: unknown): Spec | null {
  if (typeof text !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(text);
    const spec: unknown = Array.isArray(parsed) ? parsed[1] : null;
    return isSpec(spec) ? spec : null;
  } catch {
    return null;
  }
}

const isSpec = (value: unknown, depth = 0): value is Spec =>
  typeof value === 'object' &&
  value !== null &&
  depth < 64 &&
  'children_spec' in value &&
  Array.isArray(value.children_spec) &&
  value.children_spec.every((child) => isSpec(child, depth + 1));

function walk(spec: Spec, path: string, paths: string[]): void {
  if (spec.type === null) {
    paths.push(path);
    return;
  }
  const keys = keysOf(spec);
  spec.children_spec.forEach((child, i) => walk(child, `${path}[${keys[i]}]`, paths));
}

/** Dictionaries list their keys; tuples and lists count. */
function keysOf({ type, context, children_spec }: Spec): readonly string[] {
  if (/dict/i.test(type ?? '') && typeof context === 'string') {
    try {
      const keys: unknown = JSON.parse(context);
      if (Array.isArray(keys) && keys.length === children_spec.length)
        return keys.map((key) => (typeof key === 'string' ? `'${key}'` : String(key)));
    } catch {
      // Some other context: its children are found by their places.
    }
  }
  return children_spec.map((_, i) => String(i));
}
