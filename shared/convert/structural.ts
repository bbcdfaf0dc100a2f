/** Operators that hold graphs: inlined where they only wrap. */
import type { Argument } from '../torch/program.ts';
import type { StructuralConverter, SubgraphLowering } from './converter.ts';
import type { Value } from '../onnx/ir.ts';

/** `wrap_*(settings..., graph, operands...)`: the graph as if it stood here. */
const inlined = (target: string): StructuralConverter => ({
  target,
  convert(op, node, lowering) {
    const at = node.args.findIndex(({ value }) => value.kind === 'graph');
    const body = node.args[at]?.value;
    if (body?.kind !== 'graph') return op.aten.refuse('graph', 'nothing', 'a subgraph');
    return lowering.inline(op, body.graph, operands(node.args.slice(at + 1).map((a) => a.value), lowering));
  },
});

function operands(args: readonly Argument[], lowering: SubgraphLowering): Value[] {
  return args.flatMap((a) => (a.kind === 'tensors' ? a.names.map((name) => lowering.value({ kind: 'tensor', name: name! })) : [lowering.value(a)]));
}

export const STRUCTURAL: readonly StructuralConverter[] = [inlined('higher_order::wrap_with_set_grad_enabled'), inlined('higher_order::strict_mode'), inlined('higher_order::hints_wrapper')];
