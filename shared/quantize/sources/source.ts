/** What makes a plan: one for each approach. */
import type { QuantFormat } from '../../choices.ts';
import type { Graph, Node } from '../../onnx/ir.ts';
import type { Plan } from '../plan.ts';
import type { Recipe } from '../recipe.ts';

export interface PlanRequest {
  readonly graph: Graph;
  readonly recipe: Recipe;
  readonly format: QuantFormat;
  /** Nodes to leave in float, and why. */
  readonly refused: ReadonlyMap<Node, string>;
}

export type Source = (request: PlanRequest) => Plan;
