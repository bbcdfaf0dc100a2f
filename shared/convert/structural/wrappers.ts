/** Operators that only wrap a graph: it stands in their place. */
import type { StructuralConverter } from '../converter.ts';
import { WRAPPERS } from '../../torch/functionalize/inline-wrappers.ts';
import { graphAt, opened } from './subgraph.ts';

/** `wrap(settings..., graph, operands...)`; names and settings after the graph are no operands. */
const inlined = (target: string): StructuralConverter => ({
  target,
  convert(op, node, lowering) {
    const at = node.args.findIndex(({ value }) => value.kind === 'graph');
    const operands = node.args
      .slice(at + 1)
      .flatMap(({ value }) => opened(value))
      .filter(({ kind }) => kind !== 'string');
    return lowering.inline(
      op,
      graphAt(node, at),
      operands.map((a) => (a.kind === 'none' ? null : lowering.value(a))),
    );
  },
});

export const inlinedWrappers = [...WRAPPERS].map(inlined);
