/** Operators that move whole elements: those for real tensors, on pairs, with axes counted without the last one. */
import type { Dim } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import type { AtenBuilder, OpConverter } from '../../converter.ts';
import { axisOf, rankOf } from '../../shape.ts';
import * as padding from '../shape/padding.ts';
import * as advanced from '../indexing/advanced.ts';
import * as gather from '../indexing/gather.ts';
import * as join from '../shape/join.ts';
import * as cumulative from '../reduce/cumulative.ts';
import * as view from '../shape/view.ts';

type Args = Readonly<Record<string, unknown>>;
/** The arguments for the tensor of pairs. */
type Adapt = (op: AtenBuilder, args: Args, rank: number) => Args;

/** Axes named by these arguments, from the front. */
const axes =
  (...names: readonly string[]): Adapt =>
  (op, args, rank) => ({ ...args, ...Object.fromEntries(names.map((name) => [name, counted(op, args[name], rank)])) });

const counted = (op: AtenBuilder, dim: unknown, rank: number): unknown =>
  Array.isArray(dim) ? dim.map((d: number) => axisOf(op, d, rank)) : axisOf(op, dim as number, rank);
const asIs: Adapt = (_, args) => args;

/** A new last argument for the axis of pairs. */
const oneMore =
  (name: string): Adapt =>
  (_, args) => ({ ...args, [name]: [...(args[name] as readonly Dim[]), 1] });

const ADAPTED: Readonly<Record<string, Adapt>> = {
  'aten::cat': axes('dim'),
  'aten::stack': (op, args, rank) => ({ ...args, dim: counted(op, args['dim'], rank + 1) }),
  'aten::chunk': axes('dim'),
  'aten::split.Tensor': axes('dim'),
  'aten::split_with_sizes': axes('dim'),
  'aten::unbind.int': axes('dim'),
  'aten::repeat': oneMore('repeats'),
  'aten::roll': (op, args, rank) =>
    (args['dims'] as readonly number[]).length
      ? axes('dims')(op, args, rank)
      : op.aten.refuse('dims', '[]', 'axes by number for complex tensors'),
  'aten::flip': axes('dims'),
  'aten::squeeze': asIs,
  'aten::squeeze.dim': axes('dim'),
  'aten::squeeze.dims': axes('dim'),
  'aten::swapaxes': axes('axis0', 'axis1'),
  'aten::movedim.int': axes('source', 'destination'),
  'aten::movedim.intlist': axes('source', 'destination'),
  'aten::unflatten.int': axes('dim'),
  'aten::narrow': axes('dim'),
  'aten::index_select': axes('dim'),
  'aten::index.Tensor': asIs,
  'aten::cumsum': (op, args, rank) =>
    args['dtype'] === null
      ? axes('dim')(op, args, rank)
      : op.aten.refuse('dtype', args['dtype'], 'None for complex tensors'),
  // Pads name the last axis first.
  'aten::pad': (op, args) =>
    args['mode'] === 'constant' && !args['value']
      ? { ...args, pad: [0, 0, ...(args['pad'] as readonly Dim[])] }
      : op.aten.refuse('mode', args['mode'], 'zeros for complex tensors'),
};

const REAL = [advanced, cumulative, gather, join, padding, view]
  .flatMap((family) => Object.values<unknown>(family))
  .flatMap((e) => (Array.isArray(e) ? (e as OpConverter[]) : []));

const tensorsOf = (args: Args): readonly Value[] =>
  (args['tensors'] as readonly Value[] | undefined) ?? [args['self'] as Value];

export const layouts: OpConverter[] = Object.entries(ADAPTED).map(([target, adapt]) => {
  const real = REAL.find(({ schema }) => schema.target === target);
  if (!real) throw new Error(`no converter for ${target}`);
  return {
    schema: real.schema,
    facts: real.facts,
    convert(op, args) {
      const tensors = tensorsOf(args);
      if (!tensors.every((t) => op.aten.isComplex(t)))
        return op.aten.refuse('tensors', 'real and complex ones', 'complex tensors only');
      return real.convert(op, adapt(op, args, rankOf(tensors[0]!) - 1));
    },
  };
});

/** Transposes of matrices. */
export const transposes: OpConverter[] = ['aten::mT', 'aten::t'].map((target) => ({
  schema: REAL.find(({ schema }) => schema.target === target)!.schema,
  facts: {},
  convert(op, args) {
    const self = args['self'] as Value;
    const rank = rankOf(self) - 1;
    const perm = Array.from({ length: rank + 1 }, (_, i) =>
      rank < 2 || i < rank - 2 || i === rank ? i : 2 * rank - 3 - i,
    );
    return op.Transpose([self], { perm });
  },
}));
