/**
 * What the two ways of writing a plan have in common: their request, their result, and taking out what saturation
 * replaces.
 */
import type { Graph, Node, Value } from '../onnx/ir.ts';
import { type Grid, type Grids, removeUnread } from './grids.ts';
import { type NodePlan, type Plan, type PlanOf, type TensorPlan } from './plan.ts';
import type { QParams } from './qparams.ts';

export interface WriteRequest {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly params: ReadonlyMap<TensorPlan, QParams>;
}

/** Where the result of a quantized node is in the new graph. */
export interface Written {
  /** The node of the FP32 model: its operator, name and origin. */
  readonly node: Node;
  /** The tensor's name in the FP32 model. */
  readonly tensor: string;
  readonly value: Value;
  /** Set where the value holds codes. */
  readonly grid: Grid | null;
}

export type ConstantPlan = PlanOf<'weight' | 'constant' | 'bias'>;

export const isConstantPlan = (tensor: TensorPlan): tensor is ConstantPlan =>
  tensor.kind === 'weight' || tensor.kind === 'constant' || tensor.kind === 'bias';

/** Takes out Relu and Clip that saturation replaces: what they read carries their tensor. */
export function foldActivations(grids: Grids, plan: Plan): void {
  for (const node of plan.folded) {
    const bounds = node.inputs.slice(1).filter((bound) => bound !== null);
    grids.supersede(node.outputs[0]!, node.inputs[0]!, node.op);
    grids.graph.removeNode(node);
    removeUnread(grids.graph, bounds);
  }
}

/** The FP32 constants a plan replaced, as far as nobody else reads them. */
export function removeReplaced(graph: Graph, nodes: Iterable<NodePlan>): void {
  for (const { inputs, addition } of nodes) {
    removeUnread(
      graph,
      [...inputs, addition?.bias ?? null].flatMap((tensor) => (tensor && isConstantPlan(tensor) ? [tensor.value] : [])),
    );
  }
}
