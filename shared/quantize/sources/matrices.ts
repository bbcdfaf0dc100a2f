/** Nodes whose weights can be quantized without looking at activations: products with a matrix and lookups of rows above all. */
import type { Graph, Node } from '../../onnx/ir.ts';
import { constantOf, mayBeFloat } from '../../onnx/match.ts';
import type { SkippedNode } from '../../report/quantization.ts';
import type { DynamicForm, OperatorRule } from '../operator-rule.ts';
import { dynamicFormOf, ruleOf, weightIndexOf } from '../rules.ts';

export interface Matrices {
  readonly nodes: ReadonlyMap<Node, OperatorRule>;
  readonly skipped: readonly SkippedNode[];
}

interface Asked {
  readonly graph: Graph;
  /** Nodes to leave in float, and why. */
  readonly refused: ReadonlyMap<Node, string>;
  /** Why an operator in a form of its own stays in float, or null. */
  readonly others: (node: Node, form: DynamicForm) => string | null;
  /** Also rows of a table. */
  readonly lookups: boolean;
}

/** In the order of the graph. What has no weights is not worth a line among the skipped. */
export function matricesIn({ graph, refused, others, lookups }: Asked): Matrices {
  const reasons = new Map(refused);
  const nodes = new Map<Node, OperatorRule>();
  for (const node of graph.nodes) {
    const form = dynamicFormOf(node);
    if (!form || reasons.has(node)) continue;
    const rule = ruleOf(node);
    const reason = reasonFor(node, { form, rule, others, lookups });
    if (rule && reason === null) nodes.set(node, rule);
    else if (reason !== null && node.outputs.some(mayBeFloat)) reasons.set(node, reason);
  }
  const skipped = [...reasons].map(([node, reason]) => ({ node: node.name, operator: node.op, reason }));
  return { nodes, skipped };
}

interface Row extends Pick<Asked, 'others' | 'lookups'> {
  readonly form: DynamicForm;
  readonly rule: OperatorRule | undefined;
}

function reasonFor(node: Node, { form, rule, others, lookups }: Row): string | null {
  if (form.kind !== 'product' && form.kind !== 'lookup') return others(node, form);
  if (form.kind === 'lookup' && !lookups) return 'tables of embeddings are left in float unless they are asked for';
  return rule ? reasonAgainst(node, rule) : null;
}

function reasonAgainst(node: Node, rule: OperatorRule): string | null {
  const form = dynamicFormOf(node)!;
  const data = constantOf(node.inputs[weightIndexOf(rule)]);
  const isProduct = form.kind === 'product';
  if (!data) return isProduct ? 'it multiplies two computed tensors' : 'its table is computed';
  if (data.dtype !== 'float32') return `its weight is ${data.dtype}`;
  if (data.shape.length !== 2 || data.byteLength === 0) return 'its weight is no matrix';
  if (isProduct && constantOf(node.inputs[0])) return 'it is a constant';
  return (isProduct ? form.refuse(node) : null) ?? rule.refuse?.(node) ?? null;
}
