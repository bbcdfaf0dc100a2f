/** The plan of static quantization: ranges of activations are observed on calibration data. */
import type { SkippedNode } from '../../report/quantization.ts';
import type { Graph, Node } from '../../onnx/ir.ts';
import { constantOf, mayBeFloat } from '../../onnx/match.ts';
import { scaleAxis } from '../../tensor/qparams.ts';
import { type Addition, type NodePlan, type Plan, type TensorPlan } from '../plan.ts';
import type { OperatorRule } from '../operator-rule.ts';
import { isQuiet, roleAt, ruleOf } from '../rules.ts';
import { type Choice, chooseNodes } from './choose.ts';
import type { PlanRequest } from './source.ts';
import { biasPlan, TensorPlans } from './tensor-plans.ts';

export function planObserved(request: PlanRequest): Plan {
  const choice = chooseNodes(request);
  const tensors = new TensorPlans(request.recipe);
  const nodes = new Map<Node, NodePlan>();
  const folded: Node[] = [];
  for (const node of request.graph.nodes) {
    const rule = ruleOf(node);
    if (!choice.chosen.has(node) || !rule) continue;
    if (choice.folds.has(node)) {
      folded.push(node);
      continue;
    }
    const inputs = planInputs(node, rule, tensors);
    const [output = null, ...more] = planOutputs(node, rule, { source: inputs[0] ?? null, choice, tensors });
    const addition = output ? null : planAddition(node, rule, { inputs, request, tensors });
    nodes.set(node, { node, inputs, output, more, addition });
  }
  return { nodes, folded, skipped: skippedNodes(request.graph, nodes, choice) };
}

function planInputs(node: Node, rule: OperatorRule, tensors: TensorPlans): (TensorPlan | null)[] {
  const plans: (TensorPlan | null)[] = [];
  for (const [index, value] of node.inputs.entries())
    plans.push(value && tensors.input(roleAt(rule, index), { node, value, before: plans }));
  return plans;
}

function planOutputs(
  node: Node,
  rule: OperatorRule,
  {
    source,
    choice,
    tensors,
  }: { readonly source: TensorPlan | null; readonly choice: Choice; readonly tensors: TensorPlans },
): TensorPlan[] {
  if (!choice.integerOutputs.has(node)) return [];
  // What Relu takes away is worth no code: the range is the one behind it.
  const kept = choice.keptBehind.get(node)?.outputs[0];
  if (kept) return [tensors.output({ kind: 'shared' }, node.outputs[0]!, tensors.observed(kept))!];
  // The tensor that is calibrated is what is left after the folded Relu.
  const values = choice.foldedInto.get(node)?.outputs ?? node.outputs;
  return values
    .filter(mayBeFloat)
    .map((value) => tensors.output(rule.output, value, source))
    .filter((plan) => plan !== null);
}

/**
 * A MatMul and the Add of its bias. onnxruntime makes a Gemm of a MatMul and an Add of a vector before it looks for
 * integer kernels, and takes QGemm only if the bias is int32. A float bias stays out of that when it is no vector but
 * has the rank of the sum, which must be known and cannot be 2: there a bias of any form makes a Gemm.
 */
function planAddition(
  node: Node,
  { biasIn }: OperatorRule,
  {
    inputs: [activation, weight],
    request: { graph, recipe, refused },
    tensors,
  }: { readonly inputs: readonly (TensorPlan | null)[]; readonly request: PlanRequest; readonly tensors: TensorPlans },
): Addition | null {
  const product = node.outputs[0]!;
  const use = product.uses.size === 1 && !graph.isOutput(product) ? [...product.uses][0]! : null;
  if (!use || use.node.op !== biasIn || use.node.domain !== '' || use.node.graph !== graph) return null;
  if (!activation || weight?.kind !== 'weight' || weight.data.shape.length !== 2) return null;
  if (scaleAxis(weight.granularity) === 0) return null;
  const index = 1 - use.index;
  const value = use.node.inputs[index]!;
  const data = constantOf(value);
  if (data?.dtype !== 'float32' || data.shape.length !== 1 || data.shape[0] !== weight.data.shape[1]) return null;
  const rank = product.type?.shape.length ?? node.inputs[0]?.type?.shape.length ?? 0;
  const isKept = refused.has(use.node);
  const isRounded = recipe.extra.QuantizeBias !== false && !isKept;
  const isRow = recipe.bias === 'float' && rank > 2;
  return {
    node: use.node,
    index,
    bias: isRow || !isRounded ? null : biasPlan(value, data, { activation, weight, beta: 1 }),
    shape: isRow ? [...new Array<number>(rank - 1).fill(1), ...data.shape] : data.shape,
    output: recipe.output.linear === 'codes' && !isKept ? tensors.observed(use.node.outputs[0]!) : null,
  };
}

/**
 * Float operators that stay as they are, with the reason. Those that only move data or were folded away are not worth a
 * line.
 */
function skippedNodes(graph: Graph, planned: ReadonlyMap<Node, NodePlan>, { chosen, reasons }: Choice): SkippedNode[] {
  const additions = new Set([...planned.values()].map(({ addition }) => addition?.node));
  return [...graph.nodes].flatMap((node) => {
    if (chosen.has(node) || additions.has(node) || isQuiet(node)) return [];
    if (!node.outputs.some(mayBeFloat)) return [];
    return [{ node: node.name, operator: node.op, reason: reasons.get(node) ?? 'it has no quantized form' }];
  });
}
