/**
 * Which nodes are quantized: those with weights for themselves, those between them where codes come in and codes are
 * wanted.
 */
import type { TensorData } from '../../tensor/data.ts';
import type { Graph, Node, Value } from '../../onnx/ir.ts';
import { constantOf, producedBy } from '../../onnx/match.ts';
import type { Recipe } from '../recipe.ts';
import type { InputRole, OperatorRule } from '../operator-rule.ts';
import { roleAt, ruleOf } from '../rules.ts';
import type { PlanRequest } from './source.ts';

export interface Choice {
  readonly chosen: ReadonlySet<Node>;
  /** Chosen nodes whose output is written as codes. */
  readonly integerOutputs: ReadonlySet<Node>;
  /** Relu and Clip that are taken out. */
  readonly folds: ReadonlySet<Node>;
  /** A node and the Relu or Clip that its saturation replaces. */
  readonly foldedInto: ReadonlyMap<Node, Node>;
  /** A node and the one behind it that could be taken out, and is kept. */
  readonly keptBehind: ReadonlyMap<Node, Node>;
  /** Why the others stay in float, where there is more to say than that no row exists. */
  readonly reasons: ReadonlyMap<Node, string>;
}

export function chooseNodes({ graph, recipe, format, refused }: PlanRequest): Choice {
  const reasons = new Map<Node, string>(refused);
  const chosen = new Set<Node>();
  for (const node of graph.nodes) {
    const rule = ruleOf(node);
    if (!rule || reasons.has(node)) continue;
    const reason = reasonAgainst(node, rule, { recipe, format });
    if (reason === null) chosen.add(node);
    else reasons.set(node, reason);
  }
  const view: View = { graph, recipe, chosen };
  // Taking one node out can take away what another needed: repeat until nothing changes.
  for (let changed = true; changed;) {
    changed = false;
    for (const node of [...chosen]) {
      const reason = reasonNow(node, view);
      if (reason === null) continue;
      chosen.delete(node);
      reasons.set(node, reason);
      changed = true;
    }
  }
  const folds = [...chosen].filter((node) => isFold(node));
  const behind = new Map(folds.map((node) => [node.inputs[0]!.producer!, node]));
  const isKept = recipe.extra.QDQKeepRemovableActivations === true;
  return {
    chosen,
    integerOutputs: new Set([...chosen].filter((node) => givesCodes(node, view))),
    folds: new Set(isKept ? [] : folds),
    foldedInto: isKept ? new Map() : behind,
    keptBehind: isKept ? behind : new Map(),
    reasons,
  };
}

/** What the node itself says, whatever stands around it. */
function reasonAgainst(
  node: Node,
  rule: OperatorRule,
  { recipe, format }: { readonly recipe: Recipe; readonly format: PlanRequest['format'] },
): string | null {
  const isNamed = recipe.targets.operators.includes(node.op);
  if (rule.asked !== undefined && !isNamed) return rule.asked;
  if (!rule.kernel && format === 'QLinear') return 'it has no QLinear form';
  if (!rule.kernel && !recipe.targets.withoutKernel && !isNamed)
    return 'onnxruntime has no integer kernel for it on CPU';
  const refusal = rule.refuse?.(node) ?? null;
  if (refusal !== null) return refusal;
  const roles = node.inputs.map((value, i): [Value | null, InputRole] => [value, roleAt(rule, i)]);
  for (const [value, role] of roles) {
    const problem = value ? (inputProblem(value, role) ?? biasProblem(node, role, constantOf(value))) : null;
    if (problem !== null) return problem;
  }
  const factors = roles
    .filter(([, { kind }]) => kind === 'factor' || kind === 'operand')
    .map(([value]) => constantOf(value));
  if (factors.length > 0 && factors.every((data) => data !== null)) return 'it is a constant';
  if (
    roles.some(([, { kind }]) => kind === 'factor') &&
    factors.every((data) => data === null) &&
    !recipe.targets.products
  ) {
    return 'it multiplies two computed tensors, which the recipe keeps in float';
  }
  return null;
}

const CONSTANT_ROLES: Partial<Record<InputRole['kind'], string>> = { weight: 'weight', bias: 'bias', table: 'table' };

