/** The structure of arguments and results: torch.utils._pytree's TreeSpec, as text inside the file. */

export interface Spec {
  readonly type: string | null;
  readonly context: string | null;
  readonly children_spec: readonly Spec[];
}

/** `[1, {"type": "builtins.tuple", ...}]`; null where it is something else. */
export function treeSpec(text: unknown): Spec | null {
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

/**
 * What the children of a container are called; null where only their places are known. Dictionaries and model outputs
 * of transformers list their keys, dataclasses `[fields, fields that are None]`, a defaultdict `[factory, keys]`.
 */
export function childKeys({ context, children_spec: children }: Spec): readonly (string | number)[] | null {
  if (typeof context !== 'string' || children.length === 0) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(context);
  } catch {
    // The name of a class, such as that of a named tuple.
    return null;
  }
  const candidates: readonly unknown[] = Array.isArray(parsed) ? [parsed, ...(parsed as unknown[])] : [];
  return candidates.find((keys): keys is (string | number)[] => isKeys(keys, children.length)) ?? null;
}

const isKeys = (value: unknown, count: number): boolean =>
  Array.isArray(value) && value.length === count && value.every((key) => ['string', 'number'].includes(typeof key));
