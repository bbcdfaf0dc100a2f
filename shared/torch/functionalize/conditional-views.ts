/** Operators that share memory only when they can: recorded sizes, strides and types tell whether this one did. */
import type { Step } from './aliases.ts';
import { argumentOf, boolArgument, intArgument } from './arguments.ts';
import type { Layout } from './sizes.ts';
import { ITSELF, readOnly, reshaped, undecided, type ViewUse } from './steps.ts';
import { isContiguous, isViewable, type MemoryFormat, suggestedFormat } from './strides.ts';

const elements = ({ shape }: Layout): number => shape.reduce((n, d) => n * d, 1);
const sameShape = (a: Layout, b: Layout): boolean =>
  a.shape.length === b.shape.length && a.shape.every((d, i) => d === b.shape[i]);

/** The rule's answer for input and output, or null when the file does not tell. */
const ask = (use: ViewUse, rule: (base: Layout, out: Layout) => boolean): boolean | null =>
  use.base && use.out ? use.sizes.decide([use.base, use.out], rule) : null;

const choose = (use: ViewUse, shares: boolean | null, step: Step): Step | null =>
  shares === null ? undecided(use) : shares ? step : null;

/** reshape: a view where the strides allow one. */
const reshape = (use: ViewUse): Step | null =>
  choose(
    use,
    ask(use, (base, out) => isViewable(base.shape, base.strides, out.shape)),
    reshaped(use),
  );

/** A range of one axis is the tensor itself. */
const flatten = (use: ViewUse): Step | null => {
  const [from, to] = [
    intArgument(use.node, { name: 'start_dim', position: 1, otherwise: 0 }),
    intArgument(use.node, { name: 'end_dim', position: 2, otherwise: -1 }),
  ];
  const rank = use.base?.type.shape.length;
  const axis = (dim: number): number => (rank ? (dim + rank) % rank : dim);
  return rank && from !== null && to !== null && axis(from) === axis(to) ? ITSELF : reshape(use);
};

const ravel = (use: ViewUse): Step | null =>
  choose(
    use,
    ask(use, (base) => isContiguous(base.shape, base.strides)),
    reshaped(use),
  );

const atleast = (use: ViewUse): Step | null => choose(use, ask(use, sameShape), ITSELF) ?? reshaped(use);

/** Where nothing is summed it returns its input. */
const sumToSize = (use: ViewUse): Step | null =>
  choose(
    use,
    ask(use, (base, out) => elements(base) === elements(out)),
    reshaped(use),
  );

/** Repeated elements share memory, so only an expansion that repeats nothing can be written. */
const expand = (use: ViewUse): Step | null => {
  const plain = ask(use, (base, out) => elements(base) === elements(out));
  return plain ? reshaped(use) : readOnly(use, 'its elements may share memory');
};

const FORMATS: readonly MemoryFormat[] = ['channels_last_3d', 'channels_last', 'preserve', 'contiguous'];

/** The memory format asked for; null when there is none. */
function formatArgument(use: ViewUse, position: number): MemoryFormat | null {
  const argument = argumentOf(use.node, 'memory_format', position);
  if (argument.kind !== 'memory_format') return null;
  return FORMATS.find((format) => argument.value.includes(format)) ?? null;
}

const contiguous = (use: ViewUse): Step | null => {
  const format = formatArgument(use, 1) ?? 'contiguous';
  return choose(
    use,
    ask(use, (base) => isContiguous(base.shape, base.strides, format)),
    ITSELF,
  );
};

interface CastPositions {
  readonly copy: number;
  readonly memoryFormat: number;
}

/** to: nothing to change, nothing copied. Devices are not recorded: programs live on one. */
const cast =
  ({ copy, memoryFormat }: CastPositions) =>
  (use: ViewUse): Step | null => {
    const { base, out } = use;
    const copied = boolArgument(use.node, { name: 'copy', position: copy, otherwise: false });
    if (copied === true || (base && out && base.type.dtype !== out.type.dtype)) return null;
    if (copied === null || !base || !out) return undecided(use);
    const format = formatArgument(use, memoryFormat);
    return choose(
      use,
      format === null || format === 'preserve'
        ? true
        : ask(use, ({ shape, strides }) => suggestedFormat(shape, strides) === format),
      ITSELF,
    );
  };
const never = { copy: 99, memoryFormat: 99 };

/** Names without `aten::`, several in one row where they behave alike. */
export const copiesOrNot: Readonly<Record<string, (use: ViewUse) => Step | null>> = {
  'reshape reshape_as': reshape,
  'flatten.using_ints': flatten,
  ravel,
  'atleast_1d atleast_2d atleast_3d': atleast,
  sum_to_size: sumToSize,
  'expand expand_as broadcast_to': expand,
  contiguous,
  'to.dtype': cast({ copy: 3, memoryFormat: 4 }),
  'to.device': cast({ copy: 4, memoryFormat: 5 }),
  'to.dtype_layout': cast({ copy: 6, memoryFormat: 7 }),
  'to.other': cast({ copy: 3, memoryFormat: 4 }),
  'to.prim_Device to.prim_dtype to.prim_other type_as to_dense cpu': cast(never),
  '_autocast_to_full_precision _autocast_to_reduced_precision': cast(never),
};
