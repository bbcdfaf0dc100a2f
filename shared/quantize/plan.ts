/** What will be quantized and how, decided before anything is computed or changed. */
import type { SkippedNode } from '../report/report.ts';
import type { TensorData } from '../tensor/data.ts';
import type { Graph, Node, Value } from '../onnx/ir.ts';
import { constantOf } from '../onnx/match.ts';
import type { QuantizationRecipe } from './recipe.ts';
import { chooseNodes, type Choice } from './choose.ts';
import { floatValues } from './float-values.ts';
import { type InputRole, type OperatorRule, type OutputRole, roleAt, ruleOf } from './rules.ts';

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
  | {
      readonly kind: 'bias';
      readonly value: Value;
      readonly data: TensorData;
      readonly activation: TensorPlan;
      readonly weight: TensorPlan;
      readonly beta: number;
    };

export type PlanOf<K extends TensorPlan['kind']> = Extract<TensorPlan, { kind: K }>;

export interface NodePlan {
  readonly node: Node;
  /** Parallel to the node's inputs; null: read as it is. */
  readonly inputs: readonly (TensorPlan | null)[];
  /** Of the first output; null: it stays float. */
  readonly output: TensorPlan | null;
  /** Of the outputs after the first, which share its grid. */
  readonly more: readonly TensorPlan[];
  /** The Add that follows a product with float output and adds its bias. */
  readonly addition: Addition | null;
}

export interface Addition {
  readonly node: Node;
  /** Which of its inputs the bias is. */
  readonly index: number;
  /** The bias on the grid of the sums; null: it stays float. */
  readonly bias: PlanOf<'bias'> | null;
  /** Shape of a float bias, so that onnxruntime does not make a float Gemm of the two. */
  readonly shape: readonly number[];
  /** Set when the sum is rounded to codes. */
  readonly output: TensorPlan | null;
}

export interface Plan {
  readonly nodes: ReadonlyMap<Node, NodePlan>;
  /** Relu and Clip that saturation replaces, to be taken out. */
  readonly folded: readonly Node[];
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
    const [output = null, ...more] = planOutputs(node, rule, inputs, choice, activations);
    nodes.set(node, {
      node,
      inputs,
      output,
      more,
      addition: output ? null : planAddition(node, inputs, request, activations),
    });
  }
  return { nodes, folded, skipped: skippedNodes(request.graph, nodes, choice) };
}

type Planned = Map<Value, TensorPlan>;

function planInputs(
  node: Node,
  rule: OperatorRule,
  activations: Planned,
  constants: Map<string, TensorPlan>,
): (TensorPlan | null)[] {
  const plans: (TensorPlan | null)[] = [];
  for (const [index, value] of node.inputs.entries()) {
    plans.push(value ? planInput(node, roleAt(rule, index), value, plans, activations, constants) : null);
  }
  return plans;
}

function planInput(
  node: Node,
  role: InputRole,
  value: Value,
  before: readonly (TensorPlan | null)[],
  activations: Planned,
  constants: Map<string, TensorPlan>,
): TensorPlan | null {
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

function planOutputs(
  node: Node,
  rule: OperatorRule,
  inputs: readonly (TensorPlan | null)[],
  choice: Choice,
  activations: Planned,
): TensorPlan[] {
  if (!choice.integerOutputs.has(node)) return [];
  // The tensor that is calibrated is what is left after the folded Relu.
  const values = choice.foldedInto.get(node)?.outputs ?? node.outputs;
  const plans = values
    .map((value) => outputPlan(rule.output, value, inputs[0] ?? null))
    .filter((plan) => plan !== null);
  for (const plan of plans) activations.set(plan.value, plan);
  return plans;
}

function outputPlan(role: OutputRole, value: Value, source: TensorPlan | null): TensorPlan | null {
  if (role.kind === 'float') return null;
  if (role.kind === 'fixed') return { kind: 'fixed', value, scale: role.scale, zeroPoint: role.zeroPoint };
  if (role.kind === 'shared') return source && { kind: 'shared', value, source: rootOf(source) };
  return { kind: 'observed', value };
}

/**
 * A MatMul and the Add of its bias. onnxruntime makes a Gemm of a MatMul and an Add of a vector before it looks for
 * integer
 * kernels, and takes QGemm only if the bias is int32. A float bias stays out of that when it is no vector but has the
 * rank of
 * the sum, which must be known and cannot be 2: there a bias of any form makes a Gemm.
 */
function planAddition(
  node: Node,
  [activation, weight]: readonly (TensorPlan | null)[],
  { graph, recipe }: PlanRequest,
  activations: Planned,
): Addition | null {
  const product = node.outputs[0]!;
  const use = product.uses.size === 1 && !graph.isOutput(product) ? [...product.uses][0]! : null;
  if (node.op !== 'MatMul' || !use || use.node.op !== 'Add' || use.node.domain !== '' || use.node.graph !== graph)
    return null;
  if (!activation || weight?.kind !== 'weight' || weight.axis !== 1) return null;
  const index = 1 - use.index;
  const value = use.node.inputs[index]!;
  const data = constantOf(value);
  if (data?.dtype !== 'float32' || data.shape.length !== 1 || data.shape[0] !== weight.data.shape[1]) return null;
  const rank = product.type?.shape.length ?? node.inputs[0]?.type?.shape.length ?? 0;
  const isFloat = recipe.bias === 'float' && rank > 2;
  const sum = use.node.outputs[0]!;
  const output = recipe.roundLinear ? remember(activations, sum, { kind: 'observed', value: sum }) : null;
  return {
    node: use.node,
    index,
    bias: isFloat ? null : { kind: 'bias', value, data, activation, weight, beta: 1 },
    shape: isFloat ? [...new Array<number>(rank - 1).fill(1), ...data.shape] : data.shape,
    output,
  };
}

/** The tensor of the FP32 model that a node's plan leads to: where it is compared. */
export const resultOf = ({ node, output, addition }: NodePlan): Value =>
  output?.value ?? (addition?.node ?? node).outputs[0]!;

/** The codes a node's plan leads to; null: numbers. */
export const codesOutOf = ({ output, addition }: NodePlan): TensorPlan | null => output ?? addition?.output ?? null;

/** Every tensor that a node's plan leads to as codes. */
export const allCodesOutOf = (plan: NodePlan): TensorPlan[] =>
  [codesOutOf(plan), ...plan.more].filter((tensor) => tensor !== null);

/** The plan whose scale and zero point a tensor has. */
export const rootOf = (plan: TensorPlan): TensorPlan => (plan.kind === 'shared' ? rootOf(plan.source) : plan);

/**
 * Float operators that stay as they are, with the reason. Those that only move data or were folded away are not worth a
 * line.
 */
function skippedNodes(graph: Graph, planned: ReadonlyMap<Node, NodePlan>, { chosen, reasons }: Choice): SkippedNode[] {
  const floats = floatValues(graph);
  const additions = new Set([...planned.values()].map(({ addition }) => addition?.node));
  return [...graph.nodes].flatMap((node) => {
    const isMoving = ruleOf(node)?.output.kind === 'shared' || UNINTERESTING.has(node.op);
    if (chosen.has(node) || additions.has(node) || isMoving || !node.outputs.some((value) => floats.has(value)))
      return [];
    return [{ node: node.name, operator: node.op, reason: reasons.get(node) ?? 'it has no quantized form' }];
  });
}

const UNINTERESTING: ReadonlySet<string> = new Set([
  'Constant',
  'ConstantOfShape',
  'Identity',
  'Cast',
  'QuantizeLinear',
  'DequantizeLinear',
]);
