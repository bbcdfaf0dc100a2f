/** Layers by the tensor they read: those that share a tensor share the factors of its channels. */
import type { Graph, Value } from '../../onnx/ir.ts';
import type { Plan } from '../plan.ts';
import { axisOf, type ChannelAxis, type ChannelConstant, weightByInput } from './layers.ts';
import { type Fold, foldInto } from './folds.ts';
import { isGiven } from './own-constants.ts';

/** A tensor and the quantized layers that read it. */
export interface Readers {
  readonly value: Value;
  readonly axis: ChannelAxis;
  /** Their weights, by what they read. */
  readonly weights: readonly ChannelConstant[];
  /** Why the weights cannot be changed, or null. */
  readonly obstacle: string | null;
  /** What divides the tensor, where nothing but these layers reads it. */
  readonly fold: Fold | null;
}

/** In the order of the graph. */
export function readersIn(graph: Graph, plan: Plan): Readers[] {
  const groups = new Map<Value, Map<string, ChannelConstant[]>>();
  for (const { node, inputs } of plan.nodes.values()) {
    const weight = weightByInput(node);
    const [value] = node.inputs;
    if (!weight || !value || inputs[weight.index]?.kind !== 'weight') continue;
    const byAxis = groups.get(value) ?? new Map<string, ChannelConstant[]>();
    groups.set(value, byAxis);
    const key = JSON.stringify(axisOf(weight));
    byAxis.set(key, [...(byAxis.get(key) ?? []), weight]);
  }
  return [...groups].flatMap(([value, byAxis]) =>
    [...byAxis.values()].map((weights) => readersOf(weights, value, { graph, plan })),
  );
}

function readersOf(
  weights: readonly ChannelConstant[],
  value: Value,
  { graph, plan }: { readonly graph: Graph; readonly plan: Plan },
): Readers {
  const axis = axisOf(weights[0]!);
  const nodes = new Set(weights.map(({ node }) => node));
  const isTheirs = !graph.isOutput(value) && [...value.uses].every(({ node, index }) => nodes.has(node) && index === 0);
  const isShared = weights.some(({ node, index }) => node.inputs[index]!.uses.size > 1);
  const isByHand = weights.some(({ node, index }) => isGiven(plan, node, 0) || isGiven(plan, node, index));
  const fold = isTheirs ? foldInto(value, { graph, axis }) : null;
  return {
    value,
    axis,
    weights,
    obstacle: isShared ? 'others read its weight, too' : isByHand ? 'its codes are chosen by hand' : null,
    fold: fold?.constants.some(({ node, index }) => isGiven(plan, node, index)) ? null : fold,
  };
}
