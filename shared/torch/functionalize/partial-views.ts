/** Steps from a tensor to a view of some of its elements, and how a changed part goes back into the whole. */
import { addDims, type Dim, mulDims, sameDim } from '../../tensor/dim.ts';
import { isComplex } from '../../tensor/dtype.ts';
import type { Argument, NamedArgument } from '../program.ts';
import type { Step } from './aliases.ts';
import {
  argumentOf,
  intArgument,
  intOf,
  intsArgument,
  intsOf,
  NONE,
  numberArgument,
  tensorArgument,
} from './arguments.ts';
import type { Call, Emitter } from './emitter.ts';
import { again, given, ITSELF, opaque, readOnly, refusal, toBase, undecided, type ViewUse } from './steps.ts';
import { extent, isDense, isNonOverlapping } from './strides.ts';
import type { Sizes, TensorValue } from './sizes.ts';

export const pair = (base: string, part: string): NamedArgument[] => [
  tensorArgument('self', base),
  tensorArgument('src', part),
];

export const sliced = (use: ViewUse): Step => {
  const [dim, start, end, step] = ['dim', 'start', 'end', 'step'].map((name, i) => argumentOf(use.node, name, i + 1));
  const args = given([
    ['dim', dim!],
    ['start', start!],
    ['end', end!],
    ['step', step!],
  ]);
  return {
    view: again(use),
    scatter: (emit, base, part) =>
      toBase(use, emit, { target: 'aten::slice_scatter', args: [...pair(base, part), ...args] }),
    whole: false,
  };
};

export const selected = (use: ViewUse): Step => {
  const args = given([
    ['dim', argumentOf(use.node, 'dim', 1)],
    ['index', argumentOf(use.node, 'index', 2)],
  ]);
  return {
    view: again(use),
    scatter: (emit, base, part) =>
      toBase(use, emit, { target: 'aten::select_scatter', args: [...pair(base, part), ...args] }),
    whole: false,
  };
};

export const narrowed = (use: ViewUse): Step => {
  const [start, length] = [argumentOf(use.node, 'start', 2), argumentOf(use.node, 'length', 3)];
  const dim = argumentOf(use.node, 'dim', 1);
  return {
    view: again(use),
    scatter: (emit, base, part) =>
      toBase(use, emit, {
        target: 'aten::slice_scatter',
        args: [
          ...pair(base, part),
          ...given([
            ['dim', dim],
            ['start', start],
            ['end', sum(emit, start, length)],
          ]),
        ],
      }),
    whole: false,
  };
};

/** The end of `length` elements from `start`; a negative start that reaches the end has none. */
function sum(emit: Emitter, start: Argument, length: Argument): Argument {
  const [from, count] = [intOf(start), intOf(length)];
  if (from !== null && count !== null)
    return from < 0 && from + count >= 0 ? NONE : { kind: 'int', value: from + count };
  if (from === 0) return length;
  const name = emit.fresh('end');
  emit.values.set(name, { kind: 'symint', dim: addDims(dimOf(emit, start), dimOf(emit, length)) });
  const args = [start, length].map((value) => ({ name: '', value }));
  emit.add({ name, target: '_operator::add', args, outputs: [{ kind: 'symint', name }], source: emit.source });
  return { kind: 'symint', name };
}

function dimOf(emit: Emitter, argument: Argument): Dim {
  const value = argument.kind === 'symint' ? emit.values.get(argument.name) : null;
  if (value?.kind === 'symint') return value.dim;
  return intOf(argument) ?? 0;
}

/** `linalg_diagonal` differs from `diagonal` in its default axes only. */
export const diagonal =
  (dim1: number, dim2: number) =>
  (use: ViewUse): Step => {
    const axes = [
      intArgument(use.node, { name: 'offset', position: 1, otherwise: 0 }),
      intArgument(use.node, { name: 'dim1', position: 2, otherwise: dim1 }),
      intArgument(use.node, { name: 'dim2', position: 3, otherwise: dim2 }),
    ];
    if (axes.some((axis) => axis === null)) return readOnly(use, 'its axes are not written as numbers');
    const args = ['offset', 'dim1', 'dim2'].map((name, i) => numberArgument(name, axes[i]!));
    return {
      view: again(use),
      scatter: (emit, base, part) =>
        toBase(use, emit, { target: 'aten::diagonal_scatter', args: [...pair(base, part), ...args] }),
      whole: false,
    };
  };

/** real and imag: the other half of every number stays. */
export const half =
  (which: 'real' | 'imag') =>
  (use: ViewUse): Step => {
    if (!use.base || !use.out) return undecided(use);
    if (!isComplex(use.base.type.dtype)) return ITSELF;
    const other = which === 'real' ? 'imag' : 'real';
    return {
      view: again(use),
      scatter: (emit, base, part) => {
        const rest = emit.call({
          target: `aten::${other}`,
          args: [tensorArgument('self', base)],
          like: other,
          record: use.out!,
        });
        return toBase(use, emit, {
          target: 'aten::complex',
          args: [tensorArgument(which, part), tensorArgument(other, rest)].sort((a, b) => (a.name > b.name ? -1 : 1)),
        });
      },
      whole: false,
    };
  };

