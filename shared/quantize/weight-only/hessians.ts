/** Weights that are rounded by what they are multiplied with: calibration data are run, and codes are found at once. */
import type { Model, Value } from '../../onnx/ir.ts';
import type { MemoryTensors } from '../../runtime/session.ts';
import type { Builder } from '../../onnx/builder.ts';
import { calibrate } from '../calibrate.ts';
import type { Watch } from '../observers/observer.ts';
import { type Plan, type PlanOf, type TensorPlan } from '../plan.ts';
import { isLookup } from '../rules.ts';
import { type Fitted, fitWeight } from './blocked-weights.ts';
import { layoutOf } from './fit-blocks.ts';

type Weight = PlanOf<'blocked'>;

export interface HessianRequest {
  readonly model: Model;
  /** Iterated once for each group of tensors. */
  readonly batches: AsyncIterable<MemoryTensors>;
  readonly file: string;
  readonly workFolder: string;
}

/** Sums of products that are held at once; the data are run again for the next tensors. */
const LARGEST_GROUP = 512 * 2 ** 20;

/**
 * Codes of every matrix that multiplies activations. In memory are the codes, at a fraction of the weights, and the
 * sums of products of a group of tensors.
 */
export async function fitWithActivations(plan: Plan, request: HessianRequest): Promise<Map<TensorPlan, Fitted>> {
  const fitted = new Map<TensorPlan, Fitted>();
  for (const group of groupsOf(readersByWeight(plan))) {
    const widths = new Map(
      group.flatMap(([weight, read]) => read.map((tensor) => [tensor, layoutOf(weight).k] as const)),
    );
    const sums = await sumsOfProducts(widths, request);
    for (const [weight, read] of group)
      fitted.set(weight, await fitWeight(weight, added(read.map((tensor) => sums.get(tensor) ?? null))));
  }
  return fitted;
}

/** What each matrix is multiplied with. */
function readersByWeight({ nodes }: Plan): Map<Weight, Value[]> {
  const read = new Map<Weight, Value[]>();
  for (const { node, inputs } of nodes.values()) {
    const weight = inputs.find((tensor) => tensor?.kind === 'blocked') as Weight | undefined;
    if (weight && !isLookup(node)) read.set(weight, [...(read.get(weight) ?? []), node.inputs[0]!]);
  }
  return read;
}

type Group = (readonly [Weight, readonly Value[]])[];

function groupsOf(read: ReadonlyMap<Weight, readonly Value[]>): Group[] {
  const groups: Group[] = [];
  let bytes = Infinity;
  const held = new Set<Value>();
  for (const [weight, tensors] of read) {
    const size = layoutOf(weight).k ** 2 * Float64Array.BYTES_PER_ELEMENT;
    const more = tensors.filter((tensor) => !held.has(tensor)).length * size;
    if (bytes + more > LARGEST_GROUP) {
      groups.push([]);
      held.clear();
      bytes = 0;
    }
    bytes += tensors.filter((tensor) => !held.has(tensor)).length * size;
    for (const tensor of tensors) held.add(tensor);
    groups.at(-1)!.push([weight, tensors]);
  }
  return groups;
}

/** By the length of the last axis of each tensor, which need not be recorded in its type. */
async function sumsOfProducts(
  widths: ReadonlyMap<Value, number>,
  { model, batches, file, workFolder }: HessianRequest,
): Promise<ReadonlyMap<Value, Float64Array>> {
  const watched = [...widths].map(([tensor, width]) => ({ tensor, watch: new ProductSums(width) }));
  await calibrate({ model, watched, rounds: 1, batches, file, workFolder });
  return new Map(watched.flatMap(({ tensor, watch: { sums } }) => (sums ? [[tensor, sums] as const] : [])));
}

/** `X^T X` over all leading axes, computed in the graph. */
class ProductSums implements Watch {
  sums: Float64Array | null = null;
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  probes(op: Builder, tensor: Value): readonly Value[] {
    const rows = op.Reshape([tensor, op.ints([-1, this.#width])]);
    return [op.MatMul([op.Transpose([rows], { perm: [1, 0] }), rows])];
  }

  absorb([products]: readonly Float32Array[]): boolean {
    const sums = (this.sums ??= new Float64Array(products!.length));
    let isFinite = true;
    for (let i = 0; i < sums.length; i++) {
      const v = products![i]!;
      sums[i]! += v;
      if (v - v !== 0) isFinite = false;
    }
    return isFinite;
  }

  range(): null {
    return null;
  }
}

function added(all: readonly (Float64Array | null)[]): Float64Array | null {
  const [first = null, ...more] = all.filter((sums) => sums !== null);
  if (first === null || more.length === 0) return first;
  const total = Float64Array.from(first);
  for (const sums of more) for (let i = 0; i < total.length; i++) total[i]! += sums[i]!;
  return total;
}
