/** Every operator converter, by the name nodes give it. Exporting from a family file registers. */
import type { OpConverter, StructuralConverter } from './converter.ts';
import { COMPLEX_FAMILIES, FAMILIES } from './aten/families.ts';
import { STRUCTURAL } from './structural.ts';

export const CONVERTERS: ReadonlyMap<string, OpConverter> = collect(FAMILIES);
/** For nodes that take or give complex tensors: an operator that is not here must not meet one. */
export const COMPLEX_CONVERTERS: ReadonlyMap<string, OpConverter> = collect(COMPLEX_FAMILIES);
export const STRUCTURAL_CONVERTERS: ReadonlyMap<string, StructuralConverter> = new Map(
  STRUCTURAL.map((c) => [c.target, c]),
);

function collect(families: typeof FAMILIES): Map<string, OpConverter> {
  const map = new Map<string, OpConverter>();
  for (const converter of families
    .flatMap((family) => Object.values(family))
    .flatMap((file) => Object.values(file))
    .flatMap((e) => (typeof e === 'function' ? [] : e))) {
    const { target } = converter.schema;
    if (map.has(target)) throw new Error(`two converters for ${target}`);
    map.set(target, converter);
  }
  return map;
}

/** The converter for an operator, by whether complex tensors are involved. */
export const converterFor = (target: string, { complex }: { readonly complex: boolean }): OpConverter | undefined =>
  complex ? (COMPLEX_CONVERTERS.get(target) ?? INDIFFERENT.get(target)) : CONVERTERS.get(target);

/** Serving complex tensors as well. */
const INDIFFERENT: ReadonlyMap<string, OpConverter> = new Map(
  [...CONVERTERS].filter(([, { facts }]) => facts.readsNoNumbers),
);

/** Operators of complex tensors that take real ones as well: what they give, only a record or the call tells. */
export const mayGiveComplex = (target: string): boolean => {
  const complex = COMPLEX_CONVERTERS.get(target);
  const real = CONVERTERS.get(target);
  return complex !== undefined && (real === undefined || real === complex);
};

export const isSupported = (target: string, { complex }: { readonly complex: boolean }): boolean =>
  STRUCTURAL_CONVERTERS.has(target) || converterFor(target, { complex }) !== undefined;
