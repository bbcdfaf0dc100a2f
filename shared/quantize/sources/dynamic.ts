/** The plan of dynamic quantization: products with a constant matrix on the right, and lookups. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { PER_TENSOR } from '../../tensor/qparams.ts';
import { type NodePlan, type Plan, type TensorPlan } from '../plan.ts';
import type { OperatorRule } from '../operator-rule.ts';
import { roleAt, weightIndexOf } from '../rules.ts';
import { matricesIn } from './matrices.ts';
import type { PlanRequest } from './source.ts';
import { TensorPlans } from './tensor-plans.ts';

export function planDynamic({ graph, recipe, refused }: PlanRequest): Plan {
  const tensors = new TensorPlans(recipe);
  const { nodes, skipped } = matricesIn({ graph, refused, lookups: true });
  const planOf = (node: Node, rule: OperatorRule): NodePlan => ({
    node,
    inputs: planInputs(node, rule, tensors),
    output: null,
    more: [],
    addition: null,
  });
  return { nodes: new Map([...nodes].map(([node, rule]) => [node, planOf(node, rule)])), folded: [], skipped };
}

function planInputs(node: Node, rule: OperatorRule, tensors: TensorPlans): (TensorPlan | null)[] {
  const weightIndex = weightIndexOf(rule);
  return node.inputs.map((value, i) => {
    const role = roleAt(rule, i);
    if (!value || role.kind === 'plain' || role.kind === 'bias') return null;
    // The operator that finds the range of activations gives uint8.
    if (i !== weightIndex || !('axis' in role))
      return { kind: 'dynamic', value, dtype: 'uint8', granularity: PER_TENSOR };
    return tensors.weight(role, { node, value, data: constantOf(value)! });
  });
}
