/** Nodes in groups of one reason each. */
import type { SkippedNode } from './quantization.ts';

export interface ReasonGroup {
  readonly reason: string;
  readonly nodes: readonly SkippedNode[];
}

/** Most frequent reason first; equal counts keep the order of the graph. */
export const byReason = (skipped: readonly SkippedNode[]): readonly ReasonGroup[] =>
  [...Map.groupBy(skipped, (node) => node.reason)]
    .map(([reason, nodes]) => ({ reason, nodes }))
    .sort((a, b) => b.nodes.length - a.nodes.length);
