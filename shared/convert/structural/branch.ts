/** `cond`: two graphs, one of which runs. */
import type { Value } from '../../onnx/ir.ts';
import type { Graph } from '../../onnx/ir.ts';
import type { TorchGraph } from '../../torch/program.ts';
import type { AtenBuilder, StructuralConverter, SubgraphLowering } from '../converter.ts';
import { closeBody, graphAt, newBody, operandsAt, outputCount, predicate } from './subgraph.ts';

/** `cond(predicate, true graph, false graph, operands)`. */
export const cond: StructuralConverter = {
  target: 'higher_order::cond',
  convert(op, node, lowering) {
    const [condition, operands] = [node.args[0]!.value, operandsAt(node, 3, lowering)];
    if (condition.kind === 'bool') return lowering.inline(op, graphAt(node, condition.value ? 1 : 2), operands);
    const test = predicate(op, lowering.value(condition));
    const [then_branch, else_branch] = (
      [
        ['then', 1],
        ['else', 2],
      ] as const
    ).map(([name, at]) => branch(op, lowering, { name: `${name}_branch`, graph: graphAt(node, at), operands }));
    return op.If([test], { then_branch, else_branch }, outputCount(node));
  },
};

function branch(
  op: AtenBuilder,
  lowering: SubgraphLowering,
  { name, graph, operands }: { name: string; graph: TorchGraph; operands: readonly Value[] },
): Graph {
  const body = newBody(op, lowering, name);
  return closeBody(body, lowering.inline(body.op, graph, operands));
}
