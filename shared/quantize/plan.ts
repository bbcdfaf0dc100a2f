/** What will be quantized and how, decided before anything is computed or changed. */
import type { SkippedNode } from '../report/report.ts';
import type { TensorData } from '../tensor/data.ts';
import type { Graph, Node, Value } from '../onnx/ir.ts';
import { isFloat } from '../tensor/dtype.ts';
import type { QuantizationRecipe } from './recipe.ts';
import { chooseNodes, type Choice } from './choose.ts';
import { constantOf, type InputRole, type OperatorRule, type OutputRole, roleAt, ruleOf } from './rules.ts';

/** One tensor on one grid. The kind says where its scale and zero point come from. */
export type TensorPlan =
  /** uint8; the calibrated range. */
  | { readonly kind: 'observed'; readonly value: Value }
  /** uint8; known without looking. */
  | { readonly kind: 'fixed'; readonly value: Value; readonly scale: number; readonly zeroPoint: number }
  /** The codes of another tensor, moved. */
  | { readonly kind: 'shared'; readonly value: Value; readonly source: TensorPlan }
  /** uint8; the range of a constant. */
  | { readonly kind: 'constant'; readonly value: Value; readonly data: TensorData }
  /** int8, symmetric. */
  | { readonly kind: 'weight'; readonly value: Value; readonly data: TensorData; readonly axis: number | null }
  /** int32 on the grid of `activation` times `weight`. */
  | { readonly kind: 'bias'; readonly value: Value; readonly data: TensorData; readonly activation: TensorPlan; readonly weight: TensorPlan; readonly beta: number };

export type PlanOf<K extends TensorPlan['kind']> = Extract<TensorPlan, { kind: K }>;

export interface NodePlan {
  readonly node: Node;
  /** Parallel to the node's inputs; null: read as it is. */
  readonly inputs: readonly (TensorPlan | null)[];
  /** null: the output stays float. */
  readonly output: TensorPlan | null;
}

export interface Plan {
  readonly nodes: ReadonlyMap<Node, NodePlan>;
  /** Relu and Clip that saturation replaces, to be taken out. */
  readonly folded: readonly Node[];
  /** Tensors that are read or written as codes, by their FP32 value. */
  readonly activations: ReadonlyMap<Value, TensorPlan>;
  readonly skipped: readonly SkippedNode[];
}

export interface PlanRequest {
  readonly graph: Graph;
  readonly recipe: QuantizationRecipe;
  readonly format: 'QDQ' | 'QLinear';
  /** Nodes to leave in float, and why. */
  readonly refused: ReadonlyMap<Node, string>;
}

export function planQuantization(request: PlanRequest): Plan {
  const choice = chooseNodes(request);
  const activations = new Map<Value, TensorPlan>();
  const constants = new Map<string, TensorPlan>();
  const nodes = new Map<Node, NodePlan>();
  const folded: Node[] = [];
  for (const node of request.graph.nodes) {
    const rule = ruleOf(node);
    if (!choice.chosen.has(node) || !rule) continue;
    if (rule.when === 'fold') {
      folded.push(node);
      continue;
    }
    const inputs = planInputs(node, rule, activations, constants);
    nodes.set(node, { node, inputs, output: planOutput(node, rule, inputs, choice, activations) });
  }
  return { nodes, folded, activations, skipped: skippedNodes(request.graph, choice) };
}

type Planned = Map<Value, TensorPlan>;

function planInputs(node: Node, rule: OperatorRule, activations: Planned, constants: Map<string, TensorPlan>): (TensorPlan | null)[] {
  const plans: (TensorPlan | null)[] = [];
  for (const [index, value] of node.inputs.entries()) {
    plans.push(value ? planInput(node, roleAt(rule, index), value, plans, activations, constants) : null);
  }
  return plans;
}

function planInput(node: Node, role: InputRole, value: Value, before: readonly (TensorPlan | null)[], activations: Planned, constants: Map<string, TensorPlan>): TensorPlan | null {
  if (role.kind === 'plain') return null;
  const data = role.kind === 'activation' ? null : constantOf(value);
  if (!data) return remember(activations, value, { kind: 'observed', value });
  switch (role.kind) {
    case 'bias': {
      const [activation, weight] = before;
      if (!activation || !weight) throw new Error(`${node.op} "${node.name}": a bias without what it is added to`);
      return { kind: 'bias', value, data, activation, weight, beta: betaOf(node) };
    }
    case 'operand':
      return remember(constants, `${value.name} constant`, { kind: 'constant', value, data });
    case 'table':
      return remember(constants, `${value.name} 0`, { kind: 'weight', value, data, axis: 0 });
    default: {
      const axis = role.kind === 'activation' ? null : role.axis(node, data.shape);
      return remember(constants, `${value.name} ${axis}`, { kind: 'weight', value, data, axis });
    }
  }
}

const betaOf = (node: Node): number => {
  const beta = node.attributes.get('beta');
  return beta?.kind === 'float' ? beta.value : 1;
};

function remember<K>(known: Map<K, TensorPlan>, key: K, plan: TensorPlan): TensorPlan {
  const found = known.get(key);
  if (found) return found;
  known.set(key, plan);
  return plan;
}

function planOutput(node: Node, rule: OperatorRule, inputs: readonly (TensorPlan | null)[], choice: Choice, activations: Planned): TensorPlan | null {
  const { output } = rule;
  if (!choice.integerOutputs.has(node)) return null;
  // The tensor that is calibrated is what is left after the folded Relu.
  const value = choice.foldedInto.get(node)?.outputs[0] ?? node.outputs[0]!;
  const plan = outputPlan(output, value, inputs[0] ?? null);
  if (plan) activations.set(value, plan);
  return plan;
}

function outputPlan(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
  if (role.kind === 'float') return null;
  if (role.kind === 'fixed') return { kind: 'fixed', value, scale: role.scale, zeroPoint: role.zeroPoint };
  if (role.kind === 'shared') return source && { kind: 'shared', value, source: rootOf(source) };
  return { kind: 'observed', value };
}

/** The plan whose scale and zero point a tensor has. */
export const rootOf = (plan: TensorPlan): TensorPlan => (plan.kind === 'shared' ? rootOf(plan.source) : plan);

/** Float operators that stay as they are, with the reason; shape arithmetic is not worth a line. */
export function skippedNodes(graph: Graph, { chosen, reasons }: Pick<Choice, 'chosen' | 'reasons'>): SkippedNode[] {
  return [...graph.nodes].flatMap((node) => {
    if (chosen.has(node) || !touchesFloat(node)) return [];
    return [{ node: node.name, operator: node.op, reason: reasons.get(node) ?? 'it has no quantized form' }];
  });
}

const UNINTERESTING: ReadonlySet<string> = new Set(['Constant', 'Identity', 'Shape', 'Size', 'Cast', 'ConstantOfShape', 'Range', 'QuantizeLinear', 'DequantizeLinear']);

const touchesFloat = (node: Node): boolean =>
  !UNINTERESTING.has(node.op) && node.outputs.some((value) => !value.type || isFloat(value.type.dtype));
