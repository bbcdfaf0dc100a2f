/** Steps from a tensor to a view that holds all its elements, and the way back. */
import { type Dim, isStatic } from '../../tensor/dim.ts';
import type { Argument, NamedArgument, TorchNode, TorchValue } from '../program.ts';
import type { Refusal, Step } from './aliases.ts';
import { argumentOf, dtypeArgument, intsArgument, intsOf, tensorArgument } from './arguments.ts';
import type { Emitter } from './emitter.ts';
import type { Sizes, TensorValue } from './sizes.ts';

/** One output of an operator that may share memory with an input. */
export interface ViewUse {
  readonly node: TorchNode;
  /** Position among the node's outputs, lists opened. */
  readonly output: number;
  readonly name: string;
  /** The input looked at, and what the file records of it; null where it records nothing. */
  readonly self: string;
  readonly base: TensorValue | null;
  /** The tensor that owns the memory. */
  readonly owner: string;
  readonly storage: TensorValue | null;
  readonly out: TensorValue | null;
  readonly sizes: Sizes;
  record(name: string): TensorValue | null;
}

/** The same tensor under another name. */
export const ALIAS: Step = { view: (_emit, base) => base, scatter: (_emit, _base, part) => part, whole: true };
/** The operator returns its input itself: one object, so that even a change of its shape shows under both names. */
export const ITSELF: Step = { ...ALIAS };

export const refusal = (reason: string): Refusal => ({ reason });
export const opaque = (reason: string): Step => ({ view: refusal(reason), scatter: refusal(reason), whole: true });

export const undecided = (use: ViewUse): Step =>
  opaque(`whether ${use.node.target} copies or shares memory cannot be told from the sizes and strides in the file`);
/** Surely a view, but not one that a change can be put back through. */
export const readOnly = (use: ViewUse, why: string): Step => ({
  view: again(use),
  scatter: refusal(`a change of the view made by ${use.node.target} cannot be put back: ${why}`),
  whole: false,
});

/** The node's arguments with another first tensor. */
export const withSelf = (node: TorchNode, self: string): NamedArgument[] =>
  node.args.map((arg, i) => (i === 0 ? { name: arg.name, value: { kind: 'tensor', name: self } } : arg));

/** The view operator as it stands in the file, on a newer base. */
export const again =
  (use: ViewUse) =>
  (emit: Emitter, base: string): string =>
    emit.call({
      target: use.node.target,
      args: withSelf(use.node, base),
      like: use.name,
      record: use.out ?? undefined,
    });

/** A call whose result has the type of the base. */
export const toBase = (
  use: ViewUse,
  emit: Emitter,
  { target, args }: { readonly target: string; readonly args: readonly NamedArgument[] },
): string => emit.call({ target, args, like: use.self, record: use.base ?? undefined });

/** view, squeeze, unsqueeze ...: same elements in the same order, another shape. */
export const reshaped = (use: ViewUse): Step => ({
  view: again(use),
  scatter: (emit, base, part) => {
    const shape = use.base && shapeArgument(use.base.type.shape);
    return shape
      ? toBase(use, emit, { target: 'aten::reshape', args: [tensorArgument('self', part), shape] })
      : toBase(use, emit, {
          target: 'aten::reshape_as',
          args: [tensorArgument('self', part), tensorArgument('other', base)],
        });
  },
  whole: true,
});

/** A shape with at most one symbolic size, written as -1; null when that is not enough. */
function shapeArgument(shape: readonly Dim[]): NamedArgument | null {
  const symbolic = shape.filter((dim) => !isStatic(dim)).length;
  if (symbolic > 1 || (symbolic === 1 && shape.includes(0))) return null;
  return intsArgument(
    'shape',
    shape.map((dim) => (isStatic(dim) ? dim : -1)),
  );
}

/** transpose, t, conj ...: done twice they are nothing. */
export const selfInverse = (use: ViewUse): Step => ({
  view: again(use),
  scatter: (emit, _base, part) => toBase(use, emit, { target: use.node.target, args: withSelf(use.node, part) }),
  whole: true,
});

export const permuted = (use: ViewUse): Step => {
  const dims = intsOf(argumentOf(use.node, 'dims', 1));
  if (!dims) return readOnly(use, 'the order of its axes is not written');
  const inverse = dims.map((_, to) => dims.findIndex((from) => (from + dims.length) % dims.length === to));
  return {
    view: again(use),
    scatter: (emit, _base, part) =>
      toBase(use, emit, {
        target: 'aten::permute',
        args: [tensorArgument('self', part), intsArgument('dims', inverse)],
      }),
    whole: true,
  };
};

export const moved = (use: ViewUse): Step => ({
  view: again(use),
  scatter: (emit, _base, part) =>
    toBase(use, emit, {
      target: use.node.target,
      args: [
        tensorArgument('self', part),
        { name: 'source', value: argumentOf(use.node, 'destination', 2) },
        { name: 'destination', value: argumentOf(use.node, 'source', 1) },
      ],
    }),
  whole: true,
});

/** view_as_real and view_as_complex undo each other. */
export const inverseOf =
  (target: string) =>
  (use: ViewUse): Step => ({
    view: again(use),
    scatter: (emit, _base, part) => toBase(use, emit, { target, args: [tensorArgument('self', part)] }),
    whole: true,
  });

/** view(dtype): the same bytes read as another type. */
export const reinterpreted = (use: ViewUse): Step => {
  const { base } = use;
  if (!base) return readOnly(use, 'the type below is not recorded');
  return {
    view: again(use),
    scatter: (emit, _base, part) =>
      toBase(use, emit, {
        target: 'aten::view.dtype',
        args: [tensorArgument('self', part), dtypeArgument('dtype', base.type.dtype)],
      }),
    whole: true,
  };
};

export const isTensorValue = (value: TorchValue | undefined): value is TensorValue => value?.kind === 'tensor';

export type OptionalArgument = readonly [name: string, value: Argument];

/** Named arguments without those that are left out. */
export const given = (args: readonly OptionalArgument[]): NamedArgument[] =>
  args.filter(([, value]) => value.kind !== 'none').map(([name, value]) => ({ name, value }));
