/**
 * Operators whose result shares memory with an input: a row says how. Those that PyTorch's schemas mark, and those that
 * return their input unmarked.
 */
import { isComplex } from '../../tensor/dtype.ts';
import type { TorchNode } from '../program.ts';
import type { Step } from './aliases.ts';
import { argumentOf, boolArgument, flatOutputs, intArgument, tensorNames } from './arguments.ts';
import { copiesOrNot } from './conditional-views.ts';
import { diagonal, half, narrowed, selected, sliced, strided, unfolded } from './partial-views.ts';
import { splitAlong, splitAtIndices, unbound } from './split-views.ts';
import {
  ALIAS,
  inverseOf,
  ITSELF,
  moved,
  opaque,
  permuted,
  reinterpreted,
  reshaped,
  selfInverse,
  undecided,
  type ViewUse,
} from './steps.ts';

/** `null`: the result has memory of its own. */
export type ViewRow = (use: ViewUse) => Step | null;

const rows = (row: ViewRow, ...targets: readonly string[]): [string, ViewRow][] =>
  targets.map((target) => [`aten::${target}`, row]);

const along =
  (name: string, position: number) =>
  (use: ViewUse): number | null =>
    intArgument(use.node, { name, position, otherwise: 0 });
/** hsplit cuts the second axis, or the only one. */
const secondAxis = (use: ViewUse): number | null => (use.base ? Math.min(1, use.base.type.shape.length - 1) : null);

const first = (): number => 0;
const third = (): number => 2;

/** `train=False` or `p=0` returns the input itself. */
const dropout: ViewRow = (use) => {
  const train = boolArgument(use.node, { name: 'train', position: 2, otherwise: true });
  const p = argumentOf(use.node, 'p', 1);
  if (train === false || (p.kind !== 'none' && 'value' in p && p.value === 0)) return ITSELF;
  return train === null ? undecided(use) : null;
};

/** Real numbers are returned as they are. */
const realAsIs =
  (complex: ViewRow): ViewRow =>
  (use) => {
    if (!use.base) return undecided(use);
    return isComplex(use.base.type.dtype) ? complex(use) : ITSELF;
  };

const unfollowed: ViewRow = (use) => opaque(`the memory shared by ${use.node.target} is not followed`);
/** With one operand these return it, or a view of it. */
const unfollowedIfAlone: ViewRow = (use) =>
  use.node.args.flatMap(({ value }) => tensorNames(value)).length === 1 ? unfollowed(use) : null;

export const VIEWS: ReadonlyMap<string, ViewRow> = new Map([
  ...rows(() => ALIAS, 'alias', 'detach'),
  ...rows(() => ITSELF, 'lift_fresh', 'lift', 'positive'),
  ...rows(
    reshaped,
    'view',
    '_unsafe_view',
    'view_as',
    'unsqueeze',
    'squeeze',
    'squeeze.dim',
    'squeeze.dims',
    'unflatten.int',
    '_reshape_alias',
  ),
  ...rows(
    selfInverse,
    't',
    'transpose.int',
    'swapaxes',
    'swapdims',
    'numpy_T',
    'mT',
    'mH',
    'adjoint',
    'matrix_H',
    '_conj',
    '_neg_view',
  ),
  ...rows(permuted, 'permute'),
  ...rows(moved, 'movedim.int', 'movedim.intlist', 'moveaxis.int', 'moveaxis.intlist'),
  ...rows(inverseOf('aten::view_as_complex'), 'view_as_real'),
  ...rows(inverseOf('aten::view_as_real'), 'view_as_complex'),
  ...rows(reinterpreted, 'view.dtype'),
  ...rows(realAsIs(selfInverse), 'conj'),
  ...rows(
    realAsIs(() => null),
    'conj_physical',
  ),
  ...rows(realAsIs(unfollowed), 'resolve_conj'),
  ...rows(
    unfollowed,
    'resolve_neg',
    'pin_memory',
    'slice_inverse',
    '_fw_primal',
    '_make_dual',
    '_unpack_dual',
    'coalesce',
    'indices',
    'values',
    '_indices',
    '_values',
    'crow_indices',
    'col_indices',
    'ccol_indices',
    'row_indices',
  ),
  ...rows(half('real'), 'real'),
  ...rows(half('imag'), 'imag'),
  ...rows(sliced, 'slice.Tensor'),
  ...rows(selected, 'select.int'),
  ...rows(narrowed, 'narrow'),
  ...rows(unfollowed, 'narrow.Tensor'),
  ...rows(diagonal(0, 1), 'diagonal'),
  ...rows(diagonal(-2, -1), 'linalg_diagonal'),
  ...rows(unfolded, 'unfold'),
  ...rows(unbound, 'unbind.int'),
  ...rows(
    splitAlong(along('dim', 2)),
    'chunk',
    'split.Tensor',
    'split.sizes',
    'split_with_sizes',
    'unsafe_chunk',
    'unsafe_split.Tensor',
    'unsafe_split_with_sizes',
  ),
  ...rows(
    splitAtIndices(along('dim', 2)),
    'tensor_split.sections',
    'tensor_split.indices',
    'tensor_split.tensor_indices_or_sections',
  ),
  ...rows(splitAlong(secondAxis), 'hsplit.int'),
  ...rows(splitAtIndices(secondAxis), 'hsplit.array'),
  ...rows(splitAlong(first), 'vsplit.int'),
  ...rows(splitAtIndices(first), 'vsplit.array'),
  ...rows(splitAlong(third), 'dsplit.int'),
  ...rows(splitAtIndices(third), 'dsplit.array'),
  ...rows(dropout, 'dropout', 'feature_dropout', 'alpha_dropout', 'feature_alpha_dropout'),
  ...rows(unfollowedIfAlone, 'einsum', 'cartesian_prod', 'chain_matmul'),
  ...rows(
    unfollowed,
    'broadcast_tensors',
    'meshgrid',
    'meshgrid.indexing',
    'atleast_1d.Sequence',
    'atleast_2d.Sequence',
    'atleast_3d.Sequence',
  ),
  ...Object.entries(copiesOrNot).flatMap(([names, row]) => rows(row, ...names.split(' '))),
  ...[
    'view_of',
    'view_of_dtype',
    'broadcast_in_dim',
    'collapse_view',
    'split_dim',
    'squeeze',
    'transpose',
    'conj',
    'real',
    'imag',
  ].map((name): [string, ViewRow] => [`prims::${name}`, unfollowed]),
  // Addresses the memory, not the tensor: its base is the owner, see `STORAGE_VIEWS`.
  ...rows(strided, 'as_strided'),
]);

export const STORAGE_VIEWS: ReadonlySet<string> = new Set(['aten::as_strided']);

/** The input an output may share memory with: the first, or of a list the one in the same place. */
export function viewedInput(node: TorchNode, output: number): string | null {
  const names = node.args.map(({ value }) => tensorNames(value)).find((found) => found.length > 0) ?? [];
  return (names.length > 1 && names.length === flatOutputs(node).length ? names[output] : names[0]) ?? null;
}
