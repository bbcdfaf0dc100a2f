/** Constants of single nodes: which may change, and how one gets another without anybody else seeing it. */
import type { FreshNames } from '../../onnx/fresh-names.ts';
import type { Graph, Node } from '../../onnx/ir.ts';
import type { TensorData } from '../../tensor/data.ts';
import { type Plan, rootOf } from '../plan.ts';

/** Whether a scale or a range of it is given, which would not fit other numbers. */
export function isGiven({ nodes }: Plan, node: Node, index: number): boolean {
  const tensor = nodes.get(node)?.inputs[index];
  const root = tensor && rootOf(tensor);
  return root != null && 'given' in root && root.given.length > 0;
}

/** The node reads `data` under the name of its constant, or under another where others read that. */
export function replaceConstant(
  graph: Graph,
  { node, index }: { readonly node: Node; readonly index: number },
  { data, names }: { readonly data: TensorData; readonly names: FreshNames },
): void {
  const old = node.inputs[index]!;
  const { name, uses, producer } = old;
  const isSeen = uses.size > 1 || producer !== null || graph.isOutput(old) || graph.inputs.includes(old);
  if (!isSeen) old.name = names.of(`${name}_before`);
  node.setInput(index, graph.addInitializer(isSeen ? names.of(`${name}_adjusted`) : name, data));
}
