/** The plan of dynamic quantization: products with a constant matrix on the right, and lookups. */
import type { Node } from '../../onnx/ir.ts';
import { constantOf, mayBeFloat } from '../../onnx/match.ts';
import { PER_TENSOR } from '../../tensor/qparams.ts';
import { type NodePlan, type Plan, type TensorPlan } from '../plan.ts';
import { dynamicFormOf, type OperatorRule, roleAt, ruleOf, weightIndexOf } from '../rules.ts';
import type { PlanRequest } from './source.ts';
import { TensorPlans } from './tensor-plans.ts';

export function planDynamic({ graph, recipe, refused }: PlanRequest): Plan {
  const reasons = new Map(refused);
  const nodes = new Map<Node, NodePlan>();
  const tensors = new TensorPlans(recipe);
  for (const node of graph.nodes) {
    const form = dynamicFormOf(node);
    if (!form || reasons.has(node)) continue;
    const rule = ruleOf(node);
    const reason = rule ? reasonAgainst(node, rule) : form.kind === 'float' ? form.reason : null;
    if (rule && reason === null)
      nodes.set(node, { node, inputs: planInputs(node, rule, tensors), output: null, more: [], addition: null });
    else if (reason !== null && mayBeFloat(node.outputs[0]!)) reasons.set(node, reason);
  }
  return {
    nodes,
    folded: [],
    skipped: [...reasons].map(([node, reason]) => ({ node: node.name, operator: node.op, reason })),
  };
}

function reasonAgainst(node: Node, rule: OperatorRule): string | null {
  const form = dynamicFormOf(node)!;
  if (form.kind === 'float') return form.reason;
  const data = constantOf(node.inputs[weightIndexOf(rule)]);
  const isProduct = form.kind === 'product';
  if (!data) return isProduct ? 'it multiplies two computed tensors' : 'its table is computed';
  if (data.dtype !== 'float32') return `its weight is ${data.dtype}`;
  if (data.shape.length !== 2 || data.byteLength === 0) return 'its weight is no matrix';
  if (isProduct && constantOf(node.inputs[0])) return 'it is a constant';
  return (isProduct ? form.refuse(node) : null) ?? rule.refuse?.(node) ?? null;
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