/** Windows over an axis. Their changes can go back when they lie side by side. */
export const unfolded = (use: ViewUse): Step => {
  const [dimension, size, step] = ['dimension', 'size', 'step'].map((name, i) =>
    intOf(argumentOf(use.node, name, i + 1)),
  );
  const rank = use.base?.type.shape.length ?? 0;
  if (dimension == null || size == null || !use.base || !use.out || rank === 0)
    return readOnly(use, 'its sizes are not recorded');
  if (size !== step) return readOnly(use, 'the windows overlap or leave gaps');
  const dim = (dimension + rank) % rank;
  const covered = mulDims(use.out.type.shape[dim]!, size);
  const whole = sameDim(covered, use.base.type.shape[dim]!);
  if (!whole && typeof covered !== 'number')
    return readOnly(use, 'with these symbolic sizes the windows may leave a rest');
  const { out, base: record } = use;
  return {
    view: again(use),
    scatter: (emit, base, part) => {
      const shape = out.type.shape;
      const beside = [...shape.slice(0, dim + 1), size, ...shape.slice(dim + 1, -1)];
      // Behind its own axis already when that is the last.
      const moved =
        dim === rank - 1
          ? part
          : made(emit, use, {
              target: 'aten::movedim.int',
              args: [
                tensorArgument('self', part),
                numberArgument('source', rank),
                numberArgument('destination', dim + 1),
              ],
              shape: beside,
            });
      const joined = [
        tensorArgument('self', moved),
        numberArgument('start_dim', dim),
        numberArgument('end_dim', dim + 1),
      ];
      if (whole) return toBase(use, emit, { target: 'aten::flatten.using_ints', args: joined });
      const flat = made(emit, use, {
        target: 'aten::flatten.using_ints',
        args: joined,
        shape: record.type.shape.with(dim, covered),
      });
      return toBase(use, emit, {
        target: 'aten::slice_scatter',
        args: [
          ...pair(base, flat),
          numberArgument('dim', dim),
          numberArgument('start', 0),
          numberArgument('end', covered as number),
        ],
      });
    },
    whole,
  };
};

interface ShapedCall extends Pick<Call, 'target' | 'args'> {
  readonly shape: readonly Dim[];
}

const made = (emit: Emitter, use: ViewUse, { target, args, shape }: ShapedCall): string =>
  emit.call({ target, args, like: use.self, record: rowMajor(use.base!.type.dtype, shape) });

export function rowMajor(dtype: TensorValue['type']['dtype'], shape: readonly Dim[]): TensorValue {
  const strides: Dim[] = [];
  let step: Dim = 1;
  for (const dim of shape.toReversed()) {
    strides.unshift(step);
    step = mulDims(step, dim);
  }
  return { kind: 'tensor', type: { dtype, shape }, strides, offset: 0 };
}

/** Whether the memory of `storage` is all its own and holds every element of `view`. */
export const liesInside = (sizes: Sizes, storage: TensorValue, view: TensorValue): boolean | null =>
  sizes.decide([storage, view], (whole, part) => {
    const [first, last] = extent(whole.shape, whole.strides, whole.offset);
    const [from, to] = extent(part.shape, part.strides, part.offset);
    return isDense(whole.shape, whole.strides) && from >= first && to <= last;
  });

/** as_strided addresses the memory itself, so its base is the tensor that owns it, whatever view it was called on. */
export const strided = (use: ViewUse): Step => {
  const { storage, out } = use;
  if (!storage || !out) return undecided(use);
  if (!liesInside(use.sizes, storage, out))
    return opaque(`${use.node.target} reaches memory outside the tensor the file describes`);
  const distinct = use.sizes.decide([out], (view) => isNonOverlapping(view.shape, view.strides));
  const layout = stridedArguments(use, out);
  if (!layout) return undecided(use);
  return {
    view: (emit, base) =>
      emit.call({
        target: 'aten::as_strided',
        args: [tensorArgument('self', base), ...layout],
        like: use.name,
        record: out,
      }),
    scatter: distinct
      ? (emit, base, part) =>
          emit.call({
            target: 'aten::as_strided_scatter',
            args: [...pair(base, part), ...layout],
            like: use.owner,
            record: storage,
          })
      : refusal(`elements of the view made by ${use.node.target} share memory`),
    whole: false,
  };
};

function stridedArguments(use: ViewUse, out: TensorValue): NamedArgument[] | null {
  const [size, stride] = [argumentOf(use.node, 'size', 1), argumentOf(use.node, 'stride', 2)];
  if (typeof out.offset !== 'number' || size.kind !== 'list') return null;
  // resize_ has no strides of its own: it makes the tensor row-major.
  const strides =
    stride.kind === 'list'
      ? stride
      : intsOf(size) && out.strides.every((s) => typeof s === 'number')
        ? intsArgument('', out.strides as number[]).value
        : null;
  return (
    strides && [
      { name: 'size', value: size },
      { name: 'stride', value: strides },
      numberArgument('storage_offset', out.offset),
    ]
  );
}
