/**
 * The plan of dynamic quantization: activations are quantized anew in every run, by the operator itself or in front of
 * it.
 */
import type { Node } from '../../onnx/ir.ts';
import { constantOf } from '../../onnx/match.ts';
import { CODES, PER_TENSOR } from '../../tensor/qparams.ts';
import type { DynamicForm, OperatorRule } from '../operator-rule.ts';
import { type NodePlan, type Plan, type TensorPlan } from '../plan.ts';
import type { Recipe } from '../recipe.ts';
import { dynamicFormOf, roleAt } from '../rules.ts';
import { matricesIn } from './matrices.ts';
import type { PlanRequest } from './source.ts';
import { TensorPlans } from './tensor-plans.ts';

export function planDynamic({ graph, recipe, refused }: PlanRequest): Plan {
  const others = (node: Node, form: DynamicForm): string | null => reasonAgainst(node, form, recipe);
  const { nodes, skipped } = matricesIn({ graph, refused, others, lookups: true });
  const tensors = new TensorPlans(recipe);
  const ofConvolutions = new TensorPlans(unsigned(recipe));
  const planOf = (node: Node, rule: OperatorRule): NodePlan => {
    const plans = dynamicFormOf(node)!.kind === 'convolution' ? ofConvolutions : tensors;
    return { node, inputs: planInputs(node, rule, plans), output: null, more: [], addition: null };
  };
  return { nodes: new Map([...nodes].map(([node, rule]) => [node, planOf(node, rule)])), folded: [], skipped };
}

/** Why an operator that is no product of matrices stays in float, or null. */
function reasonAgainst(node: Node, form: DynamicForm, { targets }: Recipe): string | null {
  if (form.kind === 'float') return form.reason;
  if (form.kind !== 'convolution') return 'refuse' in form ? form.refuse(node) : null;
  if (!targets.withoutKernel && !targets.operators.includes(node.op)) return form.reason;
  const weight = constantOf(node.inputs[1]);
  if (!weight) return 'its weight is computed';
  if (node.inputs[2] && !constantOf(node.inputs[2])) return 'its bias is computed';
  return weight.dtype === 'float32' ? null : `its weight is ${weight.dtype}`;
}

/** The same codes, moved: ConvInteger of onnxruntime up to 1.23 takes no int8, and 1.30 takes four times as long. */
function unsigned(recipe: Recipe): Recipe {
  const { weights } = recipe;
  if (weights.dtype !== 'int8') return recipe;
  const moved = CODES.uint8.low - CODES.int8.low;
  const [low, high] = [weights.low + moved, weights.high + moved];
  return { ...recipe, weights: { ...weights, dtype: 'uint8', low, high, pairLimit: null } };
}

function planInputs(node: Node, rule: OperatorRule, tensors: TensorPlans): (TensorPlan | null)[] {
  return node.inputs.map((value, i) => {
    const role = roleAt(rule, i);
    if (!value || role.kind === 'plain' || role.kind === 'bias') return null;
    const data = constantOf(value);
    if (data && 'axis' in role) return tensors.weight(role, { node, value, data });
    if (data && role.kind === 'operand') return tensors.input(role, { node, value, before: [] });
    // The operator that finds the range of activations gives uint8.
    return { kind: 'dynamic', value, dtype: 'uint8', granularity: PER_TENSOR };
  });
}
