/** The parts of an operator's name, and which names say that the operator writes into an argument. */

export interface Target {
  readonly namespace: string;
  readonly base: string;
  /** Empty for the default overload. */
  readonly overload: string;
}

export function parseTarget(target: string): Target {
  const colon = target.indexOf('::');
  const dot = target.indexOf('.', colon);
  const [end, overload] = dot < 0 ? [target.length, ''] : [dot, target.slice(dot + 1)];
  return {
    namespace: colon < 0 ? '' : target.slice(0, colon),
    base: target.slice(colon < 0 ? 0 : colon + 2, end),
    overload,
  };
}

export const targetText = (base: string, overload: string): string => `aten::${base}${overload ? `.${overload}` : ''}`;

/** Python's in-place operators: the one family whose mark is not a trailing underscore. */
const IN_PLACE_DUNDERS: Readonly<Record<string, string>> = {
  __iand__: '__and__',
  __ior__: '__or__',
  __ixor__: '__xor__',
  __ilshift__: '__lshift__',
  __irshift__: '__rshift__',
};

/** The end of an overload that writes into an argument; those named otherwise are in the table of `out-variants`. */
const OUT_SUFFIX = '_out';

/** `dim_IntList_out` gives `dim_IntList`; null when the overload does not write into an argument by its name. */
export const withoutOut = (overload: string): string | null =>
  overload.endsWith(OUT_SUFFIX) ? overload.slice(0, -OUT_SUFFIX.length) : null;

/** Operators on lists of tensors: PyTorch names the whole family so. */
export const isForeach = ({ base }: Target): boolean => base.startsWith('_foreach_');

/** `add_` gives `add`, `__iand__` gives `__and__`; null when the name is no in-place one. */
export function pureBase(base: string): string | null {
  if (Object.hasOwn(IN_PLACE_DUNDERS, base)) return IN_PLACE_DUNDERS[base]!;
  return base.endsWith('_') && !base.endsWith('__') ? base.slice(0, -1) : null;
}
