/** ATen advanced indexing: `x[a, :, b]`, with integers and masks, read and written. */
import { type Dim, isStatic, mulDims } from '../../../tensor/dim.ts';
import type { Value } from '../../../onnx/ir.ts';
import { producedBy } from '../../../onnx/match.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { cast, dtypeOf } from '../../promote.ts';
import { commonShape, expandTo, rankOf, reshape, shapeOf, transpose, unsqueeze } from '../../shape.ts';
import { asIndex } from './gather.ts';

/** The index tensors of `x[a, :, b]`, masks replaced by the positions where they hold. */
interface Indexing {
  readonly axes: readonly number[];
  readonly indices: readonly Value[];
}

function resolveIndices(op: AtenBuilder, indices: readonly (Value | null)[]): Indexing {
  const axes: number[] = [];
  const tensors: Value[] = [];
  let axis = 0;
  for (const index of indices) {
    if (index === null) {
      axis++;
      continue;
    }
    const expanded =
      dtypeOf(index) === 'bool' || dtypeOf(index) === 'uint8'
        ? maskPositions(op, cast(op, index, 'bool'))
        : [asIndex(op, index)];
    for (const tensor of expanded) {
      axes.push(axis++);
      tensors.push(cast(op, tensor, 'int64'));
    }
  }
  return { axes, indices: tensors };
}

/** One int64 vector for every axis the mask covers. */
function maskPositions(op: AtenBuilder, mask: Value): Value[] {
  const rank = rankOf(mask);
  const positions = op.NonZero([mask]);
  // How many there are is known only when the model runs: later shapes read it from here.
  op.dimValues.bindShape(positions);
  return Array.from({ length: rank }, (_, i) => op.Gather([positions, op.scalar('int64', i)], { axis: 0 }));
}

/** Where the result's index dimensions stand: in place when the index tensors are neighbours, else in front. */
const neighbours = (axes: readonly number[]): boolean => axes.every((a, i) => i === 0 || a === axes[i - 1]! + 1);

/** Index tensors broadcast together and stacked: int64[..., n], for GatherND and ScatterND over the first n axes. */
function stackedIndices(op: AtenBuilder, indices: readonly Value[]): { stacked: Value; shape: readonly Dim[] } {
  const shape = indices.length === 1 ? shapeOf(indices[0]!) : commonShape(op, indices.map(shapeOf));
  const wide = indices.map((index) => unsqueeze(op, expandTo(op, index, shape), [shape.length]));
  return { stacked: wide.length === 1 ? wide[0]! : op.Concat(wide, { axis: shape.length }), shape };
}

/** PyTorch counts negative indices from the end; GatherND and ScatterND are not asked to. */
function wrapped(op: AtenBuilder, index: Value, size: Dim): Value {
  const known = index.content?.every((d) => isStatic(d) && d >= 0);
  if (known || producedBy(producedBy(index, 'Gather')?.inputs[0], 'NonZero')) return index;
  return op.Where([op.Less([index, op.scalar('int64', 0)]), op.Add([index, op.dim(size)]), index]);
}

const frontPerm = (rank: number, axes: readonly number[]): number[] => [
  ...axes,
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i)),
];

export function indexed(op: AtenBuilder, self: Value, given: readonly (Value | null)[]): Value {
  const { axes, indices } = resolveIndices(op, given);
  if (axes.length === 0) return op.Identity([self]);
  if (axes.length === 1) return op.Gather([self, indices[0]!], { axis: axes[0]! });
  const rank = rankOf(self);
  const { stacked, shape } = stackedIndices(
    op,
    indices.map((index, i) => wrapped(op, index, shapeOf(self)[axes[i]!]!)),
  );
  const gathered = op.GatherND([transpose(op, self, frontPerm(rank, axes)), stacked]);
  if (!neighbours(axes) || axes[0] === 0) return gathered;
  // Result is (index dims..., other dims...): put the index dims where the indexed axes stood.
  const lead = axes[0]!;
  const n = shape.length;
  const others = rank - axes.length;
  const perm = [
    ...Array.from({ length: lead }, (_, i) => n + i),
    ...Array.from({ length: n }, (_, i) => i),
    ...Array.from({ length: others - lead }, (_, i) => n + lead + i),
  ];
  return transpose(op, gathered, perm);
}
export const index = aten(
  [
    'aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor',
    'aten::_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor',
  ],
  (op, { self, indices }) => indexed(op, self, indices),
);

/** As the operators' own arguments are called. */
interface Putting {
  readonly self: Value;
  readonly indices: readonly (Value | null)[];
  readonly values: Value;
  readonly accumulate: boolean;
}

export function put(op: AtenBuilder, { self, indices: given, values, accumulate }: Putting): Value {
  const mask = given.length === 1 ? given[0] : null;
  // x[mask] = number needs no positions.
  if (mask && dtypeOf(mask) === 'bool' && !accumulate && mulDims(...shapeOf(values)) === 1) {
    const wide = reshape(op, mask, [...shapeOf(mask), ...new Array<Dim>(rankOf(self) - rankOf(mask)).fill(1)]);
    return op.Where([wide, reshape(op, cast(op, values, dtypeOf(self)), []), self]);
  }
  const { axes, indices } = resolveIndices(op, given);
  if (axes.length === 0) return expandTo(op, cast(op, values, dtypeOf(self)), shapeOf(self));
  const rank = rankOf(self);
  const { stacked, shape } = stackedIndices(
    op,
    indices.map((ix, i) => wrapped(op, ix, shapeOf(self)[axes[i]!]!)),
  );
  const perm = frontPerm(rank, axes);
  const others = perm.slice(axes.length).map((a) => shapeOf(self)[a]!);
  const lead = neighbours(axes) ? axes[0]! : 0;
  // Values arrive shaped like the result of indexing: broadcast there, then bring the index dims to the front.
  const resultShape = [...others.slice(0, lead), ...shape, ...others.slice(lead)];
  const wide = expandTo(op, cast(op, values, dtypeOf(self)), resultShape);
  const toFront = [
    ...shape.map((_, i) => lead + i),
    ...Array.from({ length: others.length }, (_, i) => (i < lead ? i : i + shape.length)),
  ];
  const scattered = op.ScatterND(
    [transpose(op, self, perm), stacked, transpose(op, wide, toFront)],
    accumulate ? { reduction: 'add' } : {},
  );
  return transpose(
    op,
    scattered,
    perm.map((_, i) => perm.indexOf(i)),
  );
}
export const index_put = aten(
  [
    'aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
    'aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
  ],
  (op, a) => put(op, a),
  { limits: [{ since: 16, when: 'accumulate' }] },
);
