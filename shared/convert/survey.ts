/** Looking over a program before it is lowered: which nodes there are, and which have no converter. */
import type { UnsupportedUse } from '../errors.ts';
import { isComplex } from '../tensor/dtype.ts';
import type { Argument, TorchGraph, TorchNode } from '../torch/program.ts';
import { isSupported, mayGiveComplex } from './registry.ts';

/** `add.Tensor in layer1.0 (resnet.py:91)`. */
export const placeOf = (node: TorchNode): string =>
  `${node.source.module || 'the root module'}${node.source.line ? ` (${node.source.line})` : ''}`;

/** Arithmetic on symbolic sizes: its result is recorded as an expression, so nothing has to be computed here. */
const SIZE_ARITHMETIC = /^(_operator|math|torch)::|^aten::sym_(size|numel|stride|storage_offset)/;

/** Operators that cannot be lowered, all at once: name, count and first place. */
export function unsupportedUses(graph: TorchGraph): UnsupportedUse[] {
  const uses = new Map<string, { count: number; at: string }>();
  for (const { node, within } of nodesWithin(graph)) {
    const complex = isComplexNode(node, within);
    if (isSupported(node.target, { complex }) || isSizeArithmetic(node)) continue;
    // Without records the call itself tells, which lowering looks at.
    if (
      mayGiveComplex(node.target) &&
      node.outputs.flatMap(tensorNames).some((n) => n !== null && !within.values.has(n))
    )
      continue;
    const name = complex ? `${node.target} on complex tensors` : node.target;
    const use = uses.get(name);
    if (use) use.count++;
    else uses.set(name, { count: 1, at: placeOf(node) });
  }
  return [...uses]
    .map(([name, { count, at }]) => ({ name, count, at }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

export function* allNodes(graph: TorchGraph): Generator<TorchNode> {
  for (const { node } of nodesWithin(graph)) yield node;
}

function* nodesWithin(graph: TorchGraph): Generator<{ node: TorchNode; within: TorchGraph }> {
  for (const node of graph.nodes) {
    yield { node, within: graph };
    for (const { value } of node.args) if (value.kind === 'graph') yield* nodesWithin(value.graph);
  }
}

export const tensorNames = (argument: Argument): readonly (string | null)[] =>
  argument.kind === 'tensor' ? [argument.name] : argument.kind === 'tensors' ? argument.names : [];

/** Whether a complex number or type stands among the arguments. */
export const namesComplex = (node: TorchNode): boolean =>
  node.args.some(({ value }) => value.kind === 'complex' || (value.kind === 'dtype' && isComplex(value.value)));

/** Whether a tensor that the node takes or gives is recorded as complex, or a number is one. */
export function isComplexNode(node: TorchNode, graph: TorchGraph): boolean {
  if (namesComplex(node)) return true;
  return [...node.args.map((a) => a.value), ...node.outputs].flatMap(tensorNames).some((name) => {
    const recorded = name === null ? undefined : graph.values.get(name);
    return recorded?.kind === 'tensor' && isComplex(recorded.type.dtype);
  });
}

export const isSizeArithmetic = (node: TorchNode): boolean =>
  SIZE_ARITHMETIC.test(node.target) && node.outputs.every((o) => o.kind === 'symint' || o.kind === 'none');
