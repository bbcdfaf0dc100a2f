/** Graphs inside operators, as bodies of ONNX operators: what goes in and what comes out. */
import { fail } from '../../errors.ts';
import { Graph, type Value } from '../../onnx/ir.ts';
import { sameType, type TensorType, typeText } from '../../tensor/type.ts';
import type { Argument, TorchGraph, TorchNode } from '../../torch/program.ts';
import type { AtenBuilder, SubgraphLowering } from '../converter.ts';
import { reshape } from '../shape.ts';

/** The graph given at a position. */
export function graphAt(node: TorchNode, position: number): TorchGraph {
  const value = node.args[position]?.value;
  return value?.kind === 'graph'
    ? value.graph
    : fail('CorruptModel', {
        file: 'graph',
        where: node.name,
        reason: `argument ${position} of ${node.target} is no graph`,
      });
}

/** A list of operands, opened: tensors and numbers, in order. */
export function opened(argument: Argument | undefined): readonly Argument[] {
  if (!argument || argument.kind === 'none') return [];
  if (argument.kind === 'tensors')
    return argument.names.map((name): Argument => (name === null ? { kind: 'none' } : { kind: 'tensor', name }));
  return argument.kind === 'list' ? argument.items.flatMap(opened) : [argument];
}

export const operandsAt = (node: TorchNode, position: number, lowering: SubgraphLowering): Value[] =>
  opened(node.args[position]?.value).map((a) => lowering.value(a));

/** How many values a node gives, lists opened. */
export const outputCount = (node: TorchNode): number => node.outputs.flatMap(opened).length;

export interface Body {
  readonly op: AtenBuilder;
  readonly graph: Graph;
}

export function newBody(op: AtenBuilder, lowering: SubgraphLowering, name: string): Body {
  const graph = new Graph(name);
  return { op: lowering.inside(op, graph), graph };
}

/** A new input of the body; its symbolic sizes can be read inside. */
export function bodyInput({ op, graph }: Body, name: string, type: TensorType): Value {
  const value = graph.addInput(op.freshName(name), type);
  op.dimValues.bindShape(value);
  return value;
}

/** ONNX wants every output of a body computed inside it, and only once. */
export function closeBody({ op, graph }: Body, outputs: readonly Value[]): Graph {
  for (const value of outputs)
    graph.outputs.push(value.producer?.graph === graph && !graph.isOutput(value) ? value : op.Identity([value]));
  return graph;
}

/** A bool of one element, as If and Loop want it. */
export function predicate(op: AtenBuilder, value: Value): Value {
  const scalar = value.type?.shape.length ? reshape(op, value, []) : value;
  return scalar.type?.dtype === 'bool' ? scalar : op.Cast([scalar], { to: 'bool' });
}

/** Where the graph records no types, a carried value has to keep that of its operand. */
export function requireCarried(
  op: AtenBuilder,
  { inputs, values }: TorchGraph,
  { carried, next }: { readonly carried: readonly Value[]; readonly next: readonly Value[] },
): void {
  carried.forEach(({ type: before }, i) => {
    const [input, after] = [inputs[i], next[i]?.type];
    if (input?.kind !== 'tensor' || values.has(input.name) || !before || !after || sameType(before, after)) return;
    op.aten.refuse(`carried value "${input.name}"`, typeText(after), `the type it begins with, ${typeText(before)}`);
  });
}
