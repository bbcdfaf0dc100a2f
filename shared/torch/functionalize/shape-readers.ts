/** Operators that look only at the shape of an argument, which a write does not change. */
import { parseTarget } from './target.ts';

/** Position of that argument, by name without overload. */
const SHAPE_ARGUMENT: ReadonlyMap<string, number> = new Map([
  ...at(0, 'sym_size sym_numel sym_stride sym_storage_offset size dim numel _assert_tensor_metadata'),
  ...at(0, 'zeros_like ones_like empty_like full_like rand_like randn_like randint_like'),
  ...at(0, 'new_zeros new_ones new_empty new_empty_strided new_full'),
  ...at(1, 'view_as reshape_as expand_as'),
]);

function at(position: number, names: string): [string, number][] {
  return names.split(' ').map((name) => [name, position]);
}

/** Which argument of a call is only asked for its shape; undefined where all are read. */
export function shapeArgument(target: string): number | undefined {
  const { namespace, base } = parseTarget(target);
  return namespace === 'aten' ? SHAPE_ARGUMENT.get(base) : undefined;
}
