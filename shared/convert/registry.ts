/** Every operator converter, by the name nodes give it. Exporting from a family file registers. */
import type { OpConverter, StructuralConverter } from './converter.ts';
import { FAMILIES } from './aten/families.ts';
import { STRUCTURAL } from './structural.ts';

export const CONVERTERS: ReadonlyMap<string, OpConverter> = collect();
export const STRUCTURAL_CONVERTERS: ReadonlyMap<string, StructuralConverter> = new Map(STRUCTURAL.map((c) => [c.target, c]));

function collect(): Map<string, OpConverter> {
  const map = new Map<string, OpConverter>();
  for (const converter of FAMILIES.flatMap((family) => Object.values(family)).flatMap((e) => (typeof e === 'function' ? [] : e))) {
    const { target } = converter.schema;
    if (map.has(target)) throw new Error(`two converters for ${target}`);
    map.set(target, converter);
  }
  return map;
}

export const isSupported = (target: string): boolean => CONVERTERS.has(target) || STRUCTURAL_CONVERTERS.has(target);