function inputProblem(value: Value, { kind }: InputRole): string | null {
  if (kind === 'plain') return null;
  const data = constantOf(value);
  const name = CONSTANT_ROLES[kind];
  if (name && !data) return `its ${name} is computed`;
  const dtype = data?.dtype ?? value.type?.dtype;
  if (dtype && dtype !== 'float32') return `its ${name ?? 'input'} is ${dtype}`;
  if (data && kind === 'activation') return 'its input is a constant';
  if (data && data.byteLength === 0) return `its ${name ?? 'input'} is empty`;
  if (kind === 'table' && data!.shape.length !== 2) return 'its table is no matrix';
  if (producedBy(value, 'DequantizeLinear')) return 'it is quantized already';
  return null;
}

/** One number for each column, or one for all: what else broadcasts to the sum has no place in integer kernels. */
function biasProblem(node: Node, role: InputRole, data: TensorData | null): string | null {
  if (role.kind !== 'bias' || !data) return null;
  const long = data.shape.filter((d) => d !== 1);
  if (long.length > 1) return 'its bias is no vector';
  const columns = role.columns?.(node) ?? null;
  if (columns === null || long.length === 0) return null;
  return long[0] === columns && data.shape.at(-1) === columns
    ? null
    : `its bias [${data.shape.join(', ')}] is not one number for each of ${columns} columns`;
}

interface View {
  readonly graph: Graph;
  readonly recipe: Recipe;
  readonly chosen: ReadonlySet<Node>;
}

/** What a node still lacks among those chosen so far, or null. */
function reasonNow(node: Node, view: View): string | null {
  const rule = ruleOf(node)!;
  if (rule.when === 'weights') return null;
  if (rule.output.kind === 'shared' && view.recipe.extra.ForceQuantizeNoInputCheck) return null;
  if (isFold(node)) return canFold(node, view) ? null : 'its input is not quantized for it alone';
  const inputs = node.inputs.filter((value, i) => value && readsCodes(rule, i, value));
  if (!inputs.every((value) => isAvailable(value!, view))) return 'its input stays in float';
  if (rule.output.kind === 'index') return null;
  return node.outputs.some((value) => isWanted(value, view)) ? null : 'nothing behind it reads codes';
}

/** Whether saturation of the codes before it does the same. */
const isFold = (node: Node): boolean => ruleOf(node)?.when === 'fold';

const readsCodes = (rule: OperatorRule, index: number, value: Value): boolean => {
  const { kind } = roleAt(rule, index);
  return kind === 'activation' || ((kind === 'operand' || kind === 'factor') && !constantOf(value));
};

/** Codes of it exist, either because they are computed or because an operator with weights reads it as codes anyway. */
function isAvailable(value: Value, view: View): boolean {
  if (value.producer && view.chosen.has(value.producer) && canGiveCodes(value.producer, view)) return true;
  return [...value.uses].some(
    ({ node, index }) =>
      view.chosen.has(node) && ruleOf(node)!.when === 'weights' && readsCodes(ruleOf(node)!, index, value),
  );
}

function canGiveCodes(node: Node, { recipe }: View): boolean {
  if (recipe.extra.OpTypesToExcludeOutputQuantization?.includes(node.op)) return false;
  const { output, biasIn } = ruleOf(node)!;
  return (
    output.kind !== 'float' && output.kind !== 'index' && (biasIn === undefined || recipe.output.product === 'codes')
  );
}

function givesCodes(node: Node, view: View): boolean {
  const { output } = ruleOf(node)!;
  if (!canGiveCodes(node, view)) return false;
  return !(output.kind === 'observed' && output.optional) || isWanted(node.outputs[0]!, view);
}

function isWanted(value: Value, view: View): boolean {
  return [...value.uses].some(({ node, index }) => {
    if (!view.chosen.has(node)) return false;
    const rule = ruleOf(node)!;
    // Positions are found in numbers as well: nothing is rounded for them.
    if (rule.output.kind === 'index') return false;
    return isFold(node) ? isWanted(node.outputs[0]!, view) : readsCodes(rule, index, value);
  });
}

/** Saturation replaces it when nobody else sees what comes before it. */
function canFold(node: Node, view: View): boolean {
  const value = node.inputs[0]!;
  const { producer } = value;
  if (
    !producer ||
    !view.chosen.has(producer) ||
    view.graph.isOutput(value) ||
    value.uses.size !== 1 ||
    producer.outputs[0] !== value
  )
    return false;
  const { output, when } = ruleOf(producer)!;
  if (output.kind !== 'observed' || isFold(producer) || !canGiveCodes(producer, view)) return false;
  const codesAnyway = when === 'weights' && !output.optional;
  return codesAnyway || isWanted(node.outputs[0]!, view);
}
