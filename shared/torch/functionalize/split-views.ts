/** Steps from a tensor to one of the parts that an operator splits an axis into, and how a changed part goes back. */
import { addDims, sameDim } from '../../tensor/dim.ts';
import type { Step } from './aliases.ts';
import { flatOutputs, intArgument, numberArgument, tensorArgument } from './arguments.ts';
import type { Emitter } from './emitter.ts';
import { pair } from './partial-views.ts';
import { opaque, toBase, undecided, type ViewUse } from './steps.ts';
import type { TensorValue } from './sizes.ts';

export const unbound = (use: ViewUse): Step => {
  const dim = intArgument(use.node, { name: 'dim', position: 1, otherwise: 0 });
  if (dim === null) return undecided(use);
  const args = [numberArgument('dim', dim), numberArgument('index', use.output)];
  return {
    view: (emit, base) =>
      emit.call({
        target: 'aten::select.int',
        args: [tensorArgument('self', base), ...args],
        like: use.name,
        record: use.out ?? undefined,
      }),
    scatter: (emit, base, part) =>
      toBase(use, emit, { target: 'aten::select_scatter', args: [...pair(base, part), ...args] }),
    whole: false,
  };
};

type Axis = (use: ViewUse) => number | null;

/** split, chunk ...: consecutive parts of one axis, located by the recorded sizes of the parts before. */
export const splitAlong = (axis: Axis): ((use: ViewUse) => Step) => partsAlong(axis, partOfMany);
/** tensor_split ...: index lists may overlap or leave gaps, so that only recorded sizes tell that they cover the axis. */
export const splitAtIndices = (axis: Axis): ((use: ViewUse) => Step) => partsAlong(axis, undecided);

const partsAlong =
  (axis: Axis, unrecorded: typeof partOfMany) =>
  (use: ViewUse): Step => {
    const dim = axis(use);
    if (dim === null) return undecided(use);
    const parts = flatOutputs(use.node).map((output) => ('name' in output ? use.record(output.name) : null));
    const sizes = parts.flatMap((part) => part?.type.shape.at(dim) ?? []);
    if (!use.base || sizes.length < parts.length) return unrecorded(use, dim, parts);
    if (!sameDim(addDims(...sizes), use.base.type.shape.at(dim)!))
      return opaque(`the parts made by ${use.node.target} overlap or leave gaps`);
    const [start, size] = [addDims(...sizes.slice(0, use.output)), sizes[use.output]!];
    return typeof start === 'number' && typeof size === 'number'
      ? part(use, { dim, start, end: start + size })
      : partOfMany(use, dim, parts);
  };

function part(
  use: ViewUse,
  { dim, start, end }: { readonly dim: number; readonly start: number; readonly end: number },
): Step {
  const args = [numberArgument('dim', dim), numberArgument('start', start), numberArgument('end', end)];
  return {
    view: (emit, base) =>
      emit.call({
        target: 'aten::slice.Tensor',
        args: [tensorArgument('self', base), ...args],
        like: use.name,
        record: use.out ?? undefined,
      }),
    scatter: (emit, base, value) =>
      toBase(use, emit, { target: 'aten::slice_scatter', args: [...pair(base, value), ...args] }),
    whole: false,
  };
}

/** With sizes that are no numbers: split again, and join the parts with one of them replaced. */
function partOfMany(use: ViewUse, dim: number, parts: readonly (TensorValue | null)[]): Step {
  const split = (emit: Emitter, base: string): string[] => {
    const names = parts.map((record) => {
      const name = emit.fresh(use.name);
      if (record) emit.values.set(name, record);
      return name;
    });
    const args = use.node.args.map((arg, i) =>
      i === 0 ? { name: arg.name, value: { kind: 'tensor', name: base } as const } : arg,
    );
    emit.add({
      name: names[0]!,
      target: use.node.target,
      args,
      outputs: [{ kind: 'tensors', names }],
      source: emit.source,
    });
    return names;
  };
  return {
    view: (emit, base) => split(emit, base)[use.output]!,
    scatter: (emit, base, value) => {
      const names = split(emit, base).with(use.output, value);
      return toBase(use, emit, {
        target: 'aten::cat',
        args: [{ name: 'tensors', value: { kind: 'tensors', names } }, numberArgument('dim', dim)],
      });
    },
    whole: false,
  };
}
